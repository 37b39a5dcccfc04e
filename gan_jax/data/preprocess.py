"""What happens to images on the device, inside the training step: crop, flip, scale to [-1, 1]."""

import jax
import jax.numpy as jnp
from jax import Array


def crop(images: Array, offsets: Array, size: tuple[int, int]) -> Array:
    """Cuts a window of `size` out of each image, with its top left corner at its own offset.

    Shapes: images [..., h, w, C], offsets int [..., 2] (row, column); returns [..., H, W, C].
    """

    def cut(image: Array, offset: Array) -> Array:
        return jax.lax.dynamic_slice(image, (*offset, 0), (*size, image.shape[-1]))

    for _ in images.shape[:-3]:
        cut = jax.vmap(cut)
    return cut(images, offsets)


def random_crop(images: Array, size: tuple[int, int], key: Array) -> Array:
    """Cuts a window of `size` out of each image, every place as likely.

    Shapes: images [..., h, w, C]; returns [..., H, W, C].
    """
    *batch, height, width, _ = images.shape
    places = jnp.array([height - size[0] + 1, width - size[1] + 1])
    return crop(images, jax.random.randint(key, (*batch, 2), 0, places), size)


def flip(images: Array, chosen: Array) -> Array:
    """Mirrors the chosen images left to right.

    Shapes: images [..., H, W, C], chosen bool [...]; returns [..., H, W, C].
    """
    return jnp.where(chosen[..., None, None, None], jnp.flip(images, axis=-2), images)


def random_flip(images: Array, key: Array) -> Array:
    """Mirrors each image left to right with probability 1/2; shapes as in `flip`."""
    return flip(images, jax.random.bernoulli(key, shape=images.shape[:-3]))


def normalize(images: Array) -> Array:
    """Maps uint8 0 .. 255 to float32 -1 .. 1, x / 127.5 - 1, with both ends exact."""
    # XLA compiles x / 127.5 - 1 to a fused multiplication and addition: 255 becomes 1.0000001.
    return (images.astype(jnp.float32) - 127.5) / 127.5


def prepare(images: Array, size: tuple[int, int], mirror: bool, key: Array) -> Array:
    """Crops, flips (where `mirror`) and normalises stored images; one path for all sources.

    Shapes: images uint8 [..., h, w, C]; returns float32 [..., H, W, C] in [-1, 1].
    """
    crop_key, flip_key = jax.random.split(key)
    if images.shape[-3:-1] != size:
        images = random_crop(images, size, crop_key)
    if mirror:
        images = random_flip(images, flip_key)
    return normalize(images)

"""What happens to images on the device, inside the training step: crop, flip, scale to [-1, 1]."""

import jax
import jax.numpy as jnp
from jax import Array


def crop(images: Array, offsets: Array, size: tuple[int, int]) -> Array:
    """Cuts one window of `size` out of each image, at its own (row, column).

    Shapes: images [..., h, w, C], offsets [..., 2]; returns [..., H, W, C].
    """

    def window(image, offset):
        return jax.lax.dynamic_slice(image, (*offset, 0), (*size, image.shape[-1]))

    for _ in images.shape[:-3]:
        window = jax.vmap(window)
    return window(images, offsets)


def random_crop(images: Array, size: tuple[int, int], key: Array) -> Array:
    """Cuts a window of `size` at a uniformly drawn place of each image.

    Shapes: images [..., h, w, C]; returns [..., H, W, C].
    """
    *leading, height, width, _ = images.shape
    room = jnp.array([height - size[0], width - size[1]])
    return crop(images, jax.random.randint(key, (*leading, 2), 0, room + 1), size)


def flip(images: Array, chosen: Array) -> Array:
    """Mirrors the chosen images left to right.

    Shapes: images [..., H, W, C], chosen bool [...]; returns [..., H, W, C].
    """
    return jnp.where(chosen[..., None, None, None], jnp.flip(images, -2), images)


def random_flip(images: Array, key: Array) -> Array:
    """Mirrors each image left to right with probability one half; shapes as in `flip`."""
    return flip(images, jax.random.bernoulli(key, shape=images.shape[:-3]))


def normalize(images: Array) -> Array:
    """Maps uint8 0 .. 255 to float32 -1 .. 1, both ends exactly."""
    # Not x / 127.5 - 1: XLA multiplies by the reciprocal and adds in one rounding: 1.0000001.
    return (images.astype(jnp.float32) - 127.5) / 127.5


def prepare(images: Array, size: tuple[int, int], mirror: bool, key: Array) -> Array:
    """Crops, flips and normalises a batch of stored images, the same way for every source.

    Shapes: images uint8 [..., h, w, C]; returns float32 [..., H, W, C] in [-1, 1].
    """
    crop_key, flip_key = jax.random.split(key)
    if images.shape[-3:-1] != tuple(size):
        images = random_crop(images, size, crop_key)
    if mirror:
        images = random_flip(images, flip_key)
    return normalize(images)

"""DiffAugment: Zhao et al. 2020, Differentiable Augmentation for Data-Efficient GAN Training.

arXiv 2006.10738. Images are [B, H, W, C]; each draws its own numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.random import uniform

from gan_jax.augment.simple import crop

Array = jax.Array


def brightness(images: Array, u: Array) -> Array:
    """Moves all colours of an image by -1/2 to 1/2."""
    return images + _per_image(u - 0.5)


def saturation(images: Array, u: Array) -> Array:
    """Scales a pixel's distance from its grey by 0 to 2."""
    return _about(jnp.mean(images, -1, keepdims=True), images, 2 * u)


def contrast(images: Array, u: Array) -> Array:
    """Scales the distance from the image's mean by 1/2 to 3/2."""
    return _about(jnp.mean(images, (1, 2, 3), keepdims=True), images, u + 0.5)


def translation(images: Array, u: Array) -> Array:
    """Moves the image by up to an eighth of its size; what comes in is 0."""
    reach = [int(size / 8 + 0.5) for size in images.shape[1:3]]
    padded = jnp.pad(images, ((0, 0), *((most, most) for most in reach), (0, 0)))
    first = jnp.floor(u * (2 * jnp.array(reach) + 1)).astype(jnp.int32)
    return crop(padded, first, images.shape[1:3])


def cutout(images: Array, u: Array) -> Array:
    """Makes a rectangle of half of the image's size 0, its centre anywhere in the image."""
    sides = [int(size / 2 + 0.5) for size in images.shape[1:3]]
    inside = []
    for axis, (size, side) in enumerate(zip(images.shape[1:3], sides)):
        # An even side has its centre between pixels, the image's far edge among them.
        first = jnp.floor(u[:, axis, None] * (size + 1 - side % 2)) - side // 2
        pixels = jnp.arange(size)
        inside.append((first <= pixels) & (pixels < first + side))
    return images * ~(inside[0][:, :, None] & inside[1][:, None, :])[..., None]


def _per_image(numbers: Array) -> Array:
    return numbers.reshape(-1, 1, 1, 1)


def _about(middle: Array, images: Array, factor: Array) -> Array:
    return middle + _per_image(factor) * (images - middle)


class Transformation(NamedTuple):
    """A function of images and of numbers between 0 and 1 that are drawn for each."""

    apply: Callable[[Array, Array], Array]
    count: int  # of numbers


POLICIES = {
    'color': (
        Transformation(brightness, 1),
        Transformation(saturation, 1),
        Transformation(contrast, 1),
    ),
    'translation': (Transformation(translation, 2),),
    'cutout': (Transformation(cutout, 2),),
}


def diffaugment(images: Array, key: Array, policy: tuple[str, ...]) -> Array:
    """Returns images, each augmented on its own by the named policies in turn."""
    transformations = [one for name in policy for one in POLICIES[name]]
    for index, one in enumerate(transformations):
        numbers = uniform(jax.random.fold_in(key, index), (len(images), one.count))
        images = one.apply(images, numbers)
    return images

"""A flip and a shift, as for classifiers; and noise."""

import jax
import jax.numpy as jnp

Array = jax.Array


def flip_and_shift(images: Array, key: Array) -> Array:
    """Mirrors half of the images and moves all by up to an eighth of their size, reflected.

    Consistency regularisation's: Zhang et al. 2020, arXiv 1910.12027.
    """
    flip_key, shift_key = jax.random.split(key)
    reach = [max(1, size // 8) for size in images.shape[1:3]]
    mirrored = jax.random.bernoulli(flip_key, shape=(len(images), 1, 1, 1))
    images = jnp.where(mirrored, images[:, :, ::-1], images)
    first = jax.random.randint(shift_key, (len(images), 2), 0, 2 * jnp.array(reach) + 1)
    padded = jnp.pad(images, ((0, 0), *((most, most) for most in reach), (0, 0)), mode='reflect')
    return crop(padded, first, images.shape[1:3])


def crop(images: Array, first: Array, size: tuple[int, int]) -> Array:
    """Cuts a part of one size out of each image, from its own first row and column [B, 2]."""
    channels = images.shape[-1]
    return jax.vmap(
        lambda image, first: jax.lax.dynamic_slice(image, (*first, 0), (*size, channels))
    )(images, first)


def noise(images: Array, deviation: Array, key: Array) -> Array:
    """Adds Gaussian noise of a standard deviation to all pixels.

    Instance noise: Sonderby et al. 2017, arXiv 1610.04490; Arjovsky and Bottou 2017.
    """
    return images + deviation * jax.random.normal(key, images.shape)

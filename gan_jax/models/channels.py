"""Sums over every dimension but the channels, and their transpose: each is the other's derivative.

Normalisations and biases are made of the two. XLA:CPU takes the sum of 128 images of 32x32 pixels
and 256 channels in 57 ms, and the same as a product of matrices in 9 (two cores, float32).
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_vjp
def channel_sum(x: Array) -> Array:
    """[..., C] -> [C]."""
    if jax.default_backend() != 'cpu':
        return jnp.sum(x, axis=range(x.ndim - 1))
    images = x.reshape(-1, x.shape[-1])
    return jnp.ones(len(images), x.dtype) @ images


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def spread(channels: Array, shape: tuple[int, ...]) -> Array:
    """[C] -> [..., C]: the same everywhere."""
    return jnp.broadcast_to(channels, shape)


channel_sum.defvjp(
    lambda x: (channel_sum(x), x.shape), lambda shape, cotangent: (spread(cotangent, shape),)
)
spread.defvjp(
    lambda channels, shape: (spread(channels, shape), None),
    lambda shape, _, cotangent: (channel_sum(cotangent),),
)


def channel_mean(x: Array) -> Array:
    """[..., C] -> [C]."""
    return channel_sum(x) / math.prod(x.shape[:-1])

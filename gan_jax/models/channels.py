"""Sums over every dimension but the channels, and their transpose: each is the other's derivative.

Normalisations and biases are made of the two. XLA:CPU takes the sum of 128 images of 32x32 pixels
and 256 channels in 57 ms, and the same as a product of matrices in 9 (two cores, float32). There
they have no forward-mode derivative (jax.jvp).
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array


def channel_sum(x: Array) -> Array:
    """[..., C] -> [C]."""
    if jax.default_backend() == 'cpu':
        return _sum_by_product(x)
    return jnp.sum(x, axis=range(x.ndim - 1))


def spread(channels: Array, shape: tuple[int, ...]) -> Array:
    """[C] -> [..., C]: the same everywhere."""
    if jax.default_backend() == 'cpu':
        return _spread_back(channels, shape)
    return jnp.broadcast_to(channels, shape)


def channel_mean(x: Array) -> Array:
    """[..., C] -> [C]."""
    return channel_sum(x) / math.prod(x.shape[:-1])


@jax.custom_vjp
def _sum_by_product(x: Array) -> Array:
    images = x.reshape(-1, x.shape[-1])
    return jnp.ones(len(images), x.dtype) @ images


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _spread_back(channels: Array, shape: tuple[int, ...]) -> Array:
    return jnp.broadcast_to(channels, shape)


_sum_by_product.defvjp(
    lambda x: (_sum_by_product(x), x.shape),
    lambda shape, cotangent: (_spread_back(cotangent, shape),),
)
_spread_back.defvjp(
    lambda channels, shape: (_spread_back(channels, shape), None),
    lambda shape, _, cotangent: (_sum_by_product(cotangent),),
)

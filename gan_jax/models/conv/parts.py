"""A batch taken in parts that stay in cache, one after the other.

A part is every n-th image and not a run of them, so that no image of a sharded batch moves.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax


def count_parts(batch: int, most: int) -> int:
    """Returns how many parts a batch makes: at most so many, equal, and as many on each device."""
    share = max(1, batch // jax.device_count())
    return math.gcd(share, 1 << max(1, most).bit_length() - 1)


def map_parts(function: Callable[[Array], Array], parts: int, x: Array) -> Array:
    """Returns function(x), part by part."""
    x = x.reshape(-1, parts, *x.shape[1:])
    like = jax.eval_shape(function, x[:, 0])

    def write(part: Array, y: Array) -> Array:
        value = function(lax.dynamic_index_in_dim(x, part, 1, keepdims=False))
        return lax.dynamic_update_index_in_dim(y, value, part, 1)

    y = jnp.zeros((like.shape[0], parts, *like.shape[1:]), like.dtype)
    return lax.fori_loop(0, parts, write, y).reshape(-1, *like.shape[1:])


def sum_parts(function: Callable[..., Any], parts: int, *images: Array) -> Any:
    """Returns function(*images), a sum over the batch, part by part."""
    images = [array.reshape(-1, parts, *array.shape[1:]) for array in images]
    like = jax.eval_shape(function, *(array[:, 0] for array in images))

    def add(part: Array, total: Any) -> Any:
        taken = [lax.dynamic_index_in_dim(array, part, 1, keepdims=False) for array in images]
        return jax.tree.map(jnp.add, total, function(*taken))

    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
    return lax.fori_loop(0, parts, add, zeros)

"""Priors over latents: `(key, n) -> z`, z float32 [n, size]."""

from collections.abc import Callable

import jax

Array = jax.Array
Prior = Callable[[Array, int], Array]


def gaussian(size: int) -> Prior:
    """z ~ N(0, 1)."""
    return lambda key, n: jax.random.normal(key, (n, size))


def uniform(size: int) -> Prior:
    """z ~ U(-1, 1)."""
    return lambda key, n: jax.random.uniform(key, (n, size), minval=-1.0, maxval=1.0)


PRIORS = {prior.__name__: prior for prior in (gaussian, uniform)}

"""Priors over latents, and the same ones without their tails."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from gan_jax.interpolation import linear, spherical
from gan_jax.usage import UsageError

Array = jax.Array


class Prior(NamedTuple):
    """A distribution of latents z, float32 [n, size]."""

    draw: Callable[[Array, int], Array]  # (key, n) -> z
    # (z, threshold) -> z of the distribution within plus or minus the threshold: a monotone map
    # of each number, so that a sweep of thresholds moves the same images. One that leaves nothing
    # to draw is a UsageError.
    truncate: Callable[[Array, float], Array]
    between: Callable[[Array, Array, Array], Array]  # one z to another, through what is drawn too


def gaussian(size: int) -> Prior:
    """z ~ N(0, 1); truncated as BigGAN's, of which z outside the threshold is drawn again."""

    def truncate(z: Array, threshold: float) -> Array:
        _check_positive(threshold)
        low, high = norm.cdf(-threshold), norm.cdf(threshold)
        return norm.ppf(low + (high - low) * norm.cdf(z))

    return Prior(lambda key, n: jax.random.normal(key, (n, size)), truncate, spherical)


def uniform(size: int) -> Prior:
    """z ~ U(-1, 1)."""

    def draw(key: Array, n: int) -> Array:
        return jax.random.uniform(key, (n, size), minval=-1.0, maxval=1.0)

    def truncate(z: Array, threshold: float) -> Array:
        _check_positive(threshold)
        return z * jnp.minimum(threshold, 1)

    return Prior(draw, truncate, linear)


def _check_positive(threshold: float) -> None:
    if not threshold > 0:
        raise UsageError(f'a truncation of {threshold} must be above 0')


PRIORS = {prior.__name__: prior for prior in (gaussian, uniform)}

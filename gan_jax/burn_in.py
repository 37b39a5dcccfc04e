"""Burn-in: numbers that move along half a cosine over a run's first steps, and then stay.

R3GAN, Huang et al. 2024, arXiv 2501.05441, appendix D: rates, penalties and 1 - b2 fall, the moving
average's half-life and the chance of an augmentation rise from 0.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

Schedule = Callable[[Any], Any]  # step -> value


def fall(burn_in: Any, name: str) -> Schedule:
    """Returns what share of its first value a number is at a step: from 1 to `burn_in[name]`."""
    last = burn_in[name]
    return (lambda step: last + (1 - last) * _ahead(burn_in, step)) if burn_in.steps else _one


def rise(burn_in: Any) -> Schedule:
    """Returns what share of its last value a number is at a step: from 0 to 1."""
    return (lambda step: 1 - _ahead(burn_in, step)) if burn_in.steps else _one


def _ahead(burn_in: Any, step: Any) -> Any:
    return 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(step / burn_in.steps, 1)))


def _one(step: Any) -> float:
    return 1.0

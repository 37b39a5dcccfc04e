"""Between two latents, [..., D] each: functions of both and of the way, [..., 1] in 0 .. 1."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array

Latents = Mapping[str, np.ndarray]  # [n, ...] by name, of which the floating ones move


def linear(start: Array, end: Array, way: Array) -> Array:
    """Returns the latents on the straight lines: of latents whose distances mean something."""
    return start + way * (end - start)


def spherical(start: Array, end: Array, way: Array) -> Array:
    """Returns the latents on the arcs: of normal ones, which lie near a sphere.

    Shoemake 1985; for latents White 2016, arXiv 1609.04468. Latents of one direction or of opposite
    ones, between which there is no one arc, are joined by a line.
    """
    lengths = (jnp.linalg.norm(one, axis=-1, keepdims=True) for one in (start, end))
    one, other = (latents / length for latents, length in zip((start, end), lengths))
    # By its chord and that of its supplement: exact for small angles too, unlike an arc cosine.
    angle = 2 * jnp.arctan2(
        jnp.linalg.norm(other - one, axis=-1, keepdims=True),
        jnp.linalg.norm(other + one, axis=-1, keepdims=True),
    )
    sine = jnp.sin(angle)
    arc = (jnp.sin((1 - way) * angle) * start + jnp.sin(way * angle) * end) / sine
    return jnp.where(sine > 1e-6, arc, linear(start, end, way))


def lead(way: Callable, start: Latents, end: Latents, count: int) -> dict[str, np.ndarray]:
    """Returns `count` latents from each of `start` to its own of `end`, both included.

    way: `(a, b, t)` of flat latents, such as `linear`. Shapes: [n, ...] -> [n * count, ...]. What
    does not move stays as it is in `start`.
    """
    t = np.linspace(0, 1, count, dtype=np.float32)[None, :, None]

    def move(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        flat = (array.reshape(len(array), 1, -1) for array in (a, b))
        return np.asarray(way(*flat, t)).reshape(-1, *a.shape[1:])

    moving = {name: move(array, end[name]) for name, array in floating(start).items()}
    return {name: np.repeat(array, count, axis=0) for name, array in start.items()} | moving


def floating(latents: Latents) -> dict[str, np.ndarray]:
    """Returns the latents that can move; labels and other whole numbers cannot."""
    return {
        name: array for name, array in latents.items() if np.issubdtype(array.dtype, np.floating)
    }

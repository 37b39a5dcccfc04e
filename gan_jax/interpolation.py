"""Between two latents, [..., D] each: functions of both and of the way, [..., 1] in 0 .. 1."""

import jax.numpy as jnp
from jax import Array


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

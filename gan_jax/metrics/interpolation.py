"""Ways from one latent to another."""

import jax.numpy as jnp
from jax import Array


def linear(a: Array, b: Array, t: Array) -> Array:
    """Returns (1 - t) a + t b; t is in [0, 1] and of a shape that broadcasts."""
    return (1 - t) * a + t * b


def spherical(a: Array, b: Array, t: Array) -> Array:
    """Returns sin((1 - t) w) / sin w a + sin(t w) / sin w b, w the angle between a and b.

    On the last axis, where Gaussian latents all have about the same length: so has what lies
    between them (White 2016, arXiv 1609.04468). Parallel latents have no such arc: a line.
    """
    lengths = jnp.linalg.norm(a, axis=-1, keepdims=True), jnp.linalg.norm(b, axis=-1, keepdims=True)
    cosine = jnp.sum(a * b, axis=-1, keepdims=True) / jnp.maximum(lengths[0] * lengths[1], 1e-12)
    angle = jnp.arccos(jnp.clip(cosine, -1, 1))
    bent = jnp.sin(angle) > 1e-4
    sine = jnp.where(bent, jnp.sin(angle), 1.0)
    arc = jnp.sin((1 - t) * angle) / sine * a + jnp.sin(t * angle) / sine * b
    return jnp.where(bent, arc, linear(a, b, t))

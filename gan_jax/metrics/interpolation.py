"""Ways from one latent to another."""

import jax.numpy as jnp
from jax import Array


def linear(a: Array, b: Array, t: Array) -> Array:
    """Returns (1 - t) a + t b; t is broadcast against a and b."""
    return (1 - t) * a + t * b


def spherical(a: Array, b: Array, t: Array) -> Array:
    """Returns the way along the arc between a and b, at constant speed: float [..., D].

    Of two latents of one length every latent between them has it too, as those of a Gaussian prior
    nearly do. Along one line, where there is no arc or no single one, the way is straight.
    Shoemake 1985, Animating rotation with quaternion curves; White 2016, arXiv 1609.04468.
    """
    unit_a, unit_b = (x / (jnp.linalg.norm(x, axis=-1, keepdims=True) + 1e-12) for x in (a, b))
    cosine = jnp.sum(unit_a * unit_b, axis=-1, keepdims=True)
    straight = jnp.abs(cosine) > 1 - 1e-6  # float32 knows no smaller angle
    angle = jnp.arccos(jnp.where(straight, 0.0, cosine))
    arc = (jnp.sin((1 - t) * angle) * a + jnp.sin(t * angle) * b) / jnp.sin(angle)
    return jnp.where(straight, linear(a, b, t), arc)

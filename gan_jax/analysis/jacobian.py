"""How images change with their latents, and judgements with the images."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from gan_jax.interpolation import Latents, floating


class Directions(NamedTuple):
    """Singular values of a Jacobian, [k] and falling, and the unit latents [k, ...] of each."""

    values: np.ndarray
    latents: Mapping[str, np.ndarray]


def columns(draw: Callable, latents: Latents, tangents: Latents) -> jax.Array:
    """Returns the derivative of `draw(latents)`, [n, ...], along tangents of its floating latents.

    Every example has its own tangent. Forward mode by reverse mode twice: the derivative of
    u -> J^T u is J^T, whose transpose is J; the convolutions of CPUs have no forward mode.
    """
    moving = floating(latents)
    images, pull = jax.vjp(lambda moving: draw({**latents, **moving}), moving)
    _, push = jax.vjp(lambda u: pull(u)[0], jnp.zeros_like(images))
    return push({name: tangents[name] for name in moving})[0]


def directions(derivative: Callable, latents: Latents) -> Directions:
    """Returns the singular values and right singular vectors of the Jacobian at one latent.

    derivative: `(latents, tangents) -> [n, ...]`, as `columns`, of examples that do not depend on
    each other. Shapes: latents [1, ...].
    """
    one = {name: array[0] for name, array in floating(latents).items()}
    flat, unravel = ravel_pytree(one)
    unravel_all = jax.vmap(unravel)
    repeated = {name: np.repeat(array, flat.size, axis=0) for name, array in latents.items()}
    tangents = jax.device_get(unravel_all(jnp.eye(flat.size)))
    transposed = np.asarray(derivative(repeated, tangents)).reshape(flat.size, -1)
    vectors, values, _ = np.linalg.svd(transposed, full_matrices=False)
    return Directions(values, jax.device_get(unravel_all(jnp.asarray(vectors.T))))


def saliency(judge: Callable, images: jax.Array) -> jax.Array:
    """Returns how much each pixel moves the logit of its image, max over c of |d logit / d x_c|.

    judge: images [n, H, W, C] -> logits [n], each of its own image. Shape: [n, H, W].
    Simonyan et al. 2013, section 3.1, arXiv 1312.6034.
    """
    gradient = jax.grad(lambda images: jnp.sum(judge(images)))(images)
    return jnp.max(jnp.abs(gradient), axis=-1)


def effective_rank(values: np.ndarray) -> float:
    """Returns how many directions matter: (sum s^2)^2 / sum s^4 of singular values, 1 .. k."""
    squares = np.square(values, dtype=np.float64)
    return float(np.square(squares.sum()) / max(np.square(squares).sum(), 1e-300))

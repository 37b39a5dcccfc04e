"""Path length regularisation: Karras et al. 2020, section 3.2 and appendix B, arXiv 1912.04958."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.game import Array


def path_lengths(synthesize: Callable[[Array], Array], styles: Array, key: Array) -> Array:
    """Returns |J^T y| for each image: how far it moves per step of its styles, along a random y.

    J is the Jacobian of g(w), and J^T y the gradient of g(w) y by w: equation 4, of which y is
    N(0, 1) / sqrt(H W), so that it does not depend on the size. Over layers the mean of squares.

    Args:
      synthesize: styles [B, L, W] -> images [B, H, W, C], every example on its own.
    """

    def along(styles: Array) -> Array:
        images = synthesize(styles)
        direction = jax.random.normal(key, images.shape)
        _, height, width, _ = images.shape
        return jnp.sum(images * direction) / jnp.sqrt(height * width)

    gradients = jax.grad(along)(styles)
    return jnp.sqrt(jnp.mean(jnp.sum(jnp.square(gradients), axis=2), axis=1))


def path_length_penalty(lengths: Array, mean: Array, decay: float = 0.01) -> tuple[Array, Array]:
    """Returns E[(|J^T y| - a)^2] and a, the running mean of lengths after this batch's."""
    mean += decay * (jnp.mean(lengths) - mean)
    return jnp.mean(jnp.square(lengths - mean)), mean

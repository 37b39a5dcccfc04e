"""Path length regularisation: Karras et al. 2020, section 3.2 and appendix B, arXiv 1912.04958."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene

_DECAY = 0.01  # of the running mean


def path_length(weight: float, styles: Callable[..., Array], interval: int) -> Part:
    """Returns the part by which a step of styles moves every image equally far.

    Of every other image of the batch, as in the paper. The mean length is state of the game.

    Args:
      styles: `(networks, latents, train) -> [B, L, W]` of a game with a network `synthesis`.
    """

    def generator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        latents = {name: array[::2] for name, array in scene.latents.items()}

        def synthesize(styles: Array) -> Array:
            return networks.synthesis(styles, latents['noise'], train=True)

        lengths = path_lengths(synthesize, styles(networks, latents, train=True), scene.key)
        penalty, mean = path_length_penalty(lengths, scene.context.extra['path_length'])
        return weight * penalty, Report({'path_length_mean': mean}, {'path_length': mean})

    extra = {'path_length': jnp.zeros(())}
    return Part('path_length', generator=generator, extra=extra, interval=interval)


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


def path_length_penalty(lengths: Array, mean: Array) -> tuple[Array, Array]:
    """Returns E[(|J^T y| - a)^2] and a, the running mean of lengths after this batch's."""
    mean += _DECAY * (jnp.mean(lengths) - mean)
    return jnp.mean(jnp.square(lengths - mean)), mean

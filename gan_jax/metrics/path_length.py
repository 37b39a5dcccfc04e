"""How smoothly images follow their latents: Karras et al. 2019, arXiv 1812.04948, section 4.1."""

from collections.abc import Callable, Iterable

import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.metrics.bootstrap import Estimate, bootstrap
from gan_jax.usage import UsageError

_DISCARDED = 0.01  # of the lengths at either end


def perceptual_path_length(
    draw: Callable[[Array], Array],
    features: Callable[[Array], Array],
    pairs: Iterable[tuple[Array, Array]],
    interpolate: Callable[[Array, Array, Array], Array],
    epsilon: float = 1e-4,
    seed: int = 0,
) -> Estimate:
    """Returns E |f(G(z(t))) - f(G(z(t + epsilon)))|^2 / epsilon^2: equations 2 and 3.

    t is uniform in 0 .. 1, and lengths below the first percentile or above the last are left out.
    The distance of images is the square of their features', of which LPIPS is one kind.

    Args:
      draw: latents -> images, float: rounding them to integers would make steps of a smooth way.
      features: images -> features, [n, ...].
      pairs: batches of latents, where the ways begin and where they end, [n, D] each.
      interpolate: of `interpolation.py`: `spherical` for equation 2, `linear` for equation 3.

    Raises:
      UsageError: images of integers.
    """
    random = np.random.default_rng(seed)

    def seen(latents: Array) -> Array:
        images = draw(latents)
        if not jnp.issubdtype(images.dtype, jnp.floating):
            raise UsageError('a path length needs images of floating-point numbers, not rounded')
        return features(images)

    lengths = []
    for start, end in pairs:
        way = random.random((len(start), 1))
        one, other = (
            seen(interpolate(start, end, jnp.asarray(at, start.dtype)))
            for at in (way, way + epsilon)
        )
        changes = np.asarray(other - one, np.float64).reshape(len(one), -1) / epsilon
        lengths.append(np.square(changes).sum(axis=1))
    lengths = np.concatenate(lengths)
    return bootstrap(lambda indices: _trimmed_mean(lengths[indices]), len(lengths))


def _trimmed_mean(lengths: np.ndarray) -> float:
    low = np.quantile(lengths, _DISCARDED, method='lower')
    high = np.quantile(lengths, 1 - _DISCARDED, method='higher')
    return float(lengths[(low <= lengths) & (lengths <= high)].mean())

"""Scores by balls around features, as large as the distance to a neighbour.

Kynkaanniemi et al. 2019, arXiv 1904.06991: precision and recall. Naeem et al. 2020, arXiv
2002.09797: density and coverage.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.metrics.features import check_pair

_BLOCK = 1024  # rows of distances at a time


class PrecisionRecall(NamedTuple):
    """Shares of images."""

    precision: float  # of the generated ones, within some reference image's ball
    recall: float  # of the reference, within some generated image's ball


class DensityCoverage(NamedTuple):
    """As those two, less moved by an outlier of the reference, whose ball is large."""

    density: float  # how many reference balls hold a generated image, by `neighbours`
    coverage: float  # share of the reference balls that hold any generated image


def precision_recall(
    generated: np.ndarray, reference: np.ndarray, neighbours: int = 3
) -> PrecisionRecall:
    """Returns precision and recall of features [N, D] and [M, D].

    Raises:
      UsageError: no more images than neighbours, or sets that cannot be compared.
    """
    generated, reference = check_pair(generated, reference, least=neighbours + 1)

    def share_within(images: np.ndarray, others: np.ndarray) -> float:
        radii = _radii(others, neighbours)
        return _mean(images, others, lambda distances: jnp.any(distances <= radii, axis=1))

    return PrecisionRecall(share_within(generated, reference), share_within(reference, generated))


def density_coverage(
    generated: np.ndarray, reference: np.ndarray, neighbours: int = 5
) -> DensityCoverage:
    """Returns density and coverage of features [N, D] and [M, D].

    Raises:
      UsageError: as `precision_recall`.
    """
    generated, reference = check_pair(generated, reference, least=neighbours + 1)
    radii = _radii(reference, neighbours)
    held = _mean(generated, reference, lambda distances: jnp.sum(distances < radii, axis=1))
    nearest = _rows(reference, generated, lambda distances: jnp.min(distances, axis=1))
    return DensityCoverage(held / neighbours, float(np.mean(nearest < radii)))


def _radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """The squared distance of every image to its k-th neighbour, itself not counted: [N]."""
    return _rows(features, features, lambda d: -jax.lax.top_k(-d, neighbours + 1)[0][:, -1])


def _mean(images: np.ndarray, others: np.ndarray, function: Callable[[Array], Array]) -> float:
    return float(np.mean(_rows(images, others, function)))


def _rows(images: np.ndarray, others: np.ndarray, function: Callable[[Array], Array]) -> np.ndarray:
    """A function of squared distances [n, M] to all others, of every image: block by block.

    In float64: a distance is what is left of the squares of numbers far from zero.
    """
    apply = jax.jit(lambda block, others: function(_squared_distances(block, others)))
    with jax.enable_x64(True):
        images, others = (jnp.asarray(one, jnp.float64) for one in (images, others))
        blocks = [images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK)]
        return np.concatenate([np.asarray(apply(block, others)) for block in blocks])


def _squared_distances(x: Array, y: Array) -> Array:
    """|x|^2 + |y|^2 - 2 x . y: [N, M]."""
    products = jnp.matmul(x, y.T, precision='highest')
    squares = (jnp.sum(jnp.square(one), axis=1) for one in (x, y))
    return jnp.add.outer(*squares) - 2 * products

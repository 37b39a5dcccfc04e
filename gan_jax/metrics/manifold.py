"""Scores by balls around features, as large as the distance to a neighbour.

Kynkaanniemi et al. 2019, arXiv 1904.06991: precision and recall. Naeem et al. 2020, arXiv
2002.09797: density and coverage.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from gan_jax.metrics.bootstrap import Estimate, mean_estimate
from gan_jax.metrics.distances import by_rows, smallest
from gan_jax.metrics.features import check_pair


class PrecisionRecall(NamedTuple):
    """Shares of images."""

    precision: float | Estimate  # of the generated ones, within some reference image's ball
    recall: float | Estimate  # of the reference, within some generated image's ball


class DensityCoverage(NamedTuple):
    """As those two, less moved by an outlier of the reference, whose ball is large."""

    density: float | Estimate  # how many reference balls hold a generated image, by `neighbours`
    coverage: float | Estimate  # share of the reference balls that hold any generated image


def precision_recall(
    generated: np.ndarray, reference: np.ndarray, neighbours: int = 3
) -> PrecisionRecall:
    """Returns precision and recall of features [N, D] and [M, D].

    Raises:
      UsageError: no more images than neighbours, or sets that cannot be compared.
    """
    return PrecisionRecall(*map(_mean, _precision_recall(generated, reference, neighbours)))


def precision_recall_estimates(
    generated: np.ndarray, reference: np.ndarray, neighbours: int = 3
) -> PrecisionRecall:
    """Returns them with intervals, as of other images within, or without, the same balls."""
    return PrecisionRecall(*map(mean_estimate, _precision_recall(generated, reference, neighbours)))


def density_coverage(
    generated: np.ndarray, reference: np.ndarray, neighbours: int = 5
) -> DensityCoverage:
    """Returns density and coverage of features [N, D] and [M, D].

    Raises:
      UsageError: as `precision_recall`.
    """
    return DensityCoverage(*map(_mean, _density_coverage(generated, reference, neighbours)))


def density_coverage_estimates(
    generated: np.ndarray, reference: np.ndarray, neighbours: int = 5
) -> DensityCoverage:
    """Returns them with intervals: density's as of other images, coverage's as of other balls."""
    return DensityCoverage(*map(mean_estimate, _density_coverage(generated, reference, neighbours)))


def _precision_recall(
    generated: np.ndarray, reference: np.ndarray, neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each generated and of each reference image, whether it is in a ball of the others."""
    generated, reference = check_pair(generated, reference, least=neighbours + 1)

    def within(images: np.ndarray, others: np.ndarray) -> np.ndarray:
        radii = _radii(others, neighbours)
        return by_rows(lambda distances: jnp.any(distances <= radii, axis=1), images, others)

    return within(generated, reference), within(reference, generated)


def _density_coverage(
    generated: np.ndarray, reference: np.ndarray, neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each generated image how many balls by k hold it, of each ball whether it holds any."""
    generated, reference = check_pair(generated, reference, least=neighbours + 1)
    radii = _radii(reference, neighbours)
    held = by_rows(lambda distances: jnp.sum(distances < radii, axis=1), generated, reference)
    closest = by_rows(lambda distances: jnp.min(distances, axis=1), reference, generated)
    return held / neighbours, closest < radii


def _radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """The squared distance of every image to its k-th neighbour, itself not counted: [N]."""
    return by_rows(
        lambda distances: smallest(distances, neighbours + 1)[1][:, -1], features, features
    )


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))

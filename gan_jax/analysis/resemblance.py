"""How generated images lie among each other and among real ones, by distances of features."""

import numpy as np
from sklearn.metrics import pairwise_distances

from gan_jax.analysis.verdict import Images
from gan_jax.metrics import nearest
from gan_jax.usage import UsageError


def measure(generated: np.ndarray, real: np.ndarray) -> Images:
    """Returns the three measures of features [n, D] by those of real images [m, D].

    Raises:
      UsageError: a single image, which has no distance to others.
    """
    count = min(len(generated), len(real))
    if count < 2:
        raise UsageError('distances between images need two real and two generated ones')
    some, generated = real[:: len(real) // count][:count], generated[:count]
    return Images(
        diversity=_ratio(mean_distance(generated), mean_distance(some)),
        spacing=_ratio(_typical(_among(generated, generated)), _typical(_among(some, some))),
        distance=_ratio(_typical(nearest(generated, real).distances), _typical(_among(some, real))),
    )


def mean_distance(features: np.ndarray) -> float:
    """Returns the mean Euclidean distance between two different rows."""
    count = len(features)
    return float(pairwise_distances(features).sum()) / (count * (count - 1))


def _among(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The distance to the nearest of others but for itself: all of the features are among them."""
    return nearest(features, others, count=2).distances[:, -1]


def _typical(distances: np.ndarray) -> float:
    return float(np.median(distances))


def _ratio(distance: float, real: float) -> float:
    return distance / max(real, 1e-12)

"""The kernel distance of features: Binkowski et al. 2018, arXiv 1801.01401."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gan_jax.metrics.bootstrap import Estimate, around
from gan_jax.metrics.features import check_pair

_ENOUGH = 1000  # images of each set, to know how an image compares with it


class KernelDistance(NamedTuple):
    """The mean over random subsets, and their standard deviation."""

    mean: float
    deviation: float


def kid(
    generated: np.ndarray,
    reference: np.ndarray,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> KernelDistance:
    """Returns the squared MMD of two sets of features, [N, D] and [M, D], without bias.

    The kernel is (x . y / D + 1)^3. A subset is of `subset_size` images of each set, drawn without
    replacement, or of all where a set has fewer. Raises UsageError for sets that cannot be
    compared.
    """
    pairs = _pairs_of_subsets(generated, reference, subset_size, seed)
    distances = [_squared_mmd(*pair) for pair in itertools.islice(pairs, subsets)]
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)))


def kid_estimate(
    generated: np.ndarray,
    reference: np.ndarray,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Returns the mean that `kid` does and its interval, as of N other generated images.

    An image x moves it by 2 (E k(x, x') - E k(x, y)), less the mean of that; a thousand x' and y
    are enough. That the subsets are drawn adds deviation^2 / subsets to the variance.
    """
    value, deviation = kid(generated, reference, subsets, subset_size, seed)
    x, y = next(_pairs_of_subsets(generated, reference, _ENOUGH, seed))
    images = np.asarray(generated, np.float64).reshape(len(generated), -1)
    influences = 2 * (_kernel(images, x).mean(axis=1) - _kernel(images, y).mean(axis=1))
    return around(value, np.hypot(influences.std() / len(images) ** 0.5, deviation / subsets**0.5))


def _pairs_of_subsets(
    generated: np.ndarray, reference: np.ndarray, subset_size: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Subsets of either set, as many as are asked for: float64."""
    generated, reference = check_pair(generated, reference)
    size = min(subset_size, len(generated), len(reference))
    random = np.random.default_rng(seed)
    while True:
        x, y = (random.choice(one, size, replace=False) for one in (generated, reference))
        yield x.astype(np.float64), y.astype(np.float64)


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """E k(x, x') + E k(y, y') - 2 E k(x, y), no image being compared with itself."""
    count = len(x)

    def within(a: np.ndarray) -> float:
        values = _kernel(a, a)
        return (values.sum() - np.trace(values)) / (count * (count - 1))

    return within(x) + within(y) - 2 * _kernel(x, y).mean()

"""The kernel distance of features: Binkowski et al. 2018, arXiv 1801.01401."""

from typing import NamedTuple

import numpy as np

from gan_jax.metrics.features import check_pair


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
    generated, reference = check_pair(generated, reference)
    size = min(subset_size, len(generated), len(reference))
    random = np.random.default_rng(seed)
    distances = [
        _squared_mmd(*(random.choice(one, size, replace=False) for one in (generated, reference)))
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)))


def _squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """E k(x, x') + E k(y, y') - 2 E k(x, y), no image being compared with itself."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    count = len(x)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: np.ndarray) -> float:
        values = kernel(a, a)
        return (values.sum() - np.trace(values)) / (count * (count - 1))

    return within(x) + within(y) - 2 * kernel(x, y).mean()

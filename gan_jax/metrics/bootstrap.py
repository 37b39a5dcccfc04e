"""How far a score may be from what as many other images would have scored: 95 % intervals.

Two ways, both about the images that were scored, whatever they are compared with being given:

* `bootstrap` resamples values that each image, or pair of them, has by itself: precision, recall,
  density, coverage, authenticity, path lengths, similarities. It resamples the values, never the
  distances that they came from, among which a repeated image would find itself.
* `around` is for FID, KID, the Inception Score and the divergence of modes, which see too little
  variety in a set with repeated images. To first order each moves as the mean of its images'
  influences, whose standard deviation by the root of the images' number is the score's own (the
  infinitesimal jackknife: Jaeckel 1972; Efron 1982). A sample of the images is enough to know it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_LEVEL = 0.95
_DEVIATIONS = 1.959964  # of a normal distribution, which hold that share of it between them


class Estimate(NamedTuple):
    """A score and its 95 % interval."""

    value: float
    low: float | None  # None where an interval would mean nothing
    high: float | None


def bootstrap(
    statistic: Callable[[np.ndarray], float], count: int, resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Returns a statistic of images by their indices, and where 95 % of its resamples lie.

    `statistic` takes indices [count], once each in order and then drawn with replacement (Efron
    1979).
    """
    random = np.random.default_rng(seed)
    resampled = [statistic(random.integers(0, count, count)) for _ in range(resamples)]
    low, high = np.quantile(resampled, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Estimate(float(statistic(np.arange(count))), float(low), float(high))


def mean_estimate(values: np.ndarray) -> Estimate:
    """Returns the mean of a value of each image, [N], and its interval.

    Of truths, whose mean is a share, it is Wilson's (1927), which is right near 0 and 1 too; of
    numbers see `bootstrap`.
    """
    if values.dtype == bool:
        return _share(values.mean(), len(values))
    return bootstrap(lambda indices: values[indices].mean(), len(values))


def _share(share: float, count: int) -> Estimate:
    """(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)."""
    weight = _DEVIATIONS**2 / count
    middle = (share + weight / 2) / (1 + weight)
    half = (_DEVIATIONS / (1 + weight)) * (share * (1 - share) / count + weight / 4 / count) ** 0.5
    return Estimate(float(share), float(middle - half), float(middle + half))


def around(value: float, deviation: float) -> Estimate:
    """Returns value -+ 1.96 standard deviations."""
    half = _DEVIATIONS * float(deviation)
    return Estimate(value, value - half, value + half)

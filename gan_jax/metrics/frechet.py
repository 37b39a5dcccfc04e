"""Frechet distances between Gaussians fitted to features: Heusel et al. 2017, arXiv 1706.08500."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from gan_jax.metrics.bootstrap import Estimate, around
from gan_jax.metrics.features import check_features, check_sizes
from gan_jax.usage import UsageError

# FID-infinity's fit: how many distances, and of how many images the first.
_POINTS, _FIRST = 15, 5000
_TOGETHER = 1024  # images whose features become moments at once


class Moments(NamedTuple):
    """The Gaussian that the distance sees: float64."""

    count: int
    mean: np.ndarray  # [D]
    covariance: np.ndarray  # [D, D], by count - 1


class Accumulator:
    """Takes features batch by batch and keeps their moments alone, in float64.

    What it holds does not grow with their number, and how they are divided into batches makes no
    difference beyond rounding (Chan et al. 1979).
    """

    def __init__(self):
        self._count, self._mean, self._scatter = 0, 0.0, 0.0
        self._waiting = []  # few images make as large a product as many

    def add(self, features: np.ndarray) -> None:
        """Takes the features of some images: [n, D].

        Raises:
          UsageError: numbers that are not finite.
        """
        self._waiting.append(check_features(features, 'features', least=1).astype(np.float64))
        if sum(map(len, self._waiting)) >= _TOGETHER:
            self._take()

    def _take(self) -> None:
        features, self._waiting = np.concatenate(self._waiting), []
        mean = features.mean(axis=0)
        centred = features - mean
        count = self._count + len(features)
        between = mean - self._mean
        share = self._count * len(features) / count
        self._scatter += centred.T @ centred + share * np.outer(between, between)
        self._mean += between * len(features) / count
        self._count = count

    def moments(self) -> Moments:
        """Returns the moments of all that was taken.

        Raises:
          UsageError: fewer than two images, which have no covariance.
        """
        if self._waiting:
            self._take()
        if self._count < 2:
            raise UsageError(f'{self._count} images are too few, 2 are needed')
        return Moments(self._count, self._mean, self._scatter / (self._count - 1))


def summarize(features: np.ndarray | Iterable[np.ndarray]) -> Moments:
    """Returns the moments of features: one array [N, D], or batches [n, D] of it."""
    accumulator = Accumulator()
    for batch in [features] if hasattr(features, 'shape') else features:
        accumulator.add(batch)
    return accumulator.moments()


def fid(generated: Moments, reference: Moments) -> float:
    """Returns the Frechet distance: |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    The trace of the root is the sum of the roots of the eigenvalues of C^(1/2) C' C^(1/2), which is
    symmetric: nothing becomes complex, however few images there are. Raises UsageError for features
    of different sizes.
    """
    check_sizes(len(generated.mean), len(reference.mean))
    root, _ = _roots(generated.covariance)
    return _distance(generated, reference, np.linalg.eigvalsh(root.T @ reference.covariance @ root))


def fid_estimate(generated: Moments, reference: Moments, features: np.ndarray) -> Estimate:
    """Returns the distance and its interval, as of other `generated.count` images.

    An image x moves it by 2 (m - m') . (x - m) + (x - m)' (1 - T) (x - m), less the mean of that:
    T = C^(-1/2) (C^(1/2) C' C^(1/2))^(1/2) C^(-1/2) carries one Gaussian to the other (Takatsu
    2011), and 1 - T is the distance's derivative by C. The features, [N, D], are of some of the
    generated images. Like `fid` it is about this number of images, whose bias it has. Raises
    UsageError for features of different sizes.
    """
    features = check_features(features, 'features').astype(np.float64)
    check_sizes(features.shape[1], len(generated.mean))
    check_sizes(len(generated.mean), len(reference.mean))
    root, inverse = _roots(generated.covariance)
    values, vectors = np.linalg.eigh(root.T @ reference.covariance @ root)
    half = inverse @ vectors * _without_rounding(values) ** 0.25  # T = half half'
    centred = features - generated.mean
    influences = 2 * centred @ (generated.mean - reference.mean)
    influences += np.square(centred).sum(axis=1) - np.square(centred @ half).sum(axis=1)
    value = _distance(generated, reference, values)
    return around(value, influences.std() / generated.count**0.5)


def fid_infinity(generated: np.ndarray, reference: Moments, seed: int = 0) -> float:
    """Returns the distance as of infinitely many images: Chong and Forsyth 2020, arXiv 1911.07023.

    The distances of 15 numbers of images, from 5,000 on, are fitted by a line in 1 / N. The
    features are [N, D], more than 5,000 of them. Raises UsageError for fewer.
    """
    generated = check_features(generated, 'generated', least=_FIRST + _POINTS)
    random = np.random.default_rng(seed)
    counts = np.linspace(_FIRST, len(generated), _POINTS).astype(int)
    distances = [
        fid(summarize(random.choice(generated, count, replace=False)), reference)
        for count in counts
    ]
    _, intercept = np.polyfit(1 / counts, distances, 1)
    return float(intercept)


def _distance(generated: Moments, reference: Moments, product: np.ndarray) -> float:
    """The distance by the eigenvalues of C^(1/2) C' C^(1/2)."""
    between = generated.mean - reference.mean
    trace = np.trace(generated.covariance) + np.trace(reference.covariance)
    return float(between @ between + trace - 2 * np.sqrt(_without_rounding(product)).sum())


def _roots(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """C^(1/2) and its pseudo-inverse, each [D, D] in C's own directions from the right."""
    values, vectors = np.linalg.eigh(covariance)
    roots = np.sqrt(_without_rounding(values))
    return vectors * roots, vectors * np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)


def _without_rounding(eigenvalues: np.ndarray) -> np.ndarray:
    """Eigenvalues of which rounding has made something of nothing, whose roots would add up."""
    noise = len(eigenvalues) * np.finfo(np.float64).eps * np.abs(eigenvalues).max(initial=0)
    return np.where(eigenvalues > noise, eigenvalues, 0)

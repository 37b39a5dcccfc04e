"""The Inception Score: Salimans et al. 2016, arXiv 1606.03498."""

from typing import NamedTuple

import numpy as np

from gan_jax.metrics.bootstrap import Estimate, around
from gan_jax.metrics.features import check_features
from gan_jax.usage import UsageError


class InceptionScore(NamedTuple):
    """The mean over the parts that the images were divided into, and their standard deviation."""

    mean: float
    deviation: float


class InceptionScoreAccumulator:
    """Takes logits batch by batch and keeps sums over each part alone, in float64.

    How many images there will be must be known: the parts are those of all of them as one array.
    """

    def __init__(self, total: int, splits: int = 10):
        if total < splits:
            raise UsageError(f'logits: {total} images are too few, {splits} are needed')
        self._ends = np.arange(splits + 1) * total // splits
        self._count = 0
        self._shares = 0.0  # [splits, classes], sums of p(y|x)
        self._divergence = np.zeros(splits)  # sums of p(y|x) log p(y|x)

    def add(self, logits: np.ndarray) -> None:
        """Takes the logits of some images: [n, classes].

        Raises:
          UsageError: numbers that are not finite, or more images than were said to come.
        """
        logs = _log_shares(check_features(logits, 'logits', least=1))
        if self._count + len(logs) > self._ends[-1]:
            raise UsageError(f'logits: there are more than the {self._ends[-1]} images announced')
        parts = np.searchsorted(self._ends, self._count + np.arange(len(logs)), side='right') - 1
        of_part = parts == np.arange(len(self._divergence))[:, None]  # [splits, n]
        shares = np.exp(logs)
        self._shares += of_part.astype(np.float64) @ shares
        self._divergence += of_part @ (shares * logs).sum(axis=1)
        self._count += len(logs)

    def score(self) -> InceptionScore:
        """Returns the score of all images.

        Raises:
          UsageError: fewer than were said to come.
        """
        if self._count < self._ends[-1]:
            raise UsageError(f'logits: {self._count} of {self._ends[-1]} images have come')
        sizes = np.diff(self._ends)
        marginal = self._shares / sizes[:, None]
        # exp(E KL(p(y|x) || p(y))); a class of no image at all adds nothing: 0 log 0 = 0.
        logs = np.log(np.where(marginal > 0, marginal, 1))
        scores = np.exp(self._divergence / sizes - (marginal * logs).sum(axis=1))
        return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def inception_score(logits: np.ndarray, splits: int = 10) -> InceptionScore:
    """Returns exp(E KL(p(y|x) || p(y))) of a classifier's logits [N, classes], in `splits` parts.

    The parts are consecutive: images in the order of their classes must be shuffled first. Raises
    UsageError for fewer images than parts.
    """
    accumulator = InceptionScoreAccumulator(len(logits), splits)
    accumulator.add(logits)
    return accumulator.score()


def inception_score_estimate(score: InceptionScore, logits: np.ndarray, total: int) -> Estimate:
    """Returns the mean of a score of `total` images and its interval, as of as many others.

    An image moves log IS by KL(p(y|x) || p(y)), less the mean of that. The logits, [N, classes],
    are of some of the images.
    """
    logs = _log_shares(check_features(logits, 'logits'))
    shares = np.exp(logs)
    marginal = shares.mean(axis=0)
    divergences = (shares * (logs - np.log(np.where(marginal > 0, marginal, 1)))).sum(axis=1)
    return around(score.mean, score.mean * divergences.std() / total**0.5)


def _log_shares(logits: np.ndarray) -> np.ndarray:
    """log p(y|x), [n, classes], in float64."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

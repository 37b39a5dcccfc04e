"""The Inception Score: Salimans et al. 2016, arXiv 1606.03498."""

from typing import NamedTuple

import numpy as np

from gan_jax.metrics.features import check_features


class InceptionScore(NamedTuple):
    """The mean over the parts that the images were divided into, and their standard deviation."""

    mean: float
    deviation: float


def inception_score(logits: np.ndarray, splits: int = 10) -> InceptionScore:
    """Returns exp(E KL(p(y|x) || p(y))) of a classifier's logits [N, classes], in `splits` parts.

    The parts are consecutive: images in the order of their classes must be shuffled first. Raises
    UsageError for fewer images than parts.
    """
    logits = check_features(logits, 'logits', least=splits).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ends = np.arange(splits + 1) * len(logs) // splits
    scores = [_score(logs[start:end]) for start, end in zip(ends, ends[1:])]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def _score(logs: np.ndarray) -> float:
    shares = np.exp(logs)
    marginal = shares.mean(axis=0)
    # A class of no image at all adds nothing: 0 log 0 = 0.
    divergence = (shares * logs).sum(axis=1).mean()
    divergence -= (marginal * np.log(np.where(marginal > 0, marginal, 1))).sum()
    return float(np.exp(divergence))

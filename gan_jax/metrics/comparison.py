"""Two sets of images, each seen once by an extractor, and the scores of what was seen by name."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_jax.metrics.bootstrap import Estimate
from gan_jax.metrics.classes import mode_coverage
from gan_jax.metrics.extractor import Extractor, stream_features
from gan_jax.metrics.frechet import fid_estimate, fid_infinity
from gan_jax.metrics.inception_score import (
    InceptionScore,
    InceptionScoreAccumulator,
    inception_score_estimate,
)
from gan_jax.metrics.kernel import kid_estimate
from gan_jax.metrics.manifold import density_coverage_estimates, precision_recall_estimates
from gan_jax.metrics.memorisation import authenticity
from gan_jax.metrics.naming import Score
from gan_jax.metrics.summary import Summary, SummaryAccumulator
from gan_jax.usage import UsageError

KEPT = 10_000  # images of a set whose features are kept, by lot
_SPLITS = 10  # of the Inception Score


class Seen(NamedTuple):
    """A set of images as an extractor saw it."""

    summary: Summary
    inception_score: InceptionScore | None  # of no fewer images than it has parts
    counts: np.ndarray  # [classes], images of which a class has the largest logit


def see(
    extractor: Extractor,
    batches: Iterable[Mapping[str, np.ndarray]],
    total: int,
    protocol: Mapping[str, Any],
    kept: int | None = None,
) -> Seen:
    """Returns what all scores need of `total` images, in memory that does not grow with them.

    Batches are {'image': uint8 [n, H, W, C]}, with 'label' [n] where there are labels; of at most
    `kept` images the features are kept, by default `KEPT`. Raises UsageError for images that the
    extractor does not take.
    """
    summary = SummaryAccumulator(kept or KEPT)
    score = InceptionScoreAccumulator(total, min(_SPLITS, total))
    counts = 0
    labels = deque()  # of images whose features are still to come

    def images():
        for batch in batches:
            labels.extend(batch.get('label', ()))
            yield batch['image']

    for features in stream_features(extractor, images(), total):
        own = np.array([labels.popleft() for _ in features.pooled]) if labels else None
        summary.add(features, own)
        score.add(features.logits)
        classes = features.logits.shape[1]
        counts += np.bincount(features.logits.argmax(axis=1), minlength=classes)
    made = score.score() if total >= _SPLITS else None
    return Seen(summary.summary(protocol), made, counts)


def _fid(generated: Seen, reference: Summary) -> tuple[Estimate]:
    own = generated.summary
    return (fid_estimate(own.moments, reference.moments, own.features),)


def _fid_infinity(generated: Seen, reference: Summary) -> tuple[Estimate]:
    value = fid_infinity(generated.summary.features, reference.moments)
    return (Estimate(value, None, None),)


def _kid(generated: Seen, reference: Summary) -> tuple[Estimate]:
    return (kid_estimate(generated.summary.features, _by_lot(reference.features)),)


def _inception_score(generated: Seen, reference: Summary) -> tuple[Estimate]:
    score, own = generated.inception_score, generated.summary
    if score is None:
        raise UsageError(f'{own.moments.count} images are too few, {_SPLITS} are needed')
    return (inception_score_estimate(score, own.logits, own.moments.count),)


def _precision_recall(generated: Seen, reference: Summary) -> tuple[Estimate, Estimate]:
    """Of recall, which is a share of real images, generated ones would move the balls."""
    said = precision_recall_estimates(generated.summary.features, _by_lot(reference.features))
    return said.precision, _without_interval(said.recall)


def _density_coverage(generated: Seen, reference: Summary) -> tuple[Estimate, Estimate]:
    said = density_coverage_estimates(generated.summary.features, _by_lot(reference.features))
    return said.density, _without_interval(said.coverage)


def _by_lot(features: np.ndarray) -> np.ndarray:
    """As many of the reference's as may be kept of generated images."""
    if len(features) <= KEPT:
        return features
    return features[np.random.default_rng(0).choice(len(features), KEPT, replace=False)]


def _without_interval(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, None, None)


def _authenticity(generated: Seen, reference: Summary) -> tuple[Estimate]:
    if reference.moments.count > len(reference.features):
        raise UsageError(
            f'a copy may be of any of the {reference.moments.count:,} real images, of which only '
            f'{len(reference.features):,} are kept'
        )
    return (authenticity(generated.summary.features, reference.features),)


def _modes(generated: Seen, reference: Summary) -> tuple[Estimate]:
    return (Estimate(int(np.count_nonzero(generated.counts)), None, None),)


def _modes_divergence(generated: Seen, reference: Summary) -> tuple[Estimate]:
    """Classes as the extractor sees them, on both sides alike."""
    labels = np.repeat(np.arange(len(generated.counts)), generated.counts)
    theirs = reference.logits.argmax(axis=1)
    return (mode_coverage(labels, np.bincount(theirs, minlength=len(generated.counts))).divergence,)


_OF_KEPT = f'of at most {KEPT:,} images of either set, by lot'

# By the names that users ask for.
SCORES = {
    'fid': Score(('fid',), _fid),
    'fid_infinity': Score(
        ('fid_infinity',), _fid_infinity, KEPT, 'a line through 15 numbers of images from 5,000 on'
    ),
    'kid': Score(('kid',), _kid, KEPT, f'100 subsets of at most 1,000; {_OF_KEPT}'),
    'inception_score': Score(('inception_score',), _inception_score, settings=f'{_SPLITS} parts'),
    'precision_recall': Score(
        ('precision', 'recall'), _precision_recall, KEPT, f'3 neighbours, <=; {_OF_KEPT}'
    ),
    'density_coverage': Score(
        ('density', 'coverage'), _density_coverage, KEPT, f'5 neighbours, <; {_OF_KEPT}'
    ),
    'modes': Score(('modes',), _modes, settings="the extractor's largest logits"),
    'modes_kl': Score(
        ('modes_kl',),
        _modes_divergence,
        settings="the extractor's largest logits; of the real images kept",
    ),
    'authenticity': Score(('authenticity',), _authenticity, KEPT, 'against all real images'),
}

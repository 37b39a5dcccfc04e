"""Two sets of images, each seen once by an extractor, and the scores of what was seen by name."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gan_jax.metrics.bootstrap import Estimate
from gan_jax.metrics.classes import intra_fid, mode_coverage, summarize_classes
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
from gan_jax.metrics.summary import Summary, SummaryAccumulator
from gan_jax.usage import UsageError, choose

_SPLITS = 10  # of the Inception Score


class Seen(NamedTuple):
    """A set of images as an extractor saw it."""

    summary: Summary
    inception_score: InceptionScore


def see(
    extractor: Extractor,
    batches: Iterable[Mapping[str, np.ndarray]],
    total: int,
    protocol: Mapping[str, Any],
) -> Seen:
    """Returns what all scores need of `total` images, in memory that does not grow with them.

    Batches are {'image': uint8 [n, H, W, C]}, with 'label' [n] where there are labels. Raises
    UsageError for images that the extractor does not take.
    """
    summary = SummaryAccumulator()
    score = InceptionScoreAccumulator(total, min(_SPLITS, total))
    labels = deque()  # of images whose features are still to come

    def images():
        for batch in batches:
            labels.extend(batch.get('label', ()))
            yield batch['image']

    for features in stream_features(extractor, images(), total):
        own = np.array([labels.popleft() for _ in features.pooled]) if labels else None
        summary.add(features, own)
        score.add(features.logits)
    return Seen(summary.summary(protocol), score.score())


class Score(NamedTuple):
    """One or more numbers that are made together."""

    names: tuple[str, ...]
    function: Callable[[Seen, Summary], tuple[Estimate, ...]]  # of generated and of real images


def _fid(generated: Seen, reference: Summary) -> tuple[Estimate]:
    own = generated.summary
    return (fid_estimate(own.moments, reference.moments, own.features),)


def _fid_infinity(generated: Seen, reference: Summary) -> tuple[Estimate]:
    value = fid_infinity(generated.summary.features, reference.moments)
    return (Estimate(value, None, None),)


def _kid(generated: Seen, reference: Summary) -> tuple[Estimate]:
    return (kid_estimate(generated.summary.features, reference.features),)


def _inception_score(generated: Seen, reference: Summary) -> tuple[Estimate]:
    score, own = generated.inception_score, generated.summary
    return (inception_score_estimate(score, own.logits, own.moments.count),)


def _precision_recall(generated: Seen, reference: Summary) -> tuple[Estimate, ...]:
    return precision_recall_estimates(generated.summary.features, reference.features)


def _density_coverage(generated: Seen, reference: Summary) -> tuple[Estimate, ...]:
    return density_coverage_estimates(generated.summary.features, reference.features)


def _authenticity(generated: Seen, reference: Summary) -> tuple[Estimate]:
    return (authenticity(generated.summary.features, reference.features),)


def _intra_fid(generated: Seen, reference: Summary) -> tuple[Estimate]:
    sets = {'generated': generated.summary, 'reference': reference}
    for name, summary in sets.items():
        if summary.labels is None:
            raise UsageError(f'intra_fid: the {name} images have no labels')
    classes = (summarize_classes([(one.features, one.labels)]) for one in sets.values())
    return (Estimate(intra_fid(*classes).mean, None, None),)


def _modes(generated: Seen, reference: Summary) -> tuple[Estimate, Estimate]:
    """Classes as the extractor sees them, on both sides alike."""
    labels, theirs = (one.logits.argmax(axis=1) for one in (generated.summary, reference))
    shares = np.bincount(theirs, minlength=reference.logits.shape[1])
    covered = mode_coverage(labels, shares)
    return Estimate(covered.seen, None, None), covered.divergence


# By the names that users ask for.
SCORES = {
    'fid': Score(('fid',), _fid),
    'fid_infinity': Score(('fid_infinity',), _fid_infinity),
    'kid': Score(('kid',), _kid),
    'inception_score': Score(('inception_score',), _inception_score),
    'precision_recall': Score(('precision', 'recall'), _precision_recall),
    'density_coverage': Score(('density', 'coverage'), _density_coverage),
    'intra_fid': Score(('intra_fid',), _intra_fid),
    'modes': Score(('modes', 'modes_kl'), _modes),
    'authenticity': Score(('authenticity',), _authenticity),
}

_COUNTED = re.compile(r'(?P<name>.*[a-z])(?P<number>[1-9]\d*)(?P<thousands>k?)')


def choose_scores(names: str, count: int, known: Mapping[str, Score]) -> list[Score]:
    """Returns the known scores of names divided by commas; `fid50k` insists on 50,000 images.

    Raises:
      UsageError: an unknown name, or one that insists on another number of images.
    """
    return [choose('score', _uncounted(name, count), known) for name in names.split(',')]


def counted(name: str, count: int) -> str:
    """Returns a score's name with the number of its generated images: fid50k, fid1797."""
    return f'{name}{count // 1000}k' if count % 1000 == 0 else f'{name}{count}'


def doubts(counts: Iterable[int], reference: Summary) -> Iterator[str]:
    """Yields what is to be said of numbers of images, generated or real, that are too small."""
    size = len(reference.moments.mean)
    for count in counts:
        if count < size:
            yield (
                f'{count:,} images are fewer than their {size:,} features: of so few, FID is much '
                'larger than of more; KID is not'
            )


def describe(estimate: Estimate) -> str:
    """Returns a score and its interval for a person: 3.214 (3.101 to 3.327)."""
    if estimate.low is None:
        return f'{estimate.value:.4g}'
    return f'{estimate.value:.4g} ({estimate.low:.4g} to {estimate.high:.4g})'


def _uncounted(name: str, count: int) -> str:
    match = _COUNTED.fullmatch(name)
    if not match:
        return name
    asked = int(match['number']) * (1000 if match['thousands'] else 1)
    if asked != count:
        raise UsageError(
            f'{name} is a score of {asked:,} generated images, and they are {count:,}; '
            f'{counted(match["name"], count)} would be'
        )
    return match['name']

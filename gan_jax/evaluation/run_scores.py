"""The scores that a run can be asked for: those of its samples' features, and those of more."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.evaluation.labelled import split_examples
from gan_jax.metrics import (
    SCORES,
    Estimate,
    Extractor,
    Score,
    Seen,
    Summary,
    classification_accuracy_score,
    pair_similarity,
    perceptual_path_length,
)
from gan_jax.metrics.interpolation import spherical
from gan_jax.run import BATCH, Run
from gan_jax.usage import UsageError


class Subject(NamedTuple):
    """What is scored, and by what."""

    run: Run
    generated: Seen
    reference: Summary
    extractor: Extractor


def _of_features(
    function: Callable[[Seen, Summary], tuple[Estimate, ...]], subject: Subject
) -> tuple[Estimate, ...]:
    return function(subject.generated, subject.reference)


def _ms_ssim(subject: Subject) -> tuple[Estimate]:
    """Of the first samples alone: pairs of 2,000 images."""
    settings = subject.run.config.eval
    images = subject.run.sample(min(settings.num, 2000), settings.seed)['image']
    return (pair_similarity(images).mean,)


def _path_length(subject: Subject) -> tuple[Estimate]:
    """In z, over arcs; the extractor's features take the place of LPIPS's."""
    run, settings = subject.run, subject.run.config.eval
    batches = -(-settings.num // BATCH)
    keys = jax.random.split(jax.random.key(settings.seed), batches)
    pairs = (np.split(_z(run.latents(2 * BATCH, key)), 2) for key in keys)

    def draw(z: np.ndarray) -> np.ndarray:
        return (run.drawing.render(run.state, {'z': np.asarray(z)})['image'] + 1) * 127.5

    def features(images: np.ndarray) -> np.ndarray:
        return np.asarray(subject.extractor(images).pooled)

    return (perceptual_path_length(draw, features, pairs, spherical),)


def _z(latents: Any) -> np.ndarray:
    if set(latents) != {'z'}:
        raise UsageError(f'a path length needs latents z alone, not {", ".join(latents)}')
    return latents['z']


def _classification_accuracy(subject: Subject) -> tuple[Estimate]:
    config = subject.run.config
    samples = subject.run.sample(config.eval.num, config.eval.seed)
    if 'label' not in samples:
        raise UsageError('classification_accuracy needs samples with labels: a conditional system')
    _, tests, classes = split_examples(config.data)
    value = classification_accuracy_score(
        samples['image'], samples['label'], tests['image'], tests['label'], classes=classes
    )
    return (Estimate(value, None, None),)


RUN_SCORES = {
    **{
        name: Score(score.names, partial(_of_features, score.function))
        for name, score in SCORES.items()
    },
    'ms_ssim': Score(('ms_ssim',), _ms_ssim),
    'path_length': Score(('path_length',), _path_length),
    'classification_accuracy': Score(('classification_accuracy',), _classification_accuracy),
}

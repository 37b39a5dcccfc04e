"""The scores that a run can be asked for: those of its samples' features, and those of more."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from gan_jax.data import open_examples
from gan_jax.evaluation.labelled import split_examples
from gan_jax.metrics import (
    SCORES,
    Estimate,
    Extractor,
    Score,
    Seen,
    Summary,
    classification_accuracy_score,
    intra_fid,
    mean_estimate,
    pair_similarity,
    perceptual_path_length,
    stream_features,
    summarize_classes,
)
from gan_jax.run import BATCH, Run
from gan_jax.usage import UsageError

_ALIKE = 2000  # images of which pairs are compared
_LABELLED = 50_000  # images that a classifier is trained on
_EPSILON = 1e-4  # of a way


class Subject(NamedTuple):
    """What is scored, by what, and the `eval` section that says how."""

    run: Run
    generated: Seen
    reference: Summary
    extractor: Extractor
    settings: Any


def _of_features(
    function: Callable[[Seen, Summary], tuple[Estimate, ...]], subject: Subject
) -> tuple[Estimate, ...]:
    return function(subject.generated, subject.reference)


def _authenticity(subject: Subject) -> tuple[Estimate]:
    trained_on, compared_with = subject.run.config.data.split, subject.settings.split
    if trained_on != compared_with:
        raise UsageError(
            f'the run was trained on split {trained_on!r}, of which copies would be: '
            f'--config.eval.split={trained_on}'
        )
    return SCORES['authenticity'].function(subject.generated, subject.reference)


def _intra_fid(subject: Subject) -> tuple[Estimate]:
    sets = {'generated': subject.generated.summary, 'real': subject.reference}
    for name, summary in sets.items():
        if summary.labels is None:
            raise UsageError(f'the {name} images have no labels')
    classes = (summarize_classes([(one.features, one.labels)]) for one in sets.values())
    return (Estimate(intra_fid(*classes).mean, None, None),)


def _ms_ssim(subject: Subject) -> tuple[Estimate]:
    count = min(subject.settings.num, _ALIKE)
    images = subject.run.sample(count, subject.settings.seed)['image']
    return (pair_similarity(images).mean,)


def _path_length(subject: Subject) -> tuple[Estimate]:
    """By the prior's own way; the extractor's features take the place of LPIPS's.

    What latents hold besides z, such as a label or what noise is drawn from, stays along a way. In
    full float32 whatever the run computes with: coarser numbers round so short a way.
    """
    run, settings = _in_float32(subject.run), subject.settings
    if run.game.between is None:
        raise UsageError(f'game {run.config.game!r} has no way from one latent to another')
    keys = jax.random.split(jax.random.key(settings.seed), -(-settings.num // BATCH))
    counts = [min(BATCH, settings.num - start) for start in range(0, settings.num, BATCH)]
    pairs = (
        tuple(one[:count] for one in np.split(run.latents(2 * BATCH, key)['z'], 2))
        for key, count in zip(keys, counts)
    )
    held = run.latents(2 * BATCH, keys[0])

    def draw(z: np.ndarray) -> np.ndarray:
        latents = {name: array[: len(z)] for name, array in held.items()} | {'z': np.asarray(z)}
        with jax.default_matmul_precision('highest'):
            return (run.drawing.render(run.state, latents)['image'] + 1) * 127.5

    def features(images: np.ndarray) -> np.ndarray:
        return np.concatenate([f.pooled for f in stream_features(subject.extractor, [images])])

    shown = tqdm(pairs, 'path length', len(keys), unit='batch', delay=2, disable=None)
    return (perceptual_path_length(draw, features, shown, run.game.between, _EPSILON),)


def _in_float32(run: Run) -> Run:
    config = ConfigDict({**run.config, 'dtype': 'float32'})
    return replace(run, drawing=replace(run.drawing, config=config))


def _label_accuracy(subject: Subject) -> tuple[Estimate]:
    """The share of samples in which the extractor, a classifier, sees the label they have."""
    run, settings = subject.run, subject.settings
    samples = run.sample(min(settings.num, _LABELLED), settings.seed)
    if 'label' not in samples:
        raise UsageError('the samples have no labels that a classifier could see in them')
    features = stream_features(subject.extractor, [samples['image']])
    logits = np.concatenate([batch.logits for batch in features])
    if logits.shape[1] != run.config.data.classes:
        raise UsageError(
            f'{subject.extractor.name} knows {logits.shape[1]} classes and not the '
            f'{run.config.data.classes} of the data: --config.eval.extractor=classifier does'
        )
    return (mean_estimate(np.argmax(logits, axis=1) == samples['label']),)


def _classification_accuracy(subject: Subject) -> tuple[Estimate]:
    data = subject.run.config.data
    count = min(subject.settings.num, _LABELLED)
    samples = subject.run.sample(count, subject.settings.seed)
    if 'label' not in samples:
        raise UsageError('the samples have no labels to train a classifier with')
    labelled = split_examples(data)
    if not labelled.unseen:
        raise UsageError(f'data set {data.name!r} has no split that the run has not seen')
    value = classification_accuracy_score(
        samples['image'],
        samples['label'],
        labelled.tests['image'],
        labelled.tests['label'],
        classes=labelled.classes,
    )
    return (Estimate(value, None, None),)


def _evidence(subject: Subject) -> tuple[Estimate]:
    """Of all images of the split that scores are against."""
    data = ConfigDict({**subject.run.config.data, 'split': subject.settings.split})
    bounds = [
        subject.run.evidence(batch['image'], subject.settings.seed + index)
        for index, batch in enumerate(open_examples(data).batches())
    ]
    return (mean_estimate(np.concatenate(bounds)),)


RUN_SCORES = {
    **{
        name: score._replace(function=partial(_of_features, score.function))
        for name, score in SCORES.items()
    },
    'authenticity': SCORES['authenticity']._replace(function=_authenticity),
    'intra_fid': SCORES['kid']._replace(
        names=('intra_fid',), function=_intra_fid, settings='moments of the images kept, by class'
    ),
    'ms_ssim': Score(
        ('ms_ssim',), _ms_ssim, _ALIKE, '1,000 pairs; 5 scales from 176 pixels on, fewer below'
    ),
    'path_length': Score(
        ('path_length',), _path_length, settings=f"epsilon {_EPSILON}, the prior's way, whole"
    ),
    'label_accuracy': Score(
        ('label_accuracy',), _label_accuracy, _LABELLED, "by the extractor's largest logit"
    ),
    'classification_accuracy': Score(
        ('classification_accuracy',), _classification_accuracy, _LABELLED, "on the split 'test'"
    ),
    'elbo': Score(
        ('elbo',),
        _evidence,
        settings='nats an image of the split; one latent of each',
        counted=False,
    ),
}

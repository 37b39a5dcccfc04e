"""Which network sees the images: Inception, a classifier of the data set, or anybody's own."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from gan_jax.evaluation.cache import load_cached, save_cached
from gan_jax.evaluation.labelled import open_labelled, split_examples
from gan_jax.evaluation.reference import digest_examples
from gan_jax.files import cache_folder
from gan_jax.logs import say
from gan_jax.metrics import (
    Extractor,
    accuracy,
    load_classifier,
    load_inception,
    save_classifier,
    shift,
    shift_and_mirror,
    train_classifier,
)
from gan_jax.metrics.classifier.training import RECIPE
from gan_jax.usage import UsageError, choose, first_line


def choose_extractor(config: Any) -> Extractor:
    """Returns the extractor that `config.eval.extractor` names.

    Raises:
      UsageError: there is none of this name, or it cannot be had.
    """
    name = config.eval.extractor
    return _import(name) if ':' in name else choose('extractor', name, _EXTRACTORS)(config)


def data_classifier(config: Any) -> Extractor:
    """Returns the classifier of the config's data set: the cache's, or trained and tested now.

    It learns from mirrored images where the run does. Raises UsageError for a set without labels.
    """
    name, file = _find_classifier(config)
    say(f'the classifier of {config.data.name} is kept in {file}')
    cached = load_cached(file, load_classifier)
    if cached is not None:
        return cached
    training, tests, classes, _ = split_examples(config.data)
    classifier = train_classifier(
        training['image'],
        training['label'],
        classes=classes,
        name=name,
        augment=_augment(config),
    )
    share = accuracy(classifier, tests['image'], tests['label'])
    say(f'it is right about {share:.2%} of {len(tests["label"]):,} images that it has not seen')
    save_cached(file, classifier, save_classifier)
    return classifier


def cached_classifier(config: Any) -> Extractor | None:
    """Returns the classifier of the config's data set where it has been trained already.

    Raises:
      UsageError: the set has no labels, or cannot be read here.
    """
    _, file = _find_classifier(config)
    return load_cached(file, load_classifier)


def _find_classifier(config: Any) -> tuple[str, Path]:
    """The classifier's name, and where it is kept: by what it learns from."""
    name = f'classifier-{config.data.name}-{_augment(config).__name__}-recipe{RECIPE}'
    pixels = digest_examples(open_labelled(config.data))
    return name, cache_folder() / 'classifiers' / f'{name}-{pixels[:16]}.npz'


def _augment(config: Any) -> Callable:
    return shift_and_mirror if config.data.flip else shift


def _inception(config: Any) -> Extractor:
    return load_inception(config.eval.weights)


def _import(name: str) -> Extractor:
    """Returns what the function makes that `MODULE:FUNCTION` names."""
    module, _, function = name.partition(':')
    try:
        extractor = getattr(importlib.import_module(module), function)()
    except Exception as error:  # of somebody else's code
        raise UsageError(f'extractor {name!r}: {first_line(error)}') from error
    if not isinstance(extractor, Extractor):
        raise UsageError(f'extractor {name!r}: {type(extractor).__name__} is no Extractor')
    if not jax.tree.leaves(extractor.variables):
        raise UsageError(f'extractor {name!r} has no variables, by which its scores are known')
    return extractor


_EXTRACTORS = {'classifier': data_classifier, 'inception': _inception}

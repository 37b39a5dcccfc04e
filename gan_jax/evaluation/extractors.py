"""Which network sees the images: Inception, a classifier of the data set, or anybody's own."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax.data import Examples, open_examples
from gan_jax.evaluation.reference import digest_examples
from gan_jax.files import cache_folder
from gan_jax.logs import say
from gan_jax.metrics import (
    Extractor,
    accuracy,
    load_classifier,
    load_inception,
    save_classifier,
    train_classifier,
)
from gan_jax.usage import UsageError, choose


def choose_extractor(config: Any) -> Extractor:
    """Returns the extractor that `config.eval.extractor` names.

    Raises:
      UsageError: there is none of this name, or it cannot be had.
    """
    name = config.eval.extractor
    return _imported(name)() if ':' in name else choose('extractor', name, _EXTRACTORS)(config)


def data_classifier(config: Any) -> Extractor:
    """Returns the classifier of the config's data set: the cache's, or trained and tested now.

    It is tested on the split 'test', or where there is none on a fifth of the images, which it is
    then not trained on. Raises UsageError for a set without labels.
    """
    examples = open_examples(config.data)
    if not examples.label_names:
        raise UsageError(
            f'data set {config.data.name!r} has no labels to train a classifier with; '
            '--config.eval.extractor=inception needs none'
        )
    name = f'classifier-{config.data.name}'
    file = cache_folder() / 'classifiers' / f'{name}-{digest_examples(examples)[:16]}.npz'
    if file.is_file():
        try:
            return load_classifier(file)
        except UsageError as error:
            say(f'{error}: trained again')
    training, held_out = _split(config.data, examples)
    classes = len(examples.label_names)
    classifier = train_classifier(training['image'], training['label'], classes=classes, name=name)
    share = accuracy(classifier, held_out['image'], held_out['label'])
    say(
        f'{name} is right about {share:.2%} of {len(held_out["label"]):,} held-out images; '
        f'it is kept in {file}'
    )
    if jax.process_index() == 0:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_classifier(file, classifier)
    return classifier


def _split(data: Any, examples: Examples) -> tuple[Mapping, Mapping]:
    """Labelled images to train with and to test with."""
    images = examples.read(0, len(examples))
    try:
        tests = open_examples(ConfigDict({**data, 'split': 'test'}))
        return images, tests.read(0, len(tests))
    except UsageError:  # there is no such split
        order = np.random.default_rng(0).permutation(len(examples))
        parts = np.split(order, [len(order) * 4 // 5])
        return tuple({name: array[part] for name, array in images.items()} for part in parts)


def _inception(config: Any) -> Extractor:
    return load_inception(config.eval.weights)


def _imported(name: str) -> Callable[[], Extractor]:
    module, _, function = name.partition(':')
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise UsageError(f'extractor {name!r}: {error}') from error


_EXTRACTORS = {'classifier': data_classifier, 'inception': _inception}

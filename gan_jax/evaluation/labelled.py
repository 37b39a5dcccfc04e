"""Labelled images of a data set: some to train a classifier with, others to test it with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from gan_jax.data import Examples, open_examples
from gan_jax.usage import UsageError

Arrays = Mapping[str, np.ndarray]  # {'image': uint8 [N, H, W, C], 'label': int32 [N]}


class Labelled(NamedTuple):
    """Two parts of a set that share no image."""

    training: Arrays
    tests: Arrays
    classes: int
    unseen: bool  # whether the tests are of a split that the config does not train on


def open_labelled(data: Any) -> Examples:
    """Returns the configured examples.

    Raises:
      UsageError: they have no labels.
    """
    examples = open_examples(data)
    if not examples.label_names:
        raise UsageError(
            f'data set {data.name!r} has no labels to train a classifier with; '
            '--config.eval.extractor=inception needs none'
        )
    return examples


def split_examples(data: Any) -> Labelled:
    """Returns the configured images to train with and the split 'test' to test with.

    Where there is no such split, or the images are of it, tests are a fifth of the images, which is
    left out of the others. Raises UsageError for a set without labels.
    """
    examples = open_labelled(data)
    images, classes = examples.read(0, len(examples)), len(examples.label_names)
    tests = None if 'test' in data.split else _open_tests(data)
    if tests:
        return Labelled(images, tests.read(0, len(tests)), classes, unseen=True)
    order = np.random.default_rng(0).permutation(len(examples))
    parts = np.split(order, [len(order) * 4 // 5])
    training, left_out = ({name: array[part] for name, array in images.items()} for part in parts)
    return Labelled(training, left_out, classes, unseen=False)


def _open_tests(data: Any) -> Examples | None:
    try:
        return open_examples(ConfigDict({**data, 'split': 'test'}))
    except UsageError:  # the set is there, so that it is the split that is not
        return None

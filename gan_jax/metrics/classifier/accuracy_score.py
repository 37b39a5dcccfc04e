"""The classification accuracy score: Ravuri and Vinyals 2019, arXiv 1905.10887."""

from typing import Any

import numpy as np

from gan_jax.metrics.classifier import accuracy
from gan_jax.metrics.classifier.training import check_examples, train_classifier
from gan_jax.usage import UsageError


def classification_accuracy_score(
    generated: np.ndarray,
    generated_labels: np.ndarray,
    real: np.ndarray,
    real_labels: np.ndarray,
    *,
    classes: int,
    **training: Any,
) -> float:
    """Returns the top-1 accuracy on real images of a classifier trained on generated ones.

    Images are uint8 [N, H, W, C] and [M, H, W, C], the real ones of a test split; the score of real
    training images is what to compare with. `training` is what `train_classifier` takes besides.
    Raises UsageError for images and labels that do not fit, before it trains.
    """
    check_examples(generated, generated_labels, classes)
    check_examples(real, real_labels, classes)
    if generated.shape[1:] != real.shape[1:] or not len(real):
        raise UsageError(
            f'generated images {list(generated.shape)} cannot be tested on real ones '
            f'{list(real.shape)}'
        )
    classifier = train_classifier(
        generated, generated_labels, classes=classes, name='generated images', **training
    )
    return accuracy(classifier, real, real_labels)

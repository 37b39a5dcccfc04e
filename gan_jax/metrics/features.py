"""What every score asks of the features that it is given."""

import numpy as np

from gan_jax.usage import UsageError


def check_features(features: np.ndarray, name: str, least: int = 2) -> np.ndarray:
    """Returns the features, [N, D] or any [N, ...], as [N, D] of their own precision.

    Raises:
      UsageError: fewer than `least` examples, or numbers that are not finite.
    """
    features = np.asarray(features)
    features = features.reshape(len(features), -1)
    if len(features) < least:
        raise UsageError(f'{name}: {len(features)} images are too few, {least} are needed')
    if not np.isfinite(features).all():
        raise UsageError(f'{name}: there are features that are not finite')
    return features


def check_pair(
    generated: np.ndarray, reference: np.ndarray, least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Returns two sets of features, [N, D] and [M, D], as `check_features` does.

    Raises:
      UsageError: as there, or features of different sizes.
    """
    generated = check_features(generated, 'generated', least)
    reference = check_features(reference, 'reference', least)
    check_sizes(generated.shape[1], reference.shape[1])
    return generated, reference


def check_sizes(generated: int, reference: int) -> None:
    """Raises UsageError for features of different sizes."""
    if generated != reference:
        raise UsageError(
            f'features of size {generated} cannot be compared with features of size {reference}: '
            'they must be of one extractor'
        )

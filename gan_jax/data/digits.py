"""The embedded data set: 1,797 scanned digits that come with scikit-learn."""

from typing import Any

import numpy as np

from gan_jax.data.arrays import Arrays


def open_digits(data: Any) -> Arrays:
    """Returns the grey 8x8 digits 0-9 of `sklearn.datasets.load_digits`; all are one split.

    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (its test part).
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    # A value counts the ink in a cell of 4x4 pixels of the scan: 0 .. 16.
    images = np.round(digits.images * 255 / 16).astype(np.uint8)
    return Arrays(images, digits.target, [str(name) for name in digits.target_names])

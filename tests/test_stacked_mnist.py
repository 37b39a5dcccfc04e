"""Stacked MNIST: which digits are in which channel, and what its labels say of them."""

import numpy as np

from gan_jax.data.stacked_mnist import StackedDigits

DIGITS = np.arange(20 * 4, dtype=np.uint8).reshape(20, 2, 2)  # every one of them another
LABELS = np.arange(20) % 10


def test_labels_read_the_digits_in_red_green_and_blue():
    images = StackedDigits(DIGITS, LABELS, 300)
    assert len(images) == 300
    for image, label in images.read(range(300)):
        # A digit's first pixel is four times its number.
        digits = [int(LABELS[first // 4]) for first in np.asarray(image)[0, 0]]
        assert images.label_names[label] == ''.join(map(str, digits))


def test_triples_are_drawn_once_for_all_and_each_digit_goes_everywhere():
    one, other = (StackedDigits(DIGITS, LABELS, 2000).read(range(2000)) for _ in range(2))
    pixels = np.stack([np.asarray(image) for image, _ in one])
    assert np.array_equal(pixels, [np.asarray(image) for image, _ in other])
    for channel in range(3):
        counts = np.bincount(pixels[:, 0, 0, channel] // 4, minlength=20)
        np.testing.assert_allclose(counts, 100, atol=5 * np.sqrt(100))

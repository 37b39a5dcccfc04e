"""Stacked MNIST: three digits, one in each colour channel, which makes 1,000 modes to be covered.

Metz et al. 2017, arXiv 1611.02163; Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from gan_jax.data.image_set import Decoded
from gan_jax.data.tfds_source import open_tfds

SIZE = 128_000  # as in Lin et al. 2018 (PacGAN), arXiv 1712.04086


class StackedDigits:
    """An image set of so many random triples of digits; its labels read them: 000 .. 999.

    Shapes: digits uint8 [N, h, w]; labels [N] in 0 .. 9.
    """

    label_names = tuple(f'{number:03}' for number in range(1000))

    def __init__(self, digits: np.ndarray, labels: np.ndarray, size: int):
        self._digits, self._labels = digits, labels
        self._triples = np.random.default_rng(0).integers(len(digits), size=(size, 3))

    def __len__(self) -> int:
        return len(self._triples)

    def describe(self, index: int) -> str:
        """Says which digits these are."""
        return f'the stack of digits {self._triples[index].tolist()}'

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int]]:
        """Returns the images and their labels."""
        triples = self._triples[list(indices)]
        images = np.moveaxis(self._digits[triples], 1, -1)
        labels = self._labels[triples] @ [100, 10, 1]
        return [(Image.fromarray(image), int(label)) for image, label in zip(images, labels)]


def open_stacked_mnist(data: Any) -> StackedDigits:
    """Returns triples of the training images of TFDS's `mnist`, which `data.data_dir` holds."""
    mnist = open_tfds(SimpleNamespace(name='mnist', data_dir=data.data_dir, split='train'))
    arrays = Decoded(mnist, (28, 28), 1, data.alpha).read_many(range(len(mnist)))
    return StackedDigits(arrays['image'][..., 0], arrays['label'], SIZE)

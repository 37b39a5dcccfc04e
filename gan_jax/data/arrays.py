"""Image sets that lie in memory."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


class Arrays:
    """An image set made of uint8 arrays.

    Shapes: images [N, h, w] or [N, h, w, c] with c in (1, 3, 4); labels [N], numbers of names.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray | None = None, label_names: Sequence[str] = ()
    ):
        grey = images.ndim == 4 and images.shape[-1] == 1
        self._images = images[..., 0] if grey else images
        self._labels = labels
        self.label_names = tuple(label_names)

    def __len__(self) -> int:
        return len(self._images)

    def describe(self, index: int) -> str:
        """Says which image this is."""
        return f'image {index}'

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int | None]]:
        """Returns the images and their labels."""
        labels = [None] * len(self) if self._labels is None else self._labels
        return [(Image.fromarray(self._images[index]), labels[index]) for index in indices]

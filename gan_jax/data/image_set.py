"""What is stored: image sets, and the uint8 arrays of one size that are made of them."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.data import decode
from gan_jax.data.changes import keep
from gan_jax.usage import UsageError

# More threads than this fight over Python's lock; fewer cores than this are used whole.
THREADS = min(16, os.cpu_count() or 1)

# Examples read at a time: record files are several times faster in bulk.
_CHUNK = 256


class ImageSet(Protocol):
    """Stored images by their number: all that a new kind of data set has to offer."""

    label_names: tuple[str, ...]

    def __len__(self) -> int:
        """Returns how many images there are."""

    def describe(self, index: int) -> str:
        """Says which image this is, for errors: the name of its file, where it has one."""

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int | None]]:
        """Returns images as Pillow opens them, and their labels; called from many threads."""


class Decoded:
    """An image set seen as uint8 arrays of one size."""

    def __init__(
        self,
        images: ImageSet,
        size: tuple[int, int],
        channels: int,
        alpha: str,
        change: Callable[[np.ndarray], np.ndarray] = keep,
    ):
        self.label_names = images.label_names
        self.shape = (*size, channels)
        self._images = images
        self._alpha = alpha
        self._change = change

    def __len__(self) -> int:
        return len(self._images)

    def read(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Returns examples; 'label' only where the set has labels.

        Shapes: {'image': uint8 [n, h, w, C], 'label': int32 [n]}. Raises UsageError for an image
        that cannot be decoded.
        """
        arrays = self._empty(len(indices))
        self._fill(arrays, 0, indices)
        return arrays

    def read_many(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Returns examples as `read` does, by many threads and with a progress bar."""
        arrays = self._empty(len(indices))
        starts = range(0, len(indices), _CHUNK)

        def fill(start: int) -> int:
            chunk = indices[start : start + _CHUNK]
            self._fill(arrays, start, chunk)
            return len(chunk)

        # The bar is shown on a terminal only, and only where decoding takes a while.
        with (
            ThreadPoolExecutor(THREADS) as pool,
            tqdm(total=len(indices), desc='decoding', delay=2, disable=None, leave=False) as bar,
        ):
            for count in pool.map(fill, starts):
                bar.update(count)
        return arrays

    def _empty(self, count: int) -> dict[str, np.ndarray]:
        arrays = {'image': np.empty((count, *self.shape), np.uint8)}
        if self.label_names:
            arrays['label'] = np.empty(count, np.int32)
        return arrays

    def _fill(self, arrays: dict[str, np.ndarray], start: int, indices: Sequence[int]) -> None:
        *size, channels = self.shape
        examples = self._images.read([int(index) for index in indices])
        for place, (image, label) in enumerate(examples, start):
            try:
                image = decode.to_channels(image, channels, self._alpha)
                array = decode.to_array(decode.resize(image, tuple(size)))
                arrays['image'][place] = self._change(array)
            except Exception as error:  # Pillow raises a dozen kinds for damaged files.
                name = self._images.describe(int(indices[place - start]))
                raise UsageError(f'{name} cannot be decoded: {error}') from error
            if self.label_names:
                arrays['label'][place] = label

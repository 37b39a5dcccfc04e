"""A data set as a person sees it: in stored order, cut at the centre, nothing drawn at random."""

from collections.abc import Iterator, Sequence

import numpy as np

from gan_jax.data.image_set import Decoded


class Examples:
    """All examples of a set at the size of training, read when they are asked for."""

    def __init__(self, decoded: Decoded, size: tuple[int, int]):
        self.label_names = decoded.label_names
        self._decoded = decoded
        self._size = size

    def __len__(self) -> int:
        return len(self._decoded)

    def read(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Returns the examples from `start` until `stop`; fewer where the set ends.

        Shapes: {'image': uint8 [n, H, W, C], 'label': int32 [n]}; 'label' where there are labels,
        'other', as 'image', of pairs.
        """
        return self.take(range(len(self))[start:stop])

    def take(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Returns the examples of these numbers, as `read` does."""
        height, width = self._size
        top, left = ((a - b) // 2 for a, b in zip(self._decoded.shape[:2], self._size, strict=True))
        return {
            name: array[:, top : top + height, left : left + width] if array.ndim == 4 else array
            for name, array in self._decoded.read_many(indices).items()
        }

    def batches(self, size: int = 2048) -> Iterator[dict[str, np.ndarray]]:
        """Yields all examples, `size` at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self.read(start, start + size)

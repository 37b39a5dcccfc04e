"""Two sets: examples that belong together, or two domains of which each has its own order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jax import Array, random

from gan_jax.data.image_set import Decoded
from gan_jax.data.source import Feed, Source


class Paired:
    """Two sets of the same length, seen as one: its examples have an image and the other one."""

    def __init__(self, decoded: Decoded, other: Decoded):
        self.label_names = decoded.label_names
        self.shape = decoded.shape
        self._decoded, self._other = decoded, other

    def __len__(self) -> int:
        return len(self._decoded)

    def read(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Returns examples as `Decoded.read` does, with 'other': uint8 [n, h, w, C]."""
        return with_other(self._decoded.read(indices), self._other.read(indices))

    def read_many(self, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Returns examples as `read` does, by many threads and with a progress bar."""
        return with_other(self._decoded.read_many(indices), self._other.read_many(indices))


class Unpaired:
    """Two sources side by side, whose examples have nothing to do with each other."""

    def __init__(self, source: Source, other: Source):
        self.num_examples = source.num_examples + other.num_examples
        self.label_names = source.label_names
        self.num_classes = source.num_classes
        self._sources = source, other

    def feed(self, steps: range) -> Feed:
        """Returns both sources' feeds."""
        feeds = [source.feed(steps) for source in self._sources]
        return Feed(tuple(feed.shared for feed in feeds), tuple(feed.steps for feed in feeds))

    def batch(self, shared: Any, own: Any, key: Array) -> dict[str, Array]:
        """Makes a step's batch as `Source.batch` does, with 'other': float32 [K, B, H, W, C]."""
        parts = zip(self._sources, shared, own, random.split(key))
        return with_other(*(source.batch(*given) for source, *given in parts))

    def examples(self, count: int, start: int = 0) -> dict[str, np.ndarray]:
        """Returns `count` examples of both, in stored order, cut at the centre; fewer at an end."""
        both = [source.examples(count, start) for source in self._sources]
        shorter = min(len(one['image']) for one in both)
        return with_other(*({name: array[:shorter] for name, array in one.items()} for one in both))

    def rebatch(self, microbatches: int, batch_size: int) -> None:
        """From now on a step takes so many batches of this size."""
        for source in self._sources:
            source.rebatch(microbatches, batch_size)

    def close(self) -> None:
        """Ends both sources."""
        for source in self._sources:
            source.close()


def with_other(examples: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Returns examples with the images of others beside their own."""
    return {**examples, 'other': others['image']}

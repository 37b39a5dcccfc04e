"""What every source of training batches has in common."""

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jax import Array
from jax.sharding import Mesh

from gan_jax.data import preprocess
from gan_jax.data.examples import Examples
from gan_jax.data.image_set import Decoded
from gan_jax.data.order import Order


class Feed(NamedTuple):
    """What the host hands to some jitted training steps: global device arrays."""

    shared: Any  # by all steps
    steps: Any  # [S, ...], of which every step has its own


class Source(abc.ABC):
    """Feeds training: the batch of a step is a function of the seed and the step alone.

    `num_examples` counts the data set; `label_names` and `num_classes` are () and 0 without labels.
    """

    def __init__(self, decoded: Decoded, order: Order, data: Any, mesh: Mesh):
        self.num_examples = len(decoded)
        self.label_names = decoded.label_names
        self.num_classes = len(decoded.label_names)
        self._decoded = decoded
        self._order = order
        self._size = tuple(data.size)
        self._flip = data.flip
        self._mesh = mesh

    @abc.abstractmethod
    def feed(self, steps: range) -> Feed:
        """Returns what consecutive training steps are made of."""

    def batch(self, shared: Any, own: Any, key: Array) -> dict[str, Array]:
        """Makes a step's batch of its feed; pure, to be traced inside the training step.

        Shapes: {'image': float32 [K, B, H, W, C] in [-1, 1], 'label': int32 [K, B]}, split over
        the devices along B; 'label' only where the set has labels.
        """
        stored = self._stored(shared, own)
        image = preprocess.prepare(stored['image'], self._size, self._flip, key)
        return {**stored, 'image': image}

    def examples(self, count: int, start: int = 0) -> dict[str, np.ndarray]:
        """Returns `count` examples in stored order, cut at the centre; fewer where the set ends.

        Shapes: {'image': uint8 [n, H, W, C], 'label': int32 [n]}.
        """
        return Examples(self._decoded, self._size).read(start, start + count)

    def rebatch(self, microbatches: int, batch_size: int) -> None:
        """From now on a step takes so many batches of this size."""
        self._order = self._order._replace(microbatches=microbatches, batch_size=batch_size)

    @abc.abstractmethod
    def close(self) -> None:
        """Ends threads and processes, and lets go of memory; the source must not be used again."""

    @abc.abstractmethod
    def _stored(self, shared: Any, own: Any) -> Mapping[str, Array]:
        """Returns the step's examples as they are stored, uint8; traced."""

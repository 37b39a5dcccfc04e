"""Data: what is stored on a disk, and what feeds the training step."""

import numpy as np
from jax.sharding import Mesh

from gan_jax.data import decode
from gan_jax.data.resident import Resident
from gan_jax.data.source import Decoded, Source
from gan_jax.usage import UsageError

from gan_jax.data import digits


def open_source(data, batch_size: int, microbatches: int, seed: int, mesh: Mesh) -> Source:
    """Opens a data set for training, on the device where it fits and else as a stream."""
    images = digits.open_digits(data)
    size = tuple(data.crop_from) if tuple(data.crop_from) != (0, 0) else tuple(data.size)
    decoded = Decoded(images, size, data.channels, data.alpha)
    return Resident(decoded, (microbatches, batch_size), data, seed, mesh)


def example_batch(data, batch_size: int) -> dict[str, np.ndarray]:
    """Returns an empty batch of the configured shape, which opens no data set.

    Shapes: {'image': float32 [B, H, W, C], 'label': int32 [B]}; a set may turn out unlabelled.
    """
    return {
        'image': np.zeros((batch_size, *data.size, data.channels), np.float32),
        'label': np.zeros(batch_size, np.int32),
    }

"""Data: what is stored, and what feeds the training step."""

from typing import Any

import numpy as np
from jax.sharding import Mesh

from gan_jax.data import decode, digits, folder, stacked_mnist, tfds_source
from gan_jax.data.examples import Examples
from gan_jax.data.image_set import Decoded, ImageSet
from gan_jax.data.order import Order
from gan_jax.data.resident import Resident
from gan_jax.data.source import Feed, Source
from gan_jax.data.streamed import Streamed
from gan_jax.usage import UsageError, choose

__all__ = ['Examples', 'Feed', 'Source', 'example_batch', 'open_examples', 'open_source']

# Any other name is one of TFDS.
_OWN_SETS = {
    'digits': digits.open_digits,
    'folder': folder.open_folder,
    'stacked_mnist': stacked_mnist.open_stacked_mnist,
}


def open_source(
    data: Any,
    batch_size: int,
    microbatches: int,
    seed: int,
    mesh: Mesh,
    images: ImageSet | None = None,
) -> Source:
    """Opens the configured data set for training: on the device where it fits, else as a stream.

    `data` has the fields name, data_dir, split, size (H, W), channels, crop_from (H, W) or (0, 0),
    flip, alpha, resident_mb and workers; `images` takes the place of the set they name. A step
    takes `microbatches` batches of `batch_size`, the latter over all devices. Which examples, and
    in which order, does not depend on `resident_mb`, `workers` or the number of processes. Raises
    UsageError for what cannot be opened.
    """
    decoded = _open_decoded(data, images)
    order = Order(len(decoded), microbatches, batch_size, seed)
    fits = len(decoded) * np.prod(decoded.shape) <= data.resident_mb * 2**20
    return (Resident if fits else Streamed)(decoded, order, data, mesh)


def open_examples(data: Any, images: ImageSet | None = None) -> Examples:
    """Opens the configured split to be looked at, as `open_source` opens it for training."""
    return Examples(_open_decoded(data, images), tuple(data.size))


def example_batch(data: Any, batch_size: int) -> dict[str, np.ndarray]:
    """Returns zeros in a batch's shape, for initialising networks; no data set is opened.

    Shapes: {'image': float32 [B, H, W, C], 'label': int32 [B]}; a set may turn out unlabelled.
    """
    return {
        'image': np.zeros((batch_size, *data.size, data.channels), np.float32),
        'label': np.zeros(batch_size, np.int32),
    }


def _open_decoded(data: Any, images: ImageSet | None) -> Decoded:
    _check(data)
    images = _open_images(data) if images is None else images
    if not len(images):
        raise UsageError(f'data set {data.name!r}, split {data.split!r}, holds no examples')
    if data.classes not in (0, len(images.label_names)):
        raise UsageError(
            f'data set {data.name!r} has {len(images.label_names)} classes: '
            f'config.data.classes={data.classes} may be that or 0'
        )
    size = tuple(data.crop_from) if any(data.crop_from) else tuple(data.size)
    return Decoded(images, size, data.channels, data.alpha)


def _open_images(data: Any) -> ImageSet:
    if data.name not in _OWN_SETS:
        return tfds_source.open_tfds(data)
    if data.split != 'train':
        raise UsageError(f"data set {data.name!r} has one split, 'train', not {data.split!r}")
    return _OWN_SETS[data.name](data)


def _check(data: Any) -> None:
    size, crop_from = tuple(data.size), tuple(data.crop_from)
    if len(size) != 2 or min(size) < 1:
        raise UsageError(f'data.size must be (height, width), not {size}')
    if crop_from != (0, 0) and (len(crop_from) != 2 or np.any(np.less(crop_from, size))):
        raise UsageError(f'data.crop_from must be (0, 0) or cover data.size {size}: {crop_from}')
    if data.channels not in decode.MODES:
        raise UsageError(f'data.channels must be 1, 3 or 4, not {data.channels}')
    choose('data.alpha', data.alpha, decode.BACKGROUNDS)

"""Data: what is stored, and what feeds the training step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh
from ml_collections import ConfigDict

from gan_jax.data import decode, digits, folder, parts, stacked_mnist, tfds_source
from gan_jax.data.changes import CHANGES
from gan_jax.data.examples import Examples
from gan_jax.data.image_set import Decoded, ImageSet
from gan_jax.data.order import Order
from gan_jax.data.pairs import Paired, Unpaired, with_other
from gan_jax.data.preprocess import normalize
from gan_jax.data.resident import Resident
from gan_jax.data.source import Feed, Source
from gan_jax.data.streamed import Streamed
from gan_jax.usage import UsageError, choose

__all__ = [
    'Examples',
    'Feed',
    'Source',
    'example_batch',
    'open_examples',
    'open_inputs',
    'open_source',
]

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
) -> Source | Unpaired:
    """Opens the configured data set for training: on the device where it fits, else as a stream.

    `data` is the section of that name in `configs/base.py`, where its fields are described;
    `images` takes the place of the set they name. A step takes `microbatches` batches of
    `batch_size`, the latter over all devices. Which examples, and in which order, does not depend
    on `resident_mb`, `workers` or the number of processes. Raises UsageError for what cannot be
    opened.
    """
    sources = []
    for number, decoded in enumerate(_open_decoded(data, images)):
        # The orders of two sets have nothing in common: a config's seed is less than 2**32.
        order = Order(len(decoded), microbatches, batch_size, seed + 2**32 * number)
        fits = len(decoded) * np.prod(decoded.shape) <= data.resident_mb * 2**20
        sources.append((Resident if fits else Streamed)(decoded, order, data, mesh))
    return sources[0] if len(sources) == 1 else Unpaired(*sources)


def open_examples(data: Any, images: ImageSet | None = None) -> Examples:
    """Opens the configured split to be looked at, as `open_source` opens it for training.

    Of two sets without pairs it is the first.
    """
    return Examples(_open_decoded(data, images)[0], tuple(data.size))


def example_batch(data: Any, batch_size: int) -> dict[str, np.ndarray]:
    """Returns zeros in a batch's shape, for initialising networks; no data set is opened.

    Shapes: {'image': float32 [B, H, W, C], 'label': int32 [B]} and, of two sets, 'other' as
    'image'; a set may turn out unlabelled.
    """
    images = ('image',) if data.other.relation == 'none' else ('image', 'other')
    return {
        **{name: np.zeros((batch_size, *data.size, data.channels), np.float32) for name in images},
        'label': np.zeros(batch_size, np.int32),
    }


def open_inputs(data: Any, count: int) -> Callable[[Array], dict[str, np.ndarray]]:
    """Returns `inputs(key)`: the batch that `count` samples are drawn with.

    Where there is one set, samples need no more of a batch than its shape: zeros. Two sets are
    there to be translated: examples that training does not see, drawn by the key, each once before
    any comes again. Raises UsageError for sets that cannot be opened.
    """
    if data.other.relation == 'none':
        zeros = example_batch(data, count)
        return lambda key: zeros
    sets = [Examples(decoded, tuple(data.size)) for decoded in _open_decoded(_held_out(data), None)]

    def draw(key: Array) -> dict[str, np.ndarray]:
        words = np.asarray(jax.random.key_data(key)).tolist()
        taken = []
        for number, examples in enumerate(sets):
            random = np.random.default_rng([*words, number])
            rounds = -(-count // len(examples))
            shuffled = [random.permutation(len(examples)) for _ in range(rounds)]
            taken.append(examples.take(np.concatenate(shuffled)[:count]))
        batch = taken[0] if len(taken) == 1 else with_other(*taken)
        return jax.tree.map(lambda a: normalize(a) if a.dtype == np.uint8 else a, batch)

    return draw


def _open_decoded(data: Any, images: ImageSet | None) -> list[Decoded | Paired]:
    """The sets of which every example is drawn by itself: one, or two without pairs."""
    _check(data)
    relation = choose('data.other.relation', data.other.relation, _RELATIONS)
    images = _open_images(data) if images is None else images
    return relation(data, images)


def _alone(data: Any, images: ImageSet) -> list[Decoded]:
    return [_decode(data, images)]


def _unpaired(data: Any, images: ImageSet) -> list[Decoded]:
    other = _other(data)
    return [_decode(data, images), _decode(other, _open_images(other))]


def _paired(data: Any, images: ImageSet) -> list[Paired]:
    other = _other(data)
    others = _open_images(other)
    if len(images) != len(others):
        raise UsageError(
            f'{len(images)} images and {len(others)} others make no pairs; '
            '--config.data.other.relation=unpaired takes sets of any length'
        )
    for index in range(len(images) if data.name == other.name == 'folder' else 0):
        one, two = images.describe(index), others.describe(index)
        if Path(one).stem != Path(two).stem:
            raise UsageError(f'{one} and {two} are no pair: both files of one have the same name')
    return [Paired(_decode(data, images), _decode(other, others))]


_RELATIONS = {'none': _alone, 'paired': _paired, 'unpaired': _unpaired}


def _other(data: Any) -> ConfigDict:
    """The second set's fields: what its section leaves empty is as in the first's."""
    return ConfigDict({**data, **{name: value for name, value in data.other.items() if value}})


def _held_out(data: Any) -> ConfigDict:
    """The same sets with the splits that training does not see; without any, those it does."""
    other = data.other.held_out or data.held_out or data.other.split
    split = data.held_out or data.split
    return ConfigDict({**data, 'split': split, 'other': {**data.other, 'split': other}})


def _decode(data: Any, images: ImageSet) -> Decoded:
    if not len(images):
        raise UsageError(f'data set {data.name!r}, split {data.split!r}, holds no examples')
    size = tuple(data.crop_from) if any(data.crop_from) else tuple(data.size)
    change = choose('data.change', data.change, CHANGES)
    return Decoded(images, size, data.channels, data.alpha, change)


def _open_images(data: Any) -> ImageSet:
    if data.name in _OWN_SETS:
        images = parts.take_split(_OWN_SETS[data.name](data), data.split, data.name)
    else:
        images = tfds_source.open_tfds(data)
    images = parts.take_class(images, data.only) if data.only else images
    return parts.Half(images, data.side) if data.side else images


def _check(data: Any) -> None:
    size, crop_from = tuple(data.size), tuple(data.crop_from)
    if len(size) != 2 or min(size) < 1:
        raise UsageError(f'data.size must be (height, width), not {size}')
    if crop_from != (0, 0) and (len(crop_from) != 2 or np.any(np.less(crop_from, size))):
        raise UsageError(f'data.crop_from must be (0, 0) or cover data.size {size}: {crop_from}')
    if data.channels not in decode.MODES:
        raise UsageError(f'data.channels must be 1, 3 or 4, not {data.channels}')
    choose('data.alpha', data.alpha, decode.BACKGROUNDS)

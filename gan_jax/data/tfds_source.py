"""The image sets of TensorFlow Datasets, read from ArrayRecord files without TensorFlow."""

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from gan_jax.data.tfds_prepare import prepare
from gan_jax.usage import UsageError, first_line


class TfdsImages:
    """One split of a prepared set: its feature 'image', and 'label' where that is a class."""

    def __init__(self, builder: Any, split: str):
        import tensorflow_datasets as tfds

        features = _features(builder)
        self._name = f'{builder.info.full_name} {split}'
        self._records = _records(builder, features, split)
        classes = features.get('label')
        self._labelled = isinstance(classes, tfds.features.ClassLabel)
        self.label_names = tuple(classes.names) if self._labelled else ()

    def __len__(self) -> int:
        return len(self._records)

    def describe(self, index: int) -> str:
        """Names the set, the split and the number of the example."""
        return f'example {index} of {self._name}'

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int | None]]:
        """Returns the images and their labels."""
        return [
            (
                Image.open(io.BytesIO(example['image'])),
                int(example['label']) if self._labelled else None,
            )
            for example in self._records.__getitems__(list(indices))
        ]


def open_tfds(data: Any) -> TfdsImages:
    """Returns a split of any TFDS image set, prepared in `data.data_dir` or, if need be, now.

    Raises UsageError, in seconds, for a name TFDS does not know, a set that can neither be found
    nor prepared, one without images, one in another format than ArrayRecord and a split it lacks.
    """
    data_dir = os.path.expanduser(data.data_dir) or None
    builder = _find(data.name, data_dir) or prepare(data.name, data_dir)
    return TfdsImages(builder, data.split)


def _find(name: str, data_dir: str | None) -> Any:
    """Returns the builder of a prepared set from its files alone, or None where there are none."""
    import tensorflow_datasets as tfds

    try:
        # Not `tfds.builder`: that runs the set's own code, which may ask the network.
        return tfds.core.read_only_builder.builder_from_files(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        return None
    except ValueError as error:  # No name at all, or found in several places.
        raise UsageError(f'data set {name!r}: {first_line(error)}') from error
    except ImportError as error:
        raise UsageError(
            f'data set {name!r} holds features, such as sound, that TFDS cannot open without '
            f'TensorFlow: {first_line(error)}'
        ) from error


def _features(builder: Any) -> dict[str, Any]:
    """Returns the features by name, having checked that there are images."""
    import tensorflow_datasets as tfds

    name, features = builder.info.full_name, builder.info.features
    features = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    image = features.get('image')
    if not isinstance(image, tfds.features.Image):
        found = ', '.join(features) or 'none with a name'
        raise UsageError(f"data set {name!r} has no images in a feature 'image'; it has {found}")
    if np.dtype(image.np_dtype) not in (np.uint8, np.uint16):
        raise UsageError(f'data set {name!r} holds {np.dtype(image.np_dtype)} images; 8 or 16 bits')
    return features


def _records(builder: Any, features: dict[str, Any], split: str) -> Sequence[dict[str, Any]]:
    import tensorflow_datasets as tfds

    name = builder.info.full_name
    # Pillow decodes them later, in one way for all sources; the other pictures of an example never.
    still = {
        key: tfds.decode.SkipDecoding()
        for key, feature in features.items()
        if isinstance(feature, tfds.features.Image)
    }
    try:
        records = builder.as_data_source(split=split, decoders=still)
        if not len(records):  # Raises ValueError itself for a slice that ends before it starts.
            raise ValueError('it is empty')
    except NotImplementedError as error:
        raise UsageError(
            f'data set {name!r} in {builder.data_dir} is prepared as '
            f'{builder.info.file_format.value}, which has no random access; prepare it as '
            'array_record in another --config.data.data_dir: tfds.builder(...)'
            ".download_and_prepare(file_format='array_record')"
        ) from error
    except ValueError as error:
        splits = ', '.join(builder.info.splits)
        raise UsageError(
            f'data.split={split!r} of data set {name!r} cannot be read; its splits: {splits} '
            f'({first_line(error)})'
        ) from error
    return records

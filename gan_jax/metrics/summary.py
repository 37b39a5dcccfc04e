"""What scores need of a set of images, of a size that does not grow with the set."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.files import replacing
from gan_jax.metrics.extractor import Features
from gan_jax.metrics.frechet import Accumulator, Moments
from gan_jax.usage import UsageError


class Summary(NamedTuple):
    """The moments of all images; and K of them, uniformly drawn, in the order they came in."""

    moments: Moments
    indices: np.ndarray  # [K], which images these are
    features: np.ndarray  # [K, D]
    logits: np.ndarray  # [K, classes]
    labels: np.ndarray | None  # [K]
    protocol: Mapping[str, Any]  # what JSON can hold: what makes the images and scores comparable


class SummaryAccumulator:
    """Takes features batch by batch and keeps a summary's.

    At most `kept` images are drawn from however many come, without replacement (Vitter 1985,
    algorithm R). How they are divided into batches does not change which.
    """

    def __init__(self, kept: int = 10_000, seed: int = 0):
        self._kept, self._count = kept, 0
        self._random = np.random.default_rng(seed)
        self._moments = Accumulator()
        self._arrays = {}

    def add(self, features: Features, labels: np.ndarray | None = None) -> None:
        """Takes the features of some images and, of all images or of none, their labels: [n].

        Raises:
          UsageError: numbers that are not finite, or labels of some images only.
        """
        size = len(features.pooled)
        indices = self._count + np.arange(size)
        new = {'indices': indices, 'features': features.pooled, 'logits': features.logits}
        new |= {} if labels is None else {'labels': labels}
        if self._count and new.keys() != self._arrays.keys():
            raise UsageError('either all images of a set have labels or none has')
        self._moments.add(features.pooled)
        # Image i takes place i; where there is none, one of 0 .. i, if there is such a place.
        drawn = (self._random.random(size) * (indices + 1)).astype(int)
        places = np.where(indices < self._kept, indices, drawn)
        taken = places < self._kept
        for name, array in new.items():
            array = np.asarray(array)
            if name not in self._arrays:
                self._arrays[name] = np.empty((self._kept, *array.shape[1:]), array.dtype)
            self._arrays[name][places[taken]] = array[taken]  # of two in one place, the later
        self._count += size

    def summary(self, protocol: Mapping[str, Any]) -> Summary:
        """Returns the summary of all that was taken.

        Raises:
          UsageError: fewer than two images.
        """
        moments = self._moments.moments()
        order = np.argsort(self._arrays['indices'][: self._count])
        kept = {name: array[order] for name, array in self._arrays.items()}
        return Summary(moments=moments, **{'labels': None, **kept}, protocol=protocol)


def save_summary(path: str | Path, summary: Summary) -> None:
    """Writes a summary as an `.npz` file, whole or not at all."""
    arrays = summary._asdict() | {f'moments_{k}': v for k, v in summary.moments._asdict().items()}
    arrays['protocol'] = json.dumps(summary.protocol)
    del arrays['moments']
    if summary.labels is None:
        del arrays['labels']
    with replacing(Path(path)) as part, part.open('wb') as file:
        np.savez(file, **arrays)


def load_summary(path: str | Path) -> Summary:
    """Returns a summary that `save_summary` has written.

    Raises:
      UsageError: no such file, or one that holds something else.
    """
    try:
        with np.load(path) as file:
            arrays = dict(file)
        moments = Moments(
            int(arrays.pop('moments_count')),
            arrays.pop('moments_mean'),
            arrays.pop('moments_covariance'),
        )
        protocol = json.loads(str(arrays.pop('protocol')))
        return Summary(moments=moments, **{'labels': None, **arrays}, protocol=protocol)
    except OSError as error:
        raise UsageError(f'the summary {str(path)!r} cannot be read: {error.strerror}') from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f'{str(path)!r} holds no summary of a set of images: {error}') from error

"""A classifier of the data set at hand, where the Inception network, of photographs, says little.

    classifier = train_classifier(images, labels, classes=10, name='mnist')
    save_classifier('mnist.npz', classifier)

Its features and logits go where Inception's go. Scores compare where they are by one classifier: it
is trained once for a data set, on its training split, and kept.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import Array

from gan_jax.files import replacing
from gan_jax.metrics.extractor import Extractor, Features, stream_features
from gan_jax.usage import UsageError

# What NumPy and zipfile make of files that are no archive, or no longer the one that was written.
_DAMAGE = (OSError, EOFError, KeyError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile)
_CHUNK = 1024  # images at a time, of an array that is all in memory already


class Network(nn.Module):
    """Images [B, *shape] within 0 .. 255, of 8x8 pixels or more -> Features.

    Two 3x3 convolutions at every size, each with batch normalisation and ReLU, then 2x2 means,
    until the images are of 3 to 5 pixels; then the mean over them. Channels double from size to
    size and end as `features`: Simonyan and Zisserman 2014, arXiv 1409.1556, made small. Raises
    UsageError for images of another shape.
    """

    shape: tuple[int, int, int]  # H, W, C
    classes: int
    features: int

    @nn.compact
    def __call__(self, images: Array, training: bool = False) -> Features:
        if images.shape[1:] != self.shape:
            raise UsageError(
                f'this classifier takes images of {_by(self.shape)}, not of {_by(images.shape[1:])}'
            )
        kernel_init = nn.initializers.he_normal()
        x = images.astype(jnp.float32) / 127.5 - 1
        for left in range(_halvings(self.shape), -1, -1):
            for _ in range(2):
                width = max(1, self.features >> left)
                x = nn.Conv(width, (3, 3), use_bias=False, kernel_init=kernel_init)(x)
                x = nn.relu(nn.BatchNorm(use_running_average=not training, momentum=0.9)(x))
            if left:
                x = nn.avg_pool(x, (2, 2), (2, 2))
        pooled = jnp.mean(x, axis=(1, 2))
        return Features(pooled, nn.Dense(self.classes)(pooled))


@dataclass(frozen=True, kw_only=True)
class Classifier(Extractor):
    """An extractor that can be saved: its network is known, and its statistics are fixed."""

    network: Network


def make_classifier(name: str, network: Network, variables: dict) -> Classifier:
    """Returns a network and its variables as an extractor of the images that it was trained on."""
    return Classifier(
        name=name,
        apply=network.apply,
        variables=variables,
        resizing='none',
        channels=network.shape[-1:],
        network=network,
    )


def accuracy(extractor: Extractor, images: np.ndarray, labels: np.ndarray) -> float:
    """Returns the share of uint8 images [N, H, W, C] whose largest logit is that of their label.

    Raises:
      UsageError: no images, not as many labels, or images that the extractor does not take.
    """
    if not len(images) or len(images) != len(labels):
        raise UsageError(f'{len(images)} images cannot be compared with {len(labels)} labels')
    batches = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
    said = [f.logits.argmax(axis=1) for f in stream_features(extractor, batches, len(images))]
    return float(np.mean(np.concatenate(said) == labels))


def save_classifier(path: str | Path, classifier: Classifier) -> None:
    """Writes a classifier into one .npz file, whole or not at all."""
    path, network = Path(path), classifier.network
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = dict(shape=network.shape, classes=network.classes, features=network.features)
    arrays = flatten_dict(classifier.variables, sep='/')
    with replacing(path) as part, part.open('wb') as file:
        np.savez(file, name=classifier.name, **settings, **arrays)


def load_classifier(path: str | Path) -> Classifier:
    """Returns the classifier of a file, with the digest that it had.

    Raises:
      UsageError: no such file, one that is damaged, or one that holds something else.
    """
    try:
        with np.load(path) as file:
            arrays = dict(file)
        name = str(arrays.pop('name'))
        height, width, channels = map(int, arrays.pop('shape'))
        classes, features = (int(arrays.pop(field)) for field in ('classes', 'features'))
    except FileNotFoundError as error:
        raise UsageError(f'no classifier {str(path)!r}; save_classifier writes one') from error
    except _DAMAGE as error:
        raise UsageError(f'{str(path)!r} is damaged or holds no classifier') from error
    network = Network((height, width, channels), classes, features)
    images = jax.ShapeDtypeStruct((1, *network.shape), jnp.uint8)
    expected = flatten_dict(jax.eval_shape(network.init, jax.random.key(0), images), sep='/')
    if _shapes(arrays) != _shapes(expected):
        raise UsageError(f'{str(path)!r} holds the weights of another network')
    return make_classifier(name, network, unflatten_dict(arrays, sep='/'))


def _halvings(shape: tuple[int, int, int]) -> int:
    """How often images are halved: while the shorter side is of 6 pixels or more."""
    halvings = 0
    while min(shape[:2]) >> halvings >= 6:
        halvings += 1
    return halvings


def _shapes(arrays: dict) -> dict:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def _by(shape: tuple[int, ...]) -> str:
    return 'x'.join(map(str, shape))

"""What turns images into features: any function of a network's variables and a batch of images."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh
from tqdm import tqdm

from gan_jax import mesh as meshes, tuning
from gan_jax.usage import UsageError

_BATCH = 64  # of features, everywhere: some digits of theirs depend on it
_AHEAD = 2  # batches that the devices may have before them


class Features(NamedTuple):
    """What a network says of images: float32."""

    pooled: Array  # [B, D], for distances
    logits: Array  # [B, classes], for the Inception Score


@dataclass(frozen=True)
class Extractor:
    """A network whose features are compared, and what makes scores by it comparable.

    `extractor(images)` are the features of one batch. Any Flax network can be one: `apply` is what
    it makes of its variables and uint8 images [B, H, W, C], or of float ones within 0 .. 255.
    """

    name: str
    apply: Callable[[Any, Array], Features]
    variables: Any
    resizing: str  # how images become those that the network sees
    channels: tuple[int, ...] = (3,)  # that it takes; grey is repeated where it takes 3 alone

    def __call__(self, images: np.ndarray | Array) -> Features:
        """Returns the features of images [B, H, W, C], by products of full float32."""
        return self._compiled(self.variables, self.fit(images))

    def fit(self, images: np.ndarray) -> np.ndarray:
        """Returns images with the channels that the network takes.

        Raises:
          UsageError: it takes no such images.
        """
        channels = images.shape[-1]
        if channels == 1 and channels not in self.channels:
            return images.repeat(self.channels[0], axis=-1)
        if channels not in self.channels:
            takes = ' or '.join(map(str, self.channels))
            raise UsageError(f'{self.name} takes images whose channels are {takes}, not {channels}')
        return images

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the variables and their names: of two extractors no score compares."""
        digest = hashlib.sha256(self.name.encode())
        for path, leaf in jax.tree_util.tree_leaves_with_path(self.variables):
            said = f'{jax.tree_util.keystr(path)} {np.shape(leaf)} {np.asarray(leaf).dtype}'
            digest.update(said.encode())
            digest.update(np.ascontiguousarray(leaf).tobytes())
        return digest.hexdigest()

    @cached_property
    def _compiled(self) -> Callable[[Any, Array], Features]:
        def apply(variables, images):
            with jax.default_matmul_precision('highest'):
                return self.apply(variables, images)

        return jax.jit(apply, compiler_options=tuning.compiler_options())


def stream_features(
    extractor: Extractor, batches: Iterable[np.ndarray], total: int | None = None
) -> Iterator[Features]:
    """Yields the features of images that come in batches [n, H, W, C] of any size, with progress.

    The network sees them 64 at a time on each device, over all devices of all processes; every
    process gives the same images and gets all features, as NumPy arrays.
    """
    mesh = meshes.make_mesh()
    size = _BATCH * mesh.size
    under_way = deque()  # so that the devices compute while the host takes what they have done

    def fetch() -> Features:
        count, features = under_way.popleft()
        bar.update(count)
        return Features(*(part[:count] for part in meshes.gather(features)))

    with tqdm(total=total, desc=extractor.name, unit='image', delay=2, disable=None) as bar:
        for batch in rebatch(batches, size):
            padded = np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
            under_way.append((len(batch), extractor(_spread(mesh, extractor.fit(padded)))))
            if len(under_way) > _AHEAD:
                yield fetch()
        while under_way:
            yield fetch()


def rebatch(batches: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Yields the same images in batches of `size`; the last may be smaller."""
    waiting, count = [], 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch)
        if count >= size:
            images = np.concatenate(waiting)
            whole = count - count % size
            yield from np.split(images[:whole], whole // size)
            waiting, count = [images[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def _spread(mesh: Mesh, images: np.ndarray) -> Array:
    return meshes.put(meshes.split(mesh, 0), images)

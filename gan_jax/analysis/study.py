"""A run under study: its folder, its networks, the data beside it, and what is drawn from it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax import mesh as meshes
from gan_jax.analysis import record
from gan_jax.build import make_networks
from gan_jax.data import open_examples
from gan_jax.game import Array, Networks
from gan_jax.metrics import Extractor, stream_features
from gan_jax.pictures import to_signed
from gan_jax.run import BATCH, Run, load_run
from gan_jax.usage import UsageError
from gan_jax.workdir import read_config

_REAL, _DRAWN = 4096, 512  # images that are looked at


@dataclass(frozen=True)
class Study:
    """What the sections of a report are made of; each part is made once, when it is asked for.

    A part that cannot be made (no checkpoint yet, no data on this machine) raises UsageError, in a
    line that the section then says instead.
    """

    folder: Path
    config: ConfigDict
    extractor: Extractor | None = None  # whose features tell images apart; pixels without one

    @cached_property
    def history(self) -> record.History:
        """The logged steps."""
        return record.read_history(self.folder)

    @cached_property
    def scores(self) -> Sequence[Mapping[str, Any]]:
        """The evaluations of `eval/`."""
        return record.read_scores(self.folder)

    @cached_property
    def environment(self) -> Sequence[Mapping[str, Any]]:
        """What every start of the run was trained with."""
        return record.read_environment(self.folder)

    @property
    def run(self) -> Run:
        """The networks at the newest checkpoint."""
        return _given(self._run)

    @property
    def real(self) -> Mapping[str, np.ndarray]:
        """Images from all over the data, uint8 [n, H, W, C], and labels where it has any."""
        return _given(self._data)[0]

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the data's labels are called."""
        return _given(self._data)[1]

    @cached_property
    def drawn(self) -> Mapping[str, np.ndarray]:
        """Generated images, as `real`."""
        return self.run.sample(_DRAWN, seed=0)

    def describe(self, images: np.ndarray) -> np.ndarray:
        """Returns what images are compared by: float [n, D]."""
        if self.extractor is None:
            return _flat(images)
        batches = np.split(images, range(BATCH, len(images), BATCH))
        return np.concatenate([f.pooled for f in stream_features(self.extractor, batches)])

    @cached_property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the generated images and of the real ones: what a verdict is by, on any machine."""
        return _flat(self.drawn['image']), _flat(self.real['image'])

    @property
    def described_by(self) -> str:
        """What `describe` looks at, in words."""
        return 'pixels' if self.extractor is None else f'features of {self.extractor.name}'

    @cached_property
    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the generated images and of the real ones."""
        return self.describe(self.drawn['image']), self.describe(self.real['image'])

    def networks(self, state: Any, kind: Callable = Networks) -> Networks:
        """Returns the networks that images are drawn from, for use under jit."""
        return make_networks(self.run.config, self.run.game, self.run.mesh, state, kind)

    @property
    def critic(self) -> Callable[[Networks, Array], Array]:
        """The game's own judge of images."""
        if self.run.game.critic is None:
            raise UsageError(f'game {self.config.game!r} has no network that judges images')
        return self.run.game.critic

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Returns the latents z of uint8 images: [n, D]."""
        if self.run.game.encode is None:
            raise UsageError(f'game {self.config.game!r} has no network that encodes images')
        return self.by_batch(
            lambda state, x: self.run.game.encode(self.networks(state), x)['z'], to_signed(images)
        )

    def judge(self, images: np.ndarray) -> np.ndarray:
        """Returns the critic's logits of uint8 images: [n]."""
        critic = self.critic
        return self.by_batch(lambda state, x: critic(self.networks(state), x), to_signed(images))

    def by_batch(self, function: Callable, arrays: Any) -> np.ndarray:
        """Returns `function(state, batch)`, [n, ...], of many examples in equal batches.

        arrays: a tree of [n, ...], of which a batch is a slice along the first dimension.
        """
        compiled = jax.jit(function, out_shardings=meshes.replicated(self.run.mesh))
        put = partial(meshes.put, meshes.replicated(self.run.mesh))
        return np.concatenate(
            [
                np.asarray(compiled(self.run.state, put(batch)))[:count]
                for count, batch in _batches(arrays)
            ]
        )

    @cached_property
    def _run(self) -> Run | UsageError:
        passes = self.config.eval.standing
        return _attempt(lambda: load_run(str(self.folder)).settled(passes))

    @cached_property
    def _data(self) -> tuple | UsageError:
        return _attempt(lambda: _read_data(self.config))


def open_study(path: str, extractor: Extractor | None = None) -> Study:
    """Returns the study of the run in a folder.

    Raises:
      UsageError: there is no run.
    """
    return Study(Path(path), read_config(path), extractor)


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / np.float32(255)


def _batches(arrays: Any) -> Iterator[tuple[int, Any]]:
    """Yields batches of one size, the last one filled up, and how many of each are examples."""
    total = len(jax.tree.leaves(arrays)[0])
    size = min(total, BATCH)
    for start in range(0, total, size):
        rows = np.arange(start, start + size)
        batch = jax.tree.map(lambda array, rows=rows: array[np.minimum(rows, total - 1)], arrays)
        yield min(size, total - start), batch


def _read_data(config: ConfigDict) -> tuple[Mapping[str, np.ndarray], tuple[str, ...]]:
    examples = open_examples(config.data)
    if len(examples) <= _REAL:
        return examples.read(0, _REAL), examples.label_names
    # Blocks from all over the set: a folder's images lie class by class.
    block = 64
    starts = np.linspace(0, len(examples) - block, _REAL // block).astype(int)
    blocks = [examples.read(start, start + block) for start in map(int, starts)]
    images = {name: np.concatenate([some[name] for some in blocks]) for name in blocks[0]}
    return images, examples.label_names


def _attempt(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except UsageError as error:
        return error


def _given(part: Any) -> Any:
    if isinstance(part, UsageError):
        raise part
    return part

"""A trained run, to draw from.

from gan_jax.pictures import make_grid, save_png
from gan_jax.run import load_run

run = load_run('runs/wgan_gp')
images = run.sample(64, seed=0)['image']  # uint8 [64, H, W, C]
save_png('samples.png', make_grid(images, columns=8))
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from gan_jax import mesh as meshes
from gan_jax.build import (
    make_draw,
    make_evidence,
    make_initial_state,
    make_latents,
    make_render,
    make_settled,
    state_like,
)
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import example_batch
from gan_jax.game import Game, State, labelled, truncated
from gan_jax.games import build_game
from gan_jax.pictures import to_signed, to_uint8
from gan_jax.stages import split, stage_at
from gan_jax.usage import UsageError, choose
from gan_jax.workdir import check_workdir, read_config

# Images drawn per call. Batch i depends on (seed, i) alone, so that more images of the same seed
# begin with the same ones; another number here would give other images.
BATCH = 128

# {'image': uint8 [n, H, W, C], ...} or latents. Images of other names may have other sizes.
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Drawing:
    """How the images of a game are drawn, each function compiled once."""

    config: ConfigDict
    game: Game
    mesh: Mesh

    @cached_property
    def sample(self) -> Callable[[State, jax.Array], Arrays]:
        """`sample(state, key)`: 128 samples."""
        return make_draw(self.config, self.game, self.mesh, BATCH)

    @cached_property
    def render(self) -> Callable[[State, Arrays], Arrays]:
        """`render(state, latents)`: the samples of given latents."""
        return make_render(self.config, self.game, self.mesh)

    @cached_property
    def latents(self) -> Callable[[int], Callable[[jax.Array], Arrays]]:
        """`latents(count)(key)`: what so many samples are drawn from."""
        return cache(partial(make_latents, self.config, self.game, self.mesh))

    @cached_property
    def settle(self) -> Callable[[State, int], State]:
        """`settle(state, passes)`: the state with standing statistics, of batches of 128."""
        return make_settled(self.config, self.game, self.mesh, BATCH)

    @cached_property
    def evidence(self) -> Callable[[State, np.ndarray, jax.Array], np.ndarray]:
        """`evidence(state, images, key)`: a bound of log p of each image, in nats."""
        return make_evidence(self.config, self.game, self.mesh)


@dataclass(frozen=True)
class Run:
    """A run's networks at one step of training."""

    drawing: Drawing
    state: State

    @property
    def config(self) -> ConfigDict:
        """What it was trained with, in the stage that it has come to."""
        return self.drawing.config

    @property
    def game(self) -> Game:
        """What is played."""
        return self.drawing.game

    @property
    def mesh(self) -> Mesh:
        """Where."""
        return self.drawing.mesh

    @property
    def step(self) -> int:
        """Training steps taken."""
        return int(self.state.step)

    def batches(self, num: int, seed: int = 0) -> Iterator[Arrays]:
        """Yields `num` samples in batches, images as uint8; the same seed gives the same ones."""
        for index, start in enumerate(range(0, num, BATCH)):
            key = jax.random.fold_in(jax.random.key(seed), index)
            drawn = rounded(self.drawing.sample(self.state, key))
            yield {name: array[: num - start] for name, array in drawn.items()}

    def sample(self, num: int, seed: int = 0) -> Arrays:
        """Returns `num` samples, in one array each."""
        drawn = list(self.batches(num, seed))
        return {name: np.concatenate([batch[name] for batch in drawn]) for name in drawn[0]}

    def latents(self, count: int, key: jax.Array) -> Arrays:
        """Returns what `count` images would be drawn from."""
        return self.drawing.latents(count)(key)

    def truncate(self, latents: Arrays, threshold: float) -> Arrays:
        """Returns given latents without their tails, for a game that can cut them."""
        return jax.device_get(self.game.truncate(latents, threshold))

    def mix(self, name: str, latents: Arrays, other: Arrays) -> Arrays:
        """Returns latents with the styles of other ones in the layers of a name, such as 'coarse'.

        Raises:
          UsageError: the game makes images of no styles, or knows no such layers.
        """
        if not self.game.mixes:
            raise UsageError(f'game {self.config.game!r} makes images of no styles')
        mix = choose('layers', name, self.game.mixes)
        return jax.device_get(mix(latents, other))

    def draw(self, latents: Arrays) -> Arrays:
        """Returns the samples of given latents, images as uint8."""
        return rounded(self.drawing.render(self.state, latents))

    def evidence(self, images: np.ndarray, seed: int = 0) -> np.ndarray:
        """Returns a lower bound of log p of each uint8 image, in nats: [n], an estimate by lot.

        Raises:
          UsageError: the game bounds no likelihood.
        """
        if self.game.evidence is None:
            raise UsageError(f'game {self.config.game!r} has no bound of how likely an image is')
        bounds = []
        for index, start in enumerate(range(0, len(images), BATCH)):
            places = np.minimum(np.arange(start, start + BATCH), len(images) - 1)  # one shape
            key = jax.random.fold_in(jax.random.key(seed), index)
            bounds.append(self.drawing.evidence(self.state, to_signed(images[places]), key))
        return np.concatenate(bounds)[: len(images)]

    def truncated(self, threshold: float) -> 'Run':
        """Returns the run that draws from latents within plus or minus a threshold.

        Raises:
          UsageError: the game has no such latents, or none within the threshold.
        """
        if self.game.truncate is None:
            raise UsageError(f'game {self.config.game!r} has no latents that can be truncated')
        if math.isnan(threshold):
            raise UsageError(f'a truncation of {threshold} is no number')
        return self._playing(truncated(self.game, threshold))

    def settled(self, passes: int) -> 'Run':
        """Returns the run whose statistics are those of so many batches of samples; 0: as it is."""
        return replace(self, state=self.drawing.settle(self.state, passes)) if passes else self

    def labelled(self, label: int) -> 'Run':
        """Returns the run that draws images of one class.

        Raises:
          UsageError: the game knows no classes, or not so many.
        """
        batch = example_batch(self.config.data, 1)
        latents = jax.eval_shape(self.game.latents, jax.random.key(0), batch)
        if 'label' not in latents:
            raise UsageError(f'game {self.config.game!r} draws images of no class by name')
        if not 0 <= label < self.config.data.classes:
            last = self.config.data.classes - 1
            raise UsageError(f'class {label} is none of {self.config.data.name!r}: 0 to {last}')
        return self._playing(labelled(self.game, label))

    def _playing(self, game: Game) -> 'Run':
        return replace(self, drawing=replace(self.drawing, game=game))


def load_run(path: str, config: ConfigDict | None = None, step: int | None = None) -> Run:
    """Returns the run in a folder at a checkpoint, by default the newest.

    config: what it was trained with, where that may differ from what its folder says. Raises
    UsageError for a folder without a run, one of another architecture or one without a checkpoint.
    """
    workdir = Path(path)
    config = read_config(path) if config is None else config
    mesh, stages = meshes.make_mesh(), split(config)
    like = state_like(make_initial_state(stages[0], build_game(stages[0]), mesh), mesh)
    check_workdir(path, config)
    checkpoints = Checkpoints(workdir / 'checkpoints', read_only=True)
    state = checkpoints.restore(like, step)
    checkpoints.close()
    if state is None:
        raise UsageError(f'no checkpoint in {path!r} yet: train first')
    stage = stage_at(stages, int(state.step))
    return Run(Drawing(stage, build_game(stage), mesh), state)


def rounded(drawn: Arrays) -> Arrays:
    """Returns samples with their images as uint8."""
    return {name: to_uint8(array) if array.ndim == 4 else array for name, array in drawn.items()}

"""The loop: data -> step -> log -> sample -> checkpoint."""

import contextlib
import os
import signal
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from gan_jax import images, mesh as meshes
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import Source, example_batch, open_source
from gan_jax.game import Game, State
from gan_jax.games import build_game
from gan_jax.logs import Clock, open_logs, say
from gan_jax.optim import build_optimizer
from gan_jax.step import Metrics, Optimizers, init_state, make_sampler, make_train_step
from gan_jax.usage import UsageError, choose
from gan_jax.workdir import open_workdir


def stream_key(seed: int, purpose: str) -> jax.Array:
    """Returns a key of its own for each purpose, apart from the training steps' own keys."""
    words = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])
    return jax.random.key(int(words.generate_state(1)[0]))


def build_optimizers(config: ConfigDict, game: Game) -> Optimizers:
    """Returns the optimiser of every player of the game."""
    return {
        player: build_optimizer(
            config.optimizers[player],
            config.steps,
            sum(phase.repeats / phase.interval for phase in game.phases if phase.player == player),
        )
        for player in game.players
    }


def microbatch_size(config: ConfigDict) -> int:
    """Returns the images of a microbatch: `accumulate` of them make the batch of an update.

    Raises:
      UsageError: they do not divide the batch.
    """
    if config.accumulate < 1 or config.batch_size % config.accumulate:
        raise UsageError(
            f'accumulate={config.accumulate} does not divide batch_size={config.batch_size}'
        )
    return config.batch_size // config.accumulate


def check_batch(config: ConfigDict, mesh: Any) -> None:
    """Finds a batch of which the devices cannot take equal parts.

    Raises:
      UsageError: such a batch, with the sizes that would do.
    """
    unit = config.accumulate * mesh.size
    if config.batch_size % unit:
        raise UsageError(
            f'batch_size={config.batch_size} cannot be split into accumulate={config.accumulate} '
            f'microbatches over {mesh.size} devices; a multiple of {unit} can'
        )


def make_initial_state(config: ConfigDict, game: Game, mesh: Any) -> Callable[[], State]:
    """Returns the jitted function that makes a run's first state, global arrays all of it."""
    optimizers = build_optimizers(config, game)
    batch = example_batch(config.data, microbatch_size(config))
    return jax.jit(
        lambda: init_state(
            game, optimizers, jax.tree.map(jnp.asarray, batch), stream_key(config.seed, 'init')
        ),
        out_shardings=meshes.replicated(mesh),
    )


def state_like(make_state: Callable[[], State], mesh: Any) -> State:
    """Returns the shapes, dtypes and shardings of a run's state, without making it."""
    sharding = meshes.replicated(mesh)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        jax.eval_shape(make_state),
    )


def make_step(config: ConfigDict, game: Game, read_batch: Callable, mesh: Any) -> Callable:
    """Returns the jitted `step(state, feed, due) -> (state, metrics)`; it consumes `state`.

    Args:
      read_batch: `(feed, key) -> microbatches`, traced into the step.
    """
    train_step = make_train_step(
        game,
        build_optimizers(config, game),
        seed=config.seed,
        ema_decay=lambda step: config.ema_decay,
        shard=meshes.shard_batch(mesh),
    )

    def step(state, feed, due):
        key = jax.random.fold_in(stream_key(config.seed, 'data'), state.step)
        return train_step(state, read_batch(feed, key), due)

    return jax.jit(
        step,
        static_argnames='due',
        donate_argnames='state',
        out_shardings=meshes.replicated(mesh),
    )


def train(config: ConfigDict, path: str) -> State:
    """Trains a run to its last step, from its newest checkpoint where it has one.

    Raises:
      UsageError: the config, the data or the folder cannot be used, or training has diverged.
    """
    mesh = meshes.make_mesh()
    check_batch(config, mesh)
    game = build_game(config)
    batch_size = microbatch_size(config)
    make_state = make_initial_state(config, game, mesh)
    like = state_like(make_state, mesh)  # finds an impossible config before anything is written
    workdir = open_workdir(path, config)
    with (
        closing(
            open_source(config.data, batch_size, game.microbatches, config.seed, mesh)
        ) as source,
        closing(open_checkpoints(config, workdir)) as checkpoints,
        Interruption() as interruption,
    ):
        restored = checkpoints.restore(like)
        state = make_state() if restored is None else restored
        start = int(state.step)
        _announce(config, mesh, source, start)
        step = make_step(config, game, source.batch, mesh)
        _check_best(config.checkpoint.best, step, game, source, state)
        draw = make_grid_writer(config, workdir, game, mesh, source)
        with closing(open_logs(workdir, start, config.steps)) as logs:
            clock = Clock(start, batch_size * game.microbatches)
            for index in range(start, config.steps):
                feed = clock.wait(partial(source.feed, index))
                state, metrics = step(state, feed, due=game.due(index))
                done = index + 1
                last = done == config.steps or interruption.requested(checkpoints, done)
                logs.advance(done)
                if last or index == start or done % config.log.every == 0:
                    logs.write(done, {**_read(metrics, done), **clock.read(done)})
                if last or done % config.log.samples_every == 0:
                    draw(state)
                if last or done % config.checkpoint.every == 0:
                    checkpoints.save(done, state, _read(metrics, done))
                if last:
                    break
        if not checkpoints.finish():
            raise UsageError(f'the state of step {int(state.step)} could not be saved in {path!r}')
    if int(state.step) < config.steps:
        say(f'stopped at step {int(state.step)} of {config.steps}, from which it will go on')
    return state


def open_checkpoints(config: ConfigDict, workdir: Path) -> Checkpoints:
    """Returns the checkpoints of a run, kept by the rules of its config."""
    return Checkpoints(workdir / 'checkpoints', config.checkpoint.keep, config.checkpoint.best)


def _check_best(name: str, step: Callable, game: Game, source: Source, state: State) -> None:
    """Finds a `checkpoint.best` that names no metric, before training."""
    if name:
        all_due = partial(step, due=(True,) * len(game.phases))
        metrics = jax.eval_shape(all_due, state, source.feed(int(state.step)))[1]
        choose('metric for checkpoint.best', name, metrics)


def _announce(config: ConfigDict, mesh: Any, source: Source, start: int) -> None:
    kind = mesh.devices.flat[0].device_kind
    say(f'{mesh.size} x {kind}; {source.num_examples} examples of {config.data.name}')
    if start:
        say(f'going on from step {start} of {config.steps}')


def _read(metrics: Metrics, step: int) -> dict[str, float]:
    """Fetches a step's metrics; what is not finite is never saved, so the last checkpoint is sound.

    Raises:
      UsageError: the step was not finite.
    """
    scalars = {name: float(value) for name, value in jax.device_get(metrics).items()}
    if not scalars['finite']:
        broken = [name for name, value in scalars.items() if not np.isfinite(value)]
        raise UsageError(
            f'training has diverged by step {step} ({", ".join(broken)}); the last checkpoint is '
            'from before: lower a learning rate and start again'
        )
    return scalars


def make_grid_writer(config, workdir: Path, game: Game, mesh: Any, source: Source) -> Callable:
    """Returns `draw(state)`: writes samples/STEP.png, of the same latents every time.

    What the data look like at the same size stands beside it, in samples/data.png.
    """
    rows, columns = config.log.grid
    sampler = jax.jit(
        make_sampler(game, shard=meshes.shard_batch(mesh)), out_shardings=meshes.replicated(mesh)
    )
    batch = meshes.put(meshes.replicated(mesh), example_batch(config.data, rows * columns))

    def save(name: str, pixels: np.ndarray) -> None:
        if jax.process_index() == 0:
            try:
                images.save_png(workdir / 'samples' / name, images.make_grid(pixels, columns))
            except OSError as error:
                say(f'{name} was not written: {error}')

    def draw(state: State) -> None:
        sampled = meshes.gather(sampler(state, batch, stream_key(config.seed, 'grid'))['image'])
        save(f'{int(state.step):08d}.png', images.to_uint8(sampled))

    save('data.png', source.examples(rows * columns)['image'])
    return draw


class Interruption:
    """Ctrl-C and SIGTERM end the run after the step at hand, which is then saved.

    Several processes must stop at the same step: there JAX's preemption service carries SIGTERM,
    and Ctrl-C is passed on as one.
    """

    def __enter__(self):
        self._asked, self._alone = False, jax.process_count() == 1
        numbers = (signal.SIGINT, signal.SIGTERM) if self._alone else (signal.SIGINT,)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self._asked:  # twice: at once
            raise KeyboardInterrupt
        self._asked = True
        if not self._alone:
            os.kill(os.getpid(), signal.SIGTERM)
        with contextlib.suppress(OSError):
            # Not print: the signal may have come in the middle of another one.
            line = '\nstopping after this step; once more to stop at once\n'
            os.write(sys.stderr.fileno(), line.encode())

    def requested(self, checkpoints: Checkpoints, step: int) -> bool:
        """Whether this step is to be the last."""
        return self._asked if self._alone else checkpoints.interrupted(step)

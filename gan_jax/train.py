"""The loop: data -> step -> evaluate -> log -> sample -> checkpoint."""

import collections
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from gan_jax import mesh as meshes, pictures
from gan_jax.build import (
    check_batch,
    make_draw,
    make_entrance,
    make_initial_state,
    make_step,
    microbatch_size,
    state_like,
    steps_per_call,
    stream_key,
)
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import Source, open_source
from gan_jax.environment import record_environment
from gan_jax.evaluation import Evaluator
from gan_jax.game import Game, State
from gan_jax.games import build_game
from gan_jax.interruption import Interruption
from gan_jax.logs import Clock, Logs, open_logs, say
from gan_jax.run import Arrays, Drawing, Run, rounded
from gan_jax.stages import describe, split
from gan_jax.step import Metrics
from gan_jax.usage import UsageError, choose
from gan_jax.workdir import open_workdir, record_config

# Enough for no device to wait for the host. A signal waits for so many calls; and with many more
# XLA's pretended CPU devices, which share their threads, would starve each other.
CALLS_AHEAD = 2


def train(config: ConfigDict, path: str) -> State:
    """Trains a run to its last step, from its newest checkpoint where it has one.

    Raises:
      UsageError: the config, the data or the folder cannot be used, or training has diverged.
    """
    mesh = meshes.make_mesh()
    configs = split(config)
    for stage in configs:
        check_batch(stage, mesh)
    games = [build_game(stage) for stage in configs]
    together = [steps_per_call(*played) for played in zip(configs, games)]
    make_state = make_initial_state(configs[0], games[0], mesh)
    like = state_like(make_state, mesh)  # finds an impossible config before anything is written
    workdir = open_workdir(path, config)
    evaluator = Evaluator(config) if config.eval.every else None
    batches = microbatch_size(configs[0]), games[0].microbatches
    with (
        closing(open_source(config.data, *batches, config.seed, mesh)) as source,
        closing(open_checkpoints(config, workdir)) as checkpoints,
        Interruption() as interruption,
    ):
        _check_classes(games[0], source, config)
        restored = checkpoints.restore(like)
        state = make_state() if restored is None else restored
        start = int(state.step)
        record_config(workdir, config)  # now that the run is known to begin with it
        record_environment(workdir, start)
        _announce(config, mesh, source, start)
        stages = [_Stage(*own, mesh, source) for own in zip(configs, games, together)]
        _check_best(config.checkpoint.best, stages[0], state, evaluator)
        rows, columns = config.log.grid
        write_grid(workdir, 'data.png', source.examples(rows * columns), columns)
        with closing(open_logs(workdir, start, config.steps)) as logs:
            said = {}  # the latest of every phase, of which not all are due at every step
            unread = None  # what waits until the next step is under way, so that no device does
            ahead = collections.deque()  # of the devices: calls that may not have ended yet
            playing = clock = None
            for call, (stage, steps) in enumerate(_staged_calls(stages, start, config.steps)):
                if stage is not playing:
                    unread = _log(unread, logs, clock)
                    playing, state, said = stage, stage.enter(state), {}
                    clock = Clock(steps.start, stage.images_per_step)
                    if len(stages) > 1:
                        say(describe(configs, stage.config))
                feed = clock.wait(partial(source.feed, steps))
                state, metrics = stage.take(state, feed, due=stage.game.due(steps.start))
                ahead.append(metrics['finite'])
                if len(ahead) > CALLS_AHEAD:
                    ahead.popleft().block_until_ready()
                unread = _log(unread, logs, clock)
                said = {**said, **metrics}
                done = steps.stop
                last = done == config.steps or interruption.requested(checkpoints, call)
                logs.advance(done)
                scores = {}
                if config.eval.every and (done == config.steps or done % config.eval.every == 0):
                    unread = _log(unread, logs, clock)
                    run = Run(stage.drawing, jax.block_until_ready(state))
                    scores = clock.pause(partial(_evaluate, evaluator, run, workdir))
                first = steps.start in (start, stage.config.start)
                if last or scores or first or done % config.log.every == 0:
                    unread = done, {**said, **scores}
                if last or done % config.log.samples_every == 0:
                    unread = _log(unread, logs, clock)
                    drawn = rounded(stage.draw(state, stream_key(config.seed, 'grid')))
                    write_grid(workdir, f'{done:08d}.png', drawn, columns)
                scored = config.checkpoint.best.removeprefix('-') in scores
                if last or scored or done % config.checkpoint.every == 0:
                    unread = _log(unread, logs, clock)
                    checkpoints.save(done, state, _check_finite({**_fetch(said), **scores}, done))
                if last:
                    break
        if not checkpoints.finish():
            raise UsageError(f'the state of step {int(state.step)} could not be saved in {path!r}')
    if int(state.step) < config.steps:
        say(f'stopped at step {int(state.step)} of {config.steps}, from which it will go on')
    return state


@dataclass(frozen=True)
class _Stage:
    """A stage of a run: what is compiled for it."""

    config: ConfigDict
    game: Game
    together: int  # steps of a call
    mesh: Mesh
    source: Source

    @cached_property
    def take(self) -> Callable:
        return make_step(self.config, self.game, self.source.batch, self.mesh)

    @cached_property
    def draw(self) -> Callable:
        return make_draw(self.config, self.game, self.mesh, math.prod(self.config.log.grid))

    @cached_property
    def drawing(self) -> Drawing:
        return Drawing(self.config, self.game, self.mesh)

    @property
    def images_per_step(self) -> int:
        return microbatch_size(self.config) * self.game.microbatches

    def enter(self, state: State) -> State:
        self.source.rebatch(self.game.microbatches, microbatch_size(self.config))
        if 0 < self.config.start == int(state.step):
            return make_entrance(self.config, self.game, self.mesh)(state)
        return state


def _staged_calls(stages: list[_Stage], start: int, end: int) -> Iterator[tuple[_Stage, range]]:
    """Yields the steps of every call, and the stage that takes them."""
    for stage in stages:
        stop = min(stage.config.steps, end)
        for steps in _calls(start, stop, stage.together):
            yield stage, steps
        start = max(start, stop)


def _calls(start: int, end: int, together: int) -> Iterator[range]:
    """Yields the steps of every call: `together` of them from their multiples on, or else one.

    A resumed run makes the same calls as one that was not stopped, and so ends in the same bits.
    """
    while start < end:
        whole = start % together == 0 and start + together <= end
        steps = range(start, start + (together if whole else 1))
        yield steps
        start = steps.stop


def open_checkpoints(config: ConfigDict, workdir: Path) -> Checkpoints:
    """Returns the checkpoints of a run, kept by the rules of its config."""
    return Checkpoints(workdir / 'checkpoints', config.checkpoint.keep, config.checkpoint.best)


def _check_best(name: str, stage: _Stage, state: State, evaluator: Evaluator | None) -> None:
    """Finds a `checkpoint.best` that names no metric, before training."""
    if name:
        every = (True,) * len(stage.game.phases)
        start = int(state.step)
        feed = stage.source.feed(range(start, start + 1))
        metrics = stage.take.eval_shape(state, feed, due=every)[1]
        scores = evaluator.names if evaluator else []
        known = [*metrics, *(f'eval/{score}' for score in scores)]
        choose('metric for checkpoint.best', name.removeprefix('-'), dict.fromkeys(known))


def _evaluate(evaluator: Evaluator, run: Run, workdir: Path) -> Metrics:
    """Scores the run as it is now, on all processes; what cannot be written is said."""
    evaluation = evaluator(run)
    for reason in evaluation.scored.refused:
        say(f'NOT SCORED at step {run.step}: {reason}')
    try:
        evaluation.save(workdir)
    except UsageError as error:
        say(f'the scores of step {run.step} were not written: {error}')
    return {f'eval/{name}': said['value'] for name, said in evaluation.scores.items()}


def _check_classes(game: Game, source: Source, config: ConfigDict) -> None:
    """Finds networks that are made for other classes than the data have."""
    if game.classes not in (0, source.num_classes):
        raise UsageError(
            f'data set {config.data.name!r} has {source.num_classes} classes and the networks are '
            f'told {game.classes}: config.data.classes'
        )


def _announce(config: ConfigDict, mesh: Any, source: Source, start: int) -> None:
    kind = mesh.devices.flat[0].device_kind
    say(f'{mesh.size} x {kind}; {source.num_examples} examples of {config.data.name}')
    if start:
        say(f'going on from step {start} of {config.steps}')


def _log(unread: tuple[int, Metrics] | None, logs: Logs, clock: Clock) -> None:
    """Writes a step's metrics, if there are any, with the rates up to it; nothing is left."""
    if unread:
        step, metrics = unread
        scalars = _fetch(metrics)
        logs.write(step, {**scalars, **clock.read(step)})  # what has diverged can be read there
        _check_finite(scalars, step)


def _fetch(metrics: Metrics) -> dict[str, float]:
    return {name: float(value) for name, value in jax.device_get(metrics).items()}


def _check_finite(scalars: Mapping[str, float], step: int) -> Mapping[str, float]:
    """Returns a step's metrics; what is not finite is never saved: the last checkpoint is sound.

    Raises:
      UsageError: the step was not finite.
    """
    if not scalars['finite']:
        broken = [name for name, value in scalars.items() if not np.isfinite(value)]
        raise UsageError(
            f'training has diverged by step {step} ({", ".join(broken)}); the last checkpoint is '
            'from before: lower a learning rate and start again'
        )
    return scalars


def write_grid(workdir: Path, name: str, arrays: Arrays, columns: int) -> None:
    """Writes samples/NAME, a grid of samples or examples, on process 0; a failure is said."""
    if jax.process_index() == 0:
        try:
            grid = pictures.make_grid(pictures.beside(arrays), columns)
            pictures.save_png(workdir / 'samples' / name, grid)
        except OSError as error:
            say(f'{name} was not written: {error}')

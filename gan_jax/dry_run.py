"""What a run would be, without taking a step: config, phases, parameters, devices and memory."""

import math

import jax
from clu import parameter_overview
from ml_collections import ConfigDict

from gan_jax import mesh as meshes
from gan_jax.build import (
    check_batch,
    make_initial_state,
    make_step,
    microbatch_size,
    state_like,
)
from gan_jax.data import Feed, example_batch
from gan_jax.fields import flatten
from gan_jax.game import Game, Phase
from gan_jax.games import build_game
from gan_jax.logs import say
from gan_jax.stages import describe, split


def dry_run(config: ConfigDict, path: str) -> None:
    """Prints the description of a run; opens no data set and writes nothing."""
    mesh = meshes.make_mesh()
    stages = split(config)
    for stage in stages:
        check_batch(stage, mesh)
    games = [build_game(stage) for stage in stages]
    like = state_like(make_initial_state(stages[0], games[0], mesh), mesh)
    for name, value in flatten(config).items():
        say(f'config.{name} = {value!r}')
    say(f'Run: {config.steps} steps in {path}')
    for stage, game in zip(stages, games):
        if len(stages) > 1:
            say(describe(stages, stage))
        for phase in game.phases:
            say(describe_phase(phase, microbatch_size(stage), game))
    for name, params in like.params.items():
        say(f'\n{name}')
        say(parameter_overview.get_parameter_overview(params, include_stats=False))
    say(_describe_devices(stages[-1], games[-1], mesh, like))


def describe_phase(phase: Phase, microbatch: int, game: Game) -> str:
    """Returns one line: who moves what, how often and on how many images."""
    times = f'{phase.repeats} times ' if phase.repeats > 1 else ''
    every = 'every step' if phase.interval == 1 else f'every {phase.interval} steps'
    images = f'{phase.accumulate} x {microbatch}' if phase.accumulate > 1 else microbatch
    turn = f'player {phase.player} moves {", ".join(game.players[phase.player])}'
    return f'Phase {phase.name}: {turn} {times}{every}, {images} real images'


def _describe_devices(config: ConfigDict, game: Game, mesh, like) -> str:
    batch = {
        name: jax.ShapeDtypeStruct(
            (1, game.microbatches, *array.shape), array.dtype, sharding=meshes.split(mesh, 2)
        )
        for name, array in example_batch(config.data, microbatch_size(config)).items()
    }
    step = make_step(config, game, lambda shared, own, key: own, mesh)
    memory = step.lower(like, Feed((), batch), due=game.due(0)).compile().memory_analysis()
    state = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(like))
    return (
        f'Devices: {mesh.size} x {mesh.devices.flat[0].device_kind} in {jax.process_count()} '
        f'process(es), {microbatch_size(config) // mesh.size} images each\n'
        f'Memory per device: state {state / 2**20:.1f} MiB, working set of a step '
        f"{memory.temp_size_in_bytes / 2**20:.1f} MiB (XLA's estimate, without the data)"
    )

"""From a config to what a run is made of: optimisers, the first state, the step, the sampler."""

import math
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from gan_jax import burn_in, mesh as meshes, tuning
from gan_jax.data import example_batch, open_inputs
from gan_jax.game import Game, Networks, State
from gan_jax.models import made_shapes
from gan_jax.optim import build_ema_decay, build_optimizer
from gan_jax.step import (
    Optimizers,
    init_state,
    make_sampler,
    make_settle,
    make_train_step,
    renew_optimizers,
    sampled_networks,
)
from gan_jax.usage import UsageError, choose

# Inside networks. float16 has too few exponents for a gradient without scaling its loss.
DTYPES = {'float32': jnp.float32, 'bfloat16': jnp.bfloat16}

# On a GPU or a TPU, so that small steps do not wait for the host; not measured there yet. A signal
# waits for the end of this call and of those that the host is ahead.
_STEPS_PER_CALL = 10


def stream_key(seed: int, purpose: str) -> jax.Array:
    """Returns a key of its own for each purpose, apart from the training steps' own keys."""
    words = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())])
    return jax.random.key(int(words.generate_state(1)[0]))


def build_optimizers(config: ConfigDict, game: Game) -> Optimizers:
    """Returns the optimiser of every player of the game."""
    return {
        player: build_optimizer(
            config.optimizers[player],
            config.steps - config.start,
            sum(phase.repeats / phase.interval for phase in game.phases if phase.player == player),
            config.burn_in,
            config.start,
        )
        for player in game.players
    }


def check_batch(config: ConfigDict, mesh: Mesh) -> None:
    """Finds a batch of which microbatches or devices cannot take equal parts.

    Raises:
      UsageError: such a batch, with the sizes that would do.
    """
    unit = config.accumulate * mesh.size
    if config.batch_size % unit:
        raise UsageError(
            f'batch_size={config.batch_size} cannot be split into accumulate={config.accumulate} '
            f'microbatches over {mesh.size} devices; a multiple of {unit} can'
        )


def microbatch_size(config: ConfigDict) -> int:
    """Returns the images of a microbatch: `accumulate` of them make the batch of an update."""
    return config.batch_size // config.accumulate


def steps_per_call(config: ConfigDict, game: Game) -> int:
    """Returns how many steps the device takes in one call, without the host.

    No call reaches over the end of an interval, and all of its steps have the same phases.

    Raises:
      UsageError: a negative number.
    """
    if config.steps_per_call < 0:
        raise UsageError(f'steps_per_call={config.steps_per_call} must be 0 or more')
    if any(phase.interval > 1 for phase in game.phases):
        return 1
    most = config.steps_per_call or (1 if jax.default_backend() == 'cpu' else _STEPS_PER_CALL)
    interval = math.gcd(
        config.log.every, config.log.samples_every, config.checkpoint.every, config.eval.every
    )
    return max(count for count in range(1, most + 1) if interval % count == 0)


def ema_decay(config: ConfigDict) -> burn_in.Schedule:
    """Returns the moving average's decay by step; of a share r of the half-life it is d^(1/r)."""
    share = burn_in.rise(config.burn_in)
    decay = build_ema_decay(config.ema_decay, config.ema_start, config.ema_rampup)
    return lambda step: decay(step) ** (1 / share(step))


def _dtype(config: ConfigDict) -> Any:
    return choose('dtype', config.dtype, DTYPES)


def make_initial_state(config: ConfigDict, game: Game, mesh: Mesh) -> Callable[[], State]:
    """Returns the jitted function that makes a run's first state, global arrays all of it."""
    optimizers = build_optimizers(config, game)
    batch = example_batch(config.data, microbatch_size(config))
    return jax.jit(
        lambda: init_state(
            game, optimizers, jax.tree.map(jnp.asarray, batch), stream_key(config.seed, 'init')
        ),
        out_shardings=meshes.replicated(mesh),
    )


def make_entrance(config: ConfigDict, game: Game, mesh: Mesh) -> Callable[[State], State]:
    """Returns the jitted function that enters a stage: all but the optimisers' state is kept.

    Weights whose optimiser slept until then would take a first step of many times the rate.
    """
    return jax.jit(
        partial(renew_optimizers, game, build_optimizers(config, game)),
        out_shardings=meshes.replicated(mesh),
    )


def state_like(make_state: Callable[[], State], mesh: Mesh) -> State:
    """Returns the shapes, dtypes and shardings of a run's state, without making it.

    Raises:
      UsageError: networks that cannot be made as the config describes them.
    """
    sharding = meshes.replicated(mesh)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        made_shapes(make_state),
    )


def make_step(config: ConfigDict, game: Game, read_batch: Callable, mesh: Mesh) -> Callable:
    """Returns the jitted `steps(state, feed, due) -> (state, metrics)`; it consumes `state`.

    It takes as many steps as the feed has, and returns the last one's metrics.

    Args:
      read_batch: `(shared, own, key) -> microbatches` of a step's feed, traced into the steps.
    """
    train_step = make_train_step(
        game,
        build_optimizers(config, game),
        seed=config.seed,
        ema_decay=ema_decay(config),
        dtype=_dtype(config),
        shard=meshes.shard_batch(mesh),
    )

    def steps(state, feed, due):
        def step(state, own):
            key = jax.random.fold_in(stream_key(config.seed, 'data'), state.step)
            return train_step(state, read_batch(feed.shared, own, key), due)

        state, metrics = jax.lax.scan(step, state, feed.steps)
        finite = jnp.all(metrics['finite'])
        return state, {**jax.tree.map(lambda values: values[-1], metrics), 'finite': finite}

    return jax.jit(
        steps,
        static_argnames='due',
        donate_argnames='state',
        out_shardings=meshes.replicated(mesh),
        compiler_options=tuning.compiler_options(),
    )


def make_draw(config: ConfigDict, game: Game, mesh: Mesh, count: int) -> Callable:
    """Returns `draw(state, key)`: `count` samples as NumPy arrays, whole on every process."""
    sampler = jax.jit(
        make_sampler(game, dtype=_dtype(config), shard=meshes.shard_batch(mesh)),
        out_shardings=meshes.replicated(mesh),
        compiler_options=tuning.compiler_options(),
    )
    inputs = _make_inputs(config, mesh, count)
    return lambda state, key: meshes.gather(sampler(state, inputs(key), key))


def make_settled(config: ConfigDict, game: Game, mesh: Mesh, count: int) -> Callable:
    """Returns `settle(state, passes)`: the state of standing statistics, of so many batches."""
    settle = jax.jit(
        make_settle(game, dtype=_dtype(config), shard=meshes.shard_batch(mesh)),
        out_shardings=meshes.replicated(mesh),
        compiler_options=tuning.compiler_options(),
    )
    key, inputs = stream_key(config.seed, 'standing'), _make_inputs(config, mesh, count)
    return lambda state, passes: settle(state, inputs(key), jax.random.split(key, passes))


def make_latents(config: ConfigDict, game: Game, mesh: Mesh, count: int) -> Callable:
    """Returns `latents(key)`: what `count` samples are drawn from, whole on every process."""
    inputs = _make_inputs(config, mesh, count)
    latents = jax.jit(game.latents, out_shardings=meshes.replicated(mesh))
    return lambda key: meshes.gather(latents(key, inputs(key)))


def _make_inputs(config: ConfigDict, mesh: Mesh, count: int) -> Callable:
    """Returns `inputs(key)`: the batch that `count` samples are drawn with, on the device."""
    inputs = open_inputs(config.data, count)
    return lambda key: meshes.put(meshes.replicated(mesh), inputs(key))


def make_render(config: ConfigDict, game: Game, mesh: Mesh) -> Callable:
    """Returns `render(state, latents)`: their samples as NumPy arrays, whole on every process."""

    @partial(
        jax.jit,
        out_shardings=meshes.replicated(mesh),
        compiler_options=tuning.compiler_options(),
    )
    def render(state, latents):
        networks = make_networks(config, game, mesh, state)
        return game.draw(networks, latents)

    put = partial(meshes.put, meshes.replicated(mesh))
    return lambda state, latents: meshes.gather(render(state, put(latents)))


def make_evidence(config: ConfigDict, game: Game, mesh: Mesh) -> Callable:
    """Returns `evidence(state, images, key)`: nats of images in [-1, 1], [n], on every process."""

    @partial(
        jax.jit,
        out_shardings=meshes.replicated(mesh),
        compiler_options=tuning.compiler_options(),
    )
    def evidence(state, images, key):
        return game.evidence(make_networks(config, game, mesh, state), images, key)

    put = partial(meshes.put, meshes.replicated(mesh))
    return lambda state, images, key: meshes.gather(evidence(state, put(images), key))


def make_networks(
    config: ConfigDict, game: Game, mesh: Mesh, state: State, kind: Callable = Networks
) -> Networks:
    """Returns the networks that images are drawn from, for use under jit, of a kind."""
    shard = meshes.shard_batch(mesh)
    return sampled_networks(game, state, kind, dtype=_dtype(config), shard=shard)

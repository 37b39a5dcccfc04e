"""The verbs: how any game is begun and how one training step of it is taken.

The whole step is one pure function. Its randomness is `fold_in(fold_in(seed, step), phase)`, so
there is no random state to save and a resumed run draws the same numbers.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gan_jax.game import Context, Game, Networks, Observed, Phase, State

Array = jax.Array
Metrics = Mapping[str, Array]
Optimizers = Mapping[str, optax.GradientTransformation]  # by player


def init_state(game: Game, optimizers: Optimizers, batch: Mapping[str, Array], key: Array) -> State:
    """Returns the state before the first step; every network draws from its own key."""
    params, stats = {}, {}
    inputs = game.inputs(batch)
    for index, (name, module) in enumerate(game.networks.items()):
        variables = dict(module.init(jax.random.fold_in(key, index), *inputs[name]))
        params[name] = variables.pop('params')
        stats[name] = variables
    return State(
        step=jnp.zeros((), jnp.int32),
        params=params,
        stats=stats,
        opt=_init_opt(game, optimizers, params),
        # Real copies: the donated state must not hold one buffer twice.
        ema=jax.tree.map(jnp.copy, {name: _variables(params, stats, name) for name in game.ema}),
        extra=dict(game.extra),
    )


def renew_optimizers(game: Game, optimizers: Optimizers, state: State) -> State:
    """Returns a state whose optimisers have taken no update yet."""
    return state.replace(opt=_init_opt(game, optimizers, state.params))


def _init_opt(game: Game, optimizers: Optimizers, params: Mapping) -> dict:
    return {
        player: optimizers[player].init({name: params[name] for name in names})
        for player, names in game.players.items()
    }


def _variables(params: Mapping, stats: Mapping, name: str) -> dict:
    return {'params': params[name], **stats[name]}


def run_phase(
    game: Game,
    phase: Phase,
    optimizer: optax.GradientTransformation,
    state: State,
    microbatches: Mapping[str, Array],
    key: Array,
    networks_of: Callable[..., Networks],
) -> tuple[State, Metrics]:
    """Takes one player's turn: changes its parameters, statistics and optimiser state, and `extra`.

    The gradient's argument is the player's networks and everything else is a constant: an opponent
    needs no `stop_gradient`. Updates are a loop, and so are the microbatches of each.
    """
    names = game.players[phase.player]

    def objective(moved, stats, extra, batch, key):
        networks = networks_of({**state.params, **moved}, stats, step=state.step, updatable=names)
        context = Context(batch, key, state.step, extra)
        value, report = phase.loss(networks, context)
        return value, (networks.stats, {**extra, **report.extra}, report.metrics)

    differentiate = jax.value_and_grad(objective, has_aux=True)

    def update(carry, batches):
        moved, stats, extra, opt = carry

        def accumulate(carry, turn):
            stats, extra, gradients = carry
            index, batch = turn
            (value, (stats, extra, metrics)), share = differentiate(
                moved, stats, extra, batch, jax.random.fold_in(key, index)
            )
            gradients = jax.tree.map(lambda g, new: g + new / phase.accumulate, gradients, share)
            return (stats, extra, gradients), {'loss': value, **metrics}

        zeros = jax.tree.map(jnp.zeros_like, moved)
        (stats, extra, gradients), metrics = lax.scan(accumulate, (stats, extra, zeros), batches)
        updates, opt = optimizer.update(gradients, opt, moved)
        metrics['gradient_norm'] = optax.tree.norm(gradients)
        metrics['update_to_weight'] = optax.tree.norm(updates) / optax.tree.norm(moved)
        return (optax.apply_updates(moved, updates), stats, extra, opt), metrics

    moved = {name: state.params[name] for name in names}
    before = moved, state.stats, state.extra, state.opt[phase.player]
    shape = phase.repeats, phase.accumulate
    batches = jax.tree.map(
        lambda array: array[: math.prod(shape)].reshape(*shape, *array.shape[1:]),
        (jnp.arange(math.prod(shape)), microbatches),
    )
    (moved, stats, extra, opt), metrics = lax.scan(update, before, batches)
    state = state.replace(
        params={**state.params, **moved},
        stats=stats,
        opt={**state.opt, phase.player: opt},
        extra=extra,
    )
    return state, {f'{phase.name}/{name}': jnp.mean(values) for name, values in metrics.items()}


def make_train_step(
    game: Game,
    optimizers: Optimizers,
    *,
    seed: int,
    ema_decay: Callable[[Array], Array] = lambda step: 0.0,
    dtype: Any = jnp.float32,
    shard: Callable[[Any], Any] = lambda tree: tree,
) -> Callable[..., tuple[State, Metrics]]:
    """Returns `train_step(state, microbatches, due) -> (state, metrics)`; `due` is static.

    Args:
      ema_decay: the moving average's decay at a step.
      dtype: of the numbers inside networks.
      shard: splits the leading dimension of every network's inputs over the devices.
    """

    networks_of = partial(Networks, game.networks, dtype=dtype, shard=shard)

    def train_step(state, microbatches, due):
        step_key = jax.random.fold_in(jax.random.key(seed), state.step)
        metrics = {}
        for index, phase in enumerate(game.phases):
            if due[index]:
                key = jax.random.fold_in(step_key, index)
                optimizer = optimizers[phase.player]
                state, said = run_phase(
                    game, phase, optimizer, state, microbatches, key, networks_of
                )
                metrics.update(said)
        decay = ema_decay(state.step)
        current = {name: _variables(state.params, state.stats, name) for name in game.ema}
        state = state.replace(
            step=state.step + 1,
            ema=optax.incremental_update(current, state.ema, 1 - decay),
            extra=game.after(state.extra, metrics),
        )
        metrics['finite'] = jnp.all(jnp.stack([jnp.isfinite(v) for v in metrics.values()]))
        return state, metrics

    return train_step


def make_sampler(
    game: Game, *, dtype: Any = jnp.float32, shard: Callable = lambda tree: tree
) -> Callable:
    """Returns `sample(state, batch, key)`, which draws from the averaged networks, if any."""

    def sample(state, batch, key):
        networks = sampled_networks(game, state, dtype=dtype, shard=shard)
        return game.draw(networks, game.latents(key, batch))

    return sample


def make_settle(
    game: Game, *, dtype: Any = jnp.float32, shard: Callable = lambda tree: tree
) -> Callable:
    """Returns `settle(state, batch, keys)`: the state whose samples go by standing statistics.

    Those that networks sow of a training batch under the names of their running ones take the
    place of these in the networks that are sampled, each the mean over one batch of fresh latents
    for every key: the "standing statistics" of Brock et al. 2019, arXiv 1809.11096.
    """

    def settle(state, batch, keys):
        def observe(key):
            networks = sampled_networks(
                game, state, partial(Observed, always={'train': True}), dtype=dtype, shard=shard
            )
            game.draw(networks, game.latents(key, batch))
            return {
                name: {kind: _replaced(tree, sown) for kind, tree in networks.stats[name].items()}
                for name, sown in networks.sown.items()
            }

        standing = jax.tree.map(lambda seen: jnp.mean(seen, axis=0), lax.map(observe, keys))
        return state.replace(
            stats={**state.stats, **standing},
            ema={
                name: {**averaged, **standing.get(name, {})} for name, averaged in state.ema.items()
            },
        )

    return settle


def _replaced(statistics: Any, sown: Any) -> Any:
    """Each statistic under whose names something was sown becomes the last of that."""
    if not isinstance(statistics, Mapping):
        return sown[-1]
    return {
        name: _replaced(tree, sown[name]) if name in sown else tree
        for name, tree in statistics.items()
    }


def sampled_networks(
    game: Game, state: State, kind: Callable = Networks, **options: Any
) -> Networks:
    """Returns the networks that images are drawn from: averaged where an average is kept.

    Args:
      kind: `Networks` or `Observed`.
      options: `dtype` and `shard` of either.
    """
    params, stats = dict(state.params), dict(state.stats)
    for name, averaged in state.ema.items():
        params[name] = averaged['params']
        stats[name] = {other: tree for other, tree in averaged.items() if other != 'params'}
    return kind(game.networks, params, stats, step=state.step, **options)

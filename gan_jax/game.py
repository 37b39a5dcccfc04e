"""The nouns: a generative model is networks, the players who move them, and the phases of a step.

Nothing here knows a method. A game is data; `step.py` plays it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import struct
from flax.core import tracers

Array = jax.Array
Tree = Any


class Networks:
    """The networks of a game at their current parameters: `networks.name(x)` is a pure call.

    `update=True` keeps the statistics (running means, singular vectors) that the call produced, so
    that the next call starts from them; without it they are dropped. Only networks in `updatable`
    may be updated, and never inside a transformation such as a gradient penalty's `jax.grad`,
    where new statistics would be that transformation's own tracers.

    A network that changes with time reads `step` of collection `clock`, the training steps taken.
    With `intermediates=True` a call returns what the network sowed, too: (output, intermediates).

    Inside a network numbers are of `dtype`; parameters, statistics and what comes out are float32.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        params: Mapping[str, Tree],
        stats: Mapping[str, Tree],
        *,
        step: Array | int = 0,
        updatable: tuple[str, ...] = (),
        dtype: Any = jnp.float32,
        shard: Callable[[Tree], Tree] = lambda tree: tree,
    ):
        self.stats = dict(stats)
        self.step = step  # training steps taken
        self._modules, self._params = modules, params
        self._updatable, self._dtype, self._shard = updatable, dtype, shard
        self._trace = tracers.current_trace()

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('_') or name not in self._modules:
            raise AttributeError(f'this game has no network {name!r}; it has {list(self._modules)}')
        return lambda *args, **kwargs: self._call(name, *args, **kwargs)

    def _call(
        self,
        name: str,
        *args: Any,
        update: bool = False,
        intermediates: bool = False,
        **kwargs: Any,
    ) -> Any:
        if update and name not in self._updatable:
            raise ValueError(f'{name!r} is not of the player whose turn it is: no update=True')
        if update and tracers.current_trace() != self._trace:
            raise ValueError(f'{name!r} was called with update=True inside a transformation')
        params, clock = _cast(self._params[name], self._dtype), {'step': jnp.asarray(self.step)}
        variables = {'params': params, 'clock': clock, **self.stats[name]}
        collections = [*self.stats[name], *(['intermediates'] if intermediates else [])]
        args = _cast(self._shard(args), self._dtype)
        output, new = self._modules[name].apply(variables, *args, mutable=collections, **kwargs)
        new = dict(new)
        sown = new.pop('intermediates', {})
        if update:
            self.stats[name] = new
        return _cast((output, sown) if intermediates else output, jnp.float32)


def _cast(tree: Tree, dtype: Any) -> Tree:
    """Floating-point numbers in another precision; integers and keys as they are."""

    def cast(leaf: Array) -> Array:
        return leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return jax.tree.map(cast, tree)


class Observed(Networks):
    """Networks that keep what they sow: `sown[name]`, of the last call of each.

    always: what every call is given whatever it asks for, such as `train=True`.
    """

    def __init__(self, *args: Any, always: Mapping[str, Any] = {}, **options: Any):
        super().__init__(*args, **options)
        self.sown = {}
        self._always = always

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        options = {**kwargs, **self._always, 'intermediates': True}
        output, self.sown[name] = super()._call(name, *args, **options)
        return output


class Context(NamedTuple):
    """What a loss may read that has no parameters."""

    batch: Mapping[str, Array]  # one microbatch: {'image': [B, H, W, C] in [-1, 1], 'label': [B]}
    key: Array
    step: Array  # training steps taken so far
    extra: Mapping[str, Any]  # state the game owns: path-length mean, image pool


class Report(NamedTuple):
    """What a loss may say besides its value."""

    metrics: Mapping[str, Array] = {}
    extra: Mapping[str, Any] = {}  # new values for keys of Context.extra


Loss = Callable[[Networks, Context], tuple[Array, Report]]


@dataclass(frozen=True)
class Phase:
    """One player's turn within a training step."""

    name: str
    player: str
    loss: Loss
    interval: int = 1  # taken when step % interval == 0        (lazy regularisation)
    repeats: int = 1  # optimiser updates per training step     (n_critic)
    accumulate: int = 1  # microbatches averaged into each update (big batches)


def keep(extra: Mapping[str, Any], metrics: Mapping[str, Array]) -> Mapping[str, Any]:
    """The end of a step for a game whose own state no controller moves."""
    return extra


@dataclass(frozen=True)
class Game:
    """A generative model as data."""

    networks: Mapping[str, nn.Module]
    players: Mapping[str, tuple[str, ...]]  # player -> the networks its optimiser moves
    phases: tuple[Phase, ...]
    inputs: Callable  # batch -> {network: example arguments}, to initialise with
    latents: Callable  # (key, batch) -> {'z': [B, D], ...}: what a batch of images is drawn from
    # (networks, latents) -> {'image': [B, H, W, C] in [-1, 1], ...}; a 'picture' besides, of any
    # size, is what grids show in the image's place.
    draw: Callable
    extra: Mapping[str, Any] = field(default_factory=dict)
    after: Callable = keep  # (extra, metrics) -> extra at the end of a step: controllers
    ema: tuple[str, ...] = ()  # networks of which a moving average is kept and sampled
    truncate: Callable | None = None  # (latents, threshold) -> latents nearer to the middle
    between: Callable | None = None  # (z, other, way) -> latents z between two
    # Some layers' name -> (latents, other) -> latents that have of `other` what those decide.
    mixes: Mapping[str, Callable] = field(default_factory=dict)
    classes: int = 0  # that its networks are told, by the labels of a batch
    critic: Callable | None = None  # (networks, images) -> [B] logits, high where they look real
    encode: Callable | None = None  # (networks, images) -> latents that draw them nearly again
    evidence: Callable | None = None  # (networks, images, key) -> [B] nats, a bound of log p(x)

    @property
    def microbatches(self) -> int:
        """Microbatches of a step: a phase reads the first `repeats * accumulate` of them."""
        return max(phase.repeats * phase.accumulate for phase in self.phases)

    def due(self, step: int) -> tuple[bool, ...]:
        """Which phases are taken at a step: static, so that what is not due is not compiled."""
        return tuple(step % phase.interval == 0 for phase in self.phases)


def truncated(game: Game, threshold: float) -> Game:
    """Returns the game that draws from latents without their tails."""
    return replace(
        game, latents=lambda key, batch: game.truncate(game.latents(key, batch), threshold)
    )


def labelled(game: Game, label: int) -> Game:
    """Returns the game that draws images of one class alone; its latents must have a label."""

    def latents(key, batch):
        drawn = game.latents(key, batch)
        return {**drawn, 'label': jnp.full_like(drawn['label'], label)}

    return replace(game, latents=latents)


class State(struct.PyTreeNode):
    """All that a checkpoint holds: arrays by network or player, no functions, no settings."""

    step: Array  # [] int32, training steps taken
    params: Mapping[str, Tree]  # by network
    stats: Mapping[str, Tree]  # by network: every collection but the parameters
    opt: Mapping[str, Tree]  # by player
    ema: Mapping[str, Tree]  # by network in Game.ema: averaged parameters and statistics
    extra: Mapping[str, Any]

"""What an adversarial game may have besides its loss: parts, any of which go together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.burn_in import Schedule
from gan_jax.game import Array, Networks, Report, keep
from gan_jax.games.adversarial.scene import Scene
from gan_jax.penalties import Penalty

Term = Callable[[Networks, Scene], tuple[Array, Report]]


def nothing(networks: Networks, scene: Scene) -> tuple[Array, Report]:
    """No term in this player's loss."""
    return jnp.zeros(()), Report()


@dataclass(frozen=True)
class Part:
    """Terms of either player's loss, and all that they need.

    Args:
      networks: of the discriminator's player.
      inputs: what the discriminator sows of images -> {network: example arguments}.
      extra, after: state of its own, and its controller; see `Game`.
      interval: steps between its turns; above 1 it has phases of its own, its terms that many
        times as large (lazy regularisation, Karras et al. 2020, arXiv 1912.04958, section 3.1).
    """

    name: str
    discriminator: Term = nothing
    generator: Term = nothing
    networks: Mapping[str, nn.Module] = field(default_factory=dict)
    inputs: Callable[[Mapping[str, Array]], Mapping[str, tuple]] = lambda seen: {}
    extra: Mapping[str, Any] = field(default_factory=dict)
    after: Callable = keep
    interval: int = 1


def penalty(
    function: Penalty,
    weight: float,
    *,
    interval: int = 1,
    share: Schedule = lambda step: 1.0,
    **settings: float,
) -> Part:
    """Returns the part that adds a penalty to the discriminator's loss.

    Args:
      share: of the weight, at a step.
      settings: what else the penalty takes.
    """

    def term(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        now = weight * share(scene.context.step)
        value = function(scene.critic, scene.real, scene.fake, scene.key, **settings)
        return now * value, Report()

    return Part(function.__name__, discriminator=term, interval=interval)

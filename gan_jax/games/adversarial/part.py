"""What an adversarial game may have besides its loss: parts, any of which go together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import tree_util

from gan_jax.burn_in import Schedule
from gan_jax.game import Array, Context, Networks, Report, keep
from gan_jax.games.adversarial.generation import Latents
from gan_jax.penalties import Critic, Penalty


class Scene(NamedTuple):
    """All that a part may read when a player's turn has been judged.

    In the discriminator's turn there are as many generated images as real ones and both have the
    same labels, so that one critic serves both; in the generator's there may be more of them.
    """

    context: Context
    key: Array  # the part's own
    latents: Latents  # that the generated images were made of
    real: Array  # [B, H, W, C], as the data have them
    fake: Array
    real_logits: Array  # [B], of images as the discriminator sees them, augmented
    fake_logits: Array
    real_seen: Mapping[str, Array]  # what the discriminator sowed besides: {'features': [B, F]}
    fake_seen: Mapping[str, Array]
    critic: Critic  # images -> logits, through the augmentation, with the real images' labels
    generate: Callable[[Latents], Array]  # other images by the generator as it is in this turn


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


@dataclass(frozen=True)
class Augmentation:
    """What is done to every image, real or generated, before the discriminator sees it."""

    apply: Callable[[Array, Array, Context], Array]  # (images, key, context) -> images
    extra: Mapping[str, Any] = field(default_factory=dict)
    after: Callable = keep
    metrics: Callable[[Context], Mapping[str, Array]] = lambda context: {}


UNCHANGED = Augmentation(lambda images, key, context: images)


def sown(intermediates: Any) -> Mapping[str, Array]:
    """Returns what modules sowed, by the names they gave it: of one name, the last in the tree."""
    paths = tree_util.tree_leaves_with_path(intermediates)
    names = ([key.key for key in path if hasattr(key, 'key')] for path, _ in paths)
    return {path[-1]: leaf for path, (_, leaf) in zip(names, paths)}

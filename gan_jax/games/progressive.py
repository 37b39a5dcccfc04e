"""An adversarial game whose networks grow, Karras et al. 2018: arXiv 1710.10196, section 2."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from gan_jax.game import Array, Context, Game, Loss, Networks
from gan_jax.games import adversarial
from gan_jax.models import progan
from gan_jax.usage import UsageError


def build(config: Any) -> Game:
    """Returns the adversarial game of networks at `config.growth.level`, in one stage of a run.

    Of what the level makes, `growth.share` is its own as the stage begins, and all as it ends.
    Real images are as coarse as generated ones, so that no detail tells them apart.
    """
    level, share = config.growth.level, config.growth.share
    last = progan.last_level(tuple(config.data.size))
    if not 0 <= level <= last:
        size = 4 * 2**level
        raise UsageError(
            f'config.growth.level={level} makes {size}x{size} pixels; '
            f'config.data.size={tuple(config.data.size)} is level {last}'
        )

    def alpha(step: Array) -> Array:
        progress = (step - config.start) / (config.steps - config.start)
        return share + (1 - share) * jnp.clip(progress, 0, 1)

    def seeing_coarsely(loss: Loss) -> Loss:
        def coarse_loss(networks: Networks, context: Context):
            image = progan.faded(context.batch['image'], last - level, alpha(context.step))
            return loss(networks, context._replace(batch={**context.batch, 'image': image}))

        return coarse_loss

    def draw(networks: Networks, latents: Mapping[str, Array]) -> Mapping[str, Array]:
        drawn = game.draw(networks, latents)
        return {**drawn, 'image': jnp.clip(drawn['image'], -1, 1)}  # the last layer is linear

    grown = config.copy_and_resolve_references()
    with grown.unlocked():
        for network in (grown.networks.generator, grown.networks.discriminator):
            network.update(level=level, alpha=alpha)
    game = adversarial.build(grown)
    phases = (replace(phase, loss=seeing_coarsely(phase.loss)) for phase in game.phases)
    return replace(game, phases=tuple(phases), draw=draw)

"""What keeps a critic, whose loss reads differences alone, from drifting away from zero."""

import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene


def drift(weight: float) -> Part:
    """Returns the part that adds weight E[D(x)^2]: Karras et al. 2018, appendix A.1."""

    def discriminator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        return weight * jnp.mean(jnp.square(scene.real_logits)), Report()

    return Part('drift', discriminator)

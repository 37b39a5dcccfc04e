"""zCR: near latents look different, and are judged alike.

Zhao et al. 2021, arXiv 2002.04724, algorithm 2, with z' = z + noise.
"""

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene


def latent_consistency(weight: float, deviation: float) -> Part:
    """Returns the part that adds weight E[(D(G(z)) - D(G(z')))^2] to the discriminator's loss.

    deviation: of the noise that is between z and z'.
    """

    def discriminator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        logits, moved = scene.critic(scene.fake), scene.critic(_moved(scene, deviation))
        return weight * jnp.mean(jnp.square(logits - moved)), Report()

    return Part('latent_consistency', discriminator)


def latent_diversity(weight: float, deviation: float) -> Part:
    """Returns the part that takes weight E[(G(z) - G(z'))^2], over pixels too, from G's loss.

    deviation: of the noise that is between z and z'.
    """

    def generator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        apart = jnp.mean(jnp.square(scene.fake - _moved(scene, deviation)))
        return -weight * apart, Report()

    return Part('latent_diversity', generator=generator)


def _moved(scene: Scene, deviation: float) -> Array:
    """Images of latents near those of the scene."""
    z = scene.latents['z']
    noise = deviation * jax.random.normal(scene.key, z.shape)
    return scene.generate({**scene.latents, 'z': z + noise})

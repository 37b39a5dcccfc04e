"""Feature matching: generated images have, on average, the features of real ones."""

import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene
from gan_jax.usage import UsageError


def feature_matching(weight: float) -> Part:
    """Returns the part that adds weight |E[f(x)] - E[f(G(z))]|^2 to the generator's loss.

    Salimans et al. 2016, arXiv 1606.03498, section 3.1; f is what the discriminator's last layer
    sees.
    """

    def generator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        if 'features' not in scene.fake_seen:
            raise UsageError(
                'config.terms.feature_matching needs a discriminator that sows its features'
            )
        real, fake = (
            jnp.mean(seen['features'], axis=0) for seen in (scene.real_seen, scene.fake_seen)
        )
        return weight * jnp.sum(jnp.square(real - fake)), Report()

    return Part('feature_matching', generator=generator)

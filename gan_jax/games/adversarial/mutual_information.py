"""InfoGAN: a second head of the discriminator finds the codes that an image was made of."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene


def mutual_information(weight: float, recognizer: nn.Module) -> Part:
    """Returns the part that adds -weight L_I(G, Q) to both losses, as the authors' code does.

    Chen et al. 2016, arXiv 1606.03657, equation 5: L_I = E[log Q(c | G(z, c))] + H(c), without its
    constant H(c). Q of a category is a softmax; of a continuous code a Gaussian of variance 1,
    whose constant is left out too.

    Args:
      recognizer: Q: features [B, F] -> (category's logits [B, K], means of the codes [B, C]).
    """

    def unsure(networks: Networks, scene: Scene, **update: bool) -> tuple[Array, Report]:
        logits, means = networks.recognizer(scene.fake_seen['features'], train=True, **update)
        category, codes = scene.latents['category'], scene.latents['codes']
        own = jnp.take_along_axis(jax.nn.log_softmax(logits), category[:, None], axis=1)
        log_q = jnp.mean(own) - 0.5 * jnp.mean(jnp.sum(jnp.square(codes - means), axis=1))
        found = jnp.mean(jnp.argmax(logits, axis=1) == category)
        return -weight * log_q, Report({'category_found': found})

    def discriminator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        return unsure(networks, scene, update=True)

    return Part(
        'mutual_information',
        discriminator,
        unsure,
        networks={'recognizer': recognizer},
        inputs=lambda seen: {'recognizer': (seen['features'],)},
    )

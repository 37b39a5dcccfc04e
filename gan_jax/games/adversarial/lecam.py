"""LeCam regularisation: logits stay near where those of the other kind have been."""

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene

_DECAY = 0.99


def lecam(weight: float) -> Part:
    """Returns the part that adds weight R_LC to the discriminator's loss.

    Tseng et al. 2021, arXiv 2104.03310, as in the authors' code, where only logits beyond the
    other kind's anchor count: R_LC = E[max(0, D(x) - a_F)^2] + E[max(0, a_R - D(G(z)))^2]. The
    anchors a_R and a_F are moving averages of the mean logits of real and of generated images, this
    batch's too.
    """

    def discriminator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        means = {
            'real': jnp.mean(scene.real_logits),
            'fake': jnp.mean(scene.fake_logits),
            'share': jnp.ones(()),  # that is not of the zeros it began with
        }
        sums = jax.tree.map(
            lambda old, new: _DECAY * old + (1 - _DECAY) * jax.lax.stop_gradient(new),
            dict(scene.context.extra['lecam']),
            means,
        )
        real_anchor, fake_anchor = sums['real'] / sums['share'], sums['fake'] / sums['share']
        value = anchored(scene.real_logits, scene.fake_logits, real_anchor, fake_anchor)
        return weight * value, Report(extra={'lecam': sums})

    return Part(
        'lecam',
        discriminator,
        extra={'lecam': {name: jnp.zeros(()) for name in ('real', 'fake', 'share')}},
    )


def anchored(real: Array, fake: Array, real_anchor: Array, fake_anchor: Array) -> Array:
    """Returns R_LC of logits [B] and the two anchors."""
    above = jnp.square(jax.nn.relu(real - fake_anchor))
    below = jnp.square(jax.nn.relu(real_anchor - fake))
    return jnp.mean(above) + jnp.mean(below)

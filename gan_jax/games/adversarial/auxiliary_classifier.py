"""ACGAN: a second head of the discriminator tells the classes of real and generated images."""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array, Networks, Report
from gan_jax.games.adversarial.part import Part
from gan_jax.games.adversarial.scene import Scene


def auxiliary_classifier(weight: float, head: nn.Module) -> Part:
    """Returns the part by which both players have images show their class.

    Odena et al. 2017, arXiv 1610.09585, equation 3: L_C = E[log P(C = c | X_real)] +
    E[log P(C = c | X_fake)], which both maximise; the generator has no say in the first.

    Args:
      head: features [B, F] -> logits of classes [B, K]; the generator is told classes.
    """

    def judge(networks: Networks, seen: Mapping[str, Array], label: Array) -> tuple[Array, Array]:
        """Returns -E[log P(C = c | X)], and how often the likeliest class is right."""
        logits = networks.classifier(seen['features'])
        own = jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1)
        return -jnp.mean(own), jnp.mean(jnp.argmax(logits, axis=1) == label)

    def discriminator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        real, accuracy = judge(networks, scene.real_seen, scene.context.batch['label'])
        fake, fake_accuracy = judge(networks, scene.fake_seen, scene.latents['label'])
        metrics = {'real_label_accuracy': accuracy, 'fake_label_accuracy': fake_accuracy}
        return weight * (real + fake), Report(metrics)

    def generator(networks: Networks, scene: Scene) -> tuple[Array, Report]:
        fake, _ = judge(networks, scene.fake_seen, scene.latents['label'])
        return weight * fake, Report()

    return Part(
        'auxiliary_classifier',
        discriminator,
        generator,
        networks={'classifier': head},
        inputs=lambda seen: {'classifier': (seen['features'],)},
    )

"""Second heads on a discriminator's features [B, F]."""

import flax.linen as nn

from gan_jax.models.layers import Array, Initializer


class Classifier(nn.Module):
    """One dense layer: features [B, F] -> logits of classes [B, K]."""

    classes: int
    kernel_init: Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, features: Array) -> Array:
        return nn.Dense(self.classes, kernel_init=self.kernel_init)(features)

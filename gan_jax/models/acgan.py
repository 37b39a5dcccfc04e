"""ACGAN's discriminator for CIFAR-10, Odena et al. 2017, appendix A, table 2."""

from collections.abc import Callable

import flax.linen as nn

from gan_jax.models.conv import Conv
from gan_jax.models.layers import Array, BatchNorm, Initializer, leaky_relu, logit, plain


class Discriminator(nn.Module):
    """3x3 convolutions, of which every other one halves the image, each with dropout after it.

    Images [B, H, W, C] -> logits [B]. The first is not normalised.
    """

    widths: tuple[int, ...]
    dropout: float  # share of units that are left out in training
    kernel_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        for index, features in enumerate(self.widths):
            strides = 2 - index % 2
            layer = Conv(
                features, strides=strides, use_bias=not index, kernel_init=self.kernel_init
            )
            x = layer(x)
            x = leaky_relu(BatchNorm()(x, train) if index else x)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = x.reshape(len(x), -1)
        self.sow('intermediates', 'features', x)
        return self.answer(plain, nn.Dense(1, kernel_init=self.kernel_init), x)

"""ACGAN's networks for CIFAR-10, Odena et al. 2017, appendix A, table 2."""

import math
from collections.abc import Callable

import flax.linen as nn

from gan_jax.models import dcgan
from gan_jax.models.conv import Conv
from gan_jax.models.layers import (
    Array,
    BatchNorm,
    Initializer,
    base_shape,
    leaky_relu,
    logit,
    plain,
)


class Generator(dcgan.Generator):
    """DCGAN's, but for the small image, which is not normalised."""

    def _project(self, z: Array, train: bool) -> Array:
        base = base_shape(self.image_shape, len(self.widths), self.widths[0])
        x = nn.Dense(math.prod(base), kernel_init=self.kernel_init)(z)
        return nn.relu(x.reshape(-1, *base))


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

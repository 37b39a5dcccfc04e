"""The standard CNN of SNGAN, Miyato et al. 2018, table 3, in the widths of the authors' code."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Array, Initializer, base_shape, logit


class Generator(nn.Module):
    """Projects z to a small image, doubles it once per width, then one 3x3 convolution.

    z [B, Z] -> images [B, H, W, C] in [-1, 1]; H and W are multiples of 2 ** (len(widths) - 1).
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...]  # channels of the projected image and of each that follows
    normalization: type[nn.Module]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        base = base_shape(self.image_shape, len(self.widths) - 1, self.widths[0])
        x = nn.Dense(math.prod(base), kernel_init=self.kernel_init)(z).reshape(-1, *base)
        x = nn.relu(self.normalization()(x, train))
        for features in self.widths[1:]:
            x = ConvTranspose(features, 4, kernel_init=self.kernel_init)(x)
            x = nn.relu(self.normalization()(x, train))
        return jnp.tanh(Conv(self.image_shape[-1], kernel_init=self.kernel_init)(x))


class Discriminator(nn.Module):
    """A 3x3 convolution and a 4x4 one that halves the image and leads to the next width, in turn.

    Images [B, H, W, C] -> logits [B].
    """

    widths: tuple[int, ...]
    weights: Callable  # plain or spectrally normalised
    kernel_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        def convolve(x, *shape, **options):
            layer = Conv(*shape, kernel_init=self.kernel_init, **options)
            return jax.nn.leaky_relu(self.weights(layer)(x), 0.1)

        for features, following in zip(self.widths, self.widths[1:]):
            x = convolve(x, features, 3)
            x = convolve(x, following, 4, strides=2, padding=((1, 1), (1, 1)))
        x = convolve(x, self.widths[-1], 3).reshape(len(x), -1)
        self.sow('intermediates', 'features', x)
        return self.answer(self.weights, nn.Dense(1, kernel_init=self.kernel_init), x)

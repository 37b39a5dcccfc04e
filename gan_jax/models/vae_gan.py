"""The decoder and the discriminator of Larsen et al. 2016, arXiv 1512.09300, table 1.

Their encoder is `vae.ConvolutionalEncoder`. Widths are the caller's; a layer that is normalised has
no bias of its own.
"""

import math

import flax.linen as nn
from jax import Array

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Initializer, Shape, Unnormalized, base_shape


class Decoder(nn.Module):
    """Projects z to a small image, doubles its size once per width, then convolves once more.

    z [B, size] -> numbers [B, H, W, C] without bounds; H and W are multiples of 2 ** len(widths).
    """

    image_shape: Shape
    base_width: int
    widths: tuple[int, ...]
    kernel_size: int
    normalization: type[nn.Module]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        inner = dict(use_bias=self.normalization is Unnormalized, kernel_init=self.kernel_init)
        base = base_shape(self.image_shape, len(self.widths), self.base_width)
        x = nn.Dense(math.prod(base), **inner)(z).reshape(-1, *base)
        x = nn.relu(self.normalization()(x, train))
        for width in self.widths:
            x = ConvTranspose(width, self.kernel_size, **inner)(x)
            x = nn.relu(self.normalization()(x, train))
        return Conv(self.image_shape[-1], self.kernel_size, kernel_init=self.kernel_init)(x)


class Discriminator(nn.Module):
    """A convolution, then one that halves per width, then two dense layers: images -> logits [B].

    Sows `similarity`, Dis_l of the paper: the last convolution before its normalisation, as in the
    authors' code for faces; and `features`, what the last layer sees.
    """

    first_width: int
    widths: tuple[int, ...]
    features: int
    kernel_size: int
    normalization: type[nn.Module]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        inner = dict(use_bias=self.normalization is Unnormalized, kernel_init=self.kernel_init)
        x = nn.relu(Conv(self.first_width, self.kernel_size, kernel_init=self.kernel_init)(x))
        for width in self.widths:
            convolved = Conv(width, self.kernel_size, strides=2, **inner)(x)
            x = nn.relu(self.normalization()(convolved, train))
        self.sow('intermediates', 'similarity', convolved)
        x = nn.Dense(self.features, **inner)(x.reshape(len(x), -1))
        x = nn.relu(self.normalization()(x, train))
        self.sow('intermediates', 'features', x)
        return nn.Dense(1, kernel_init=self.kernel_init)(x)[:, 0]

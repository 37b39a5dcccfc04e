"""Encoders, which say where in latent space an image is, and decoders, which draw from there.

The perceptrons are those of google/flax's example, with one hidden layer as Kingma and Welling
2014 have; the convolutional pair is that of Higgins et al. 2017 for images of 64x64 pixels. A
decoder's numbers have no bounds: what they mean is for the likelihood to say.
"""

import math

import flax.linen as nn
from jax import Array

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Initializer, Shape, Unnormalized, base_shape


class _Heads(nn.Module):
    """Two dense layers: the mean and the log variance of z, [B, size] each."""

    size: int
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, Array]:
        mean = nn.Dense(self.size, kernel_init=self.kernel_init, name='mean')(x)
        return mean, nn.Dense(self.size, kernel_init=self.kernel_init, name='log_variance')(x)


class Encoder(nn.Module):
    """Dense layers and ReLU: images [B, H, W, C] in [-1, 1] -> mean, log variance [B, size]."""

    size: int
    widths: tuple[int, ...]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> tuple[Array, Array]:
        x = (x.reshape(len(x), -1) + 1) / 2  # the example's black is 0
        for width in self.widths:
            x = nn.relu(nn.Dense(width, kernel_init=self.kernel_init)(x))
        return _Heads(self.size, self.kernel_init, name='z')(x)


class Decoder(nn.Module):
    """Dense layers and ReLU between them: z [B, size] -> numbers [B, H, W, C]."""

    image_shape: Shape
    widths: tuple[int, ...]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        x = z
        for width in self.widths:
            x = nn.relu(nn.Dense(width, kernel_init=self.kernel_init)(x))
        x = nn.Dense(math.prod(self.image_shape), kernel_init=self.kernel_init)(x)
        return x.reshape(-1, *self.image_shape)


class ConvolutionalEncoder(nn.Module):
    """Halves the image once per width, then a dense layer of `features`; a ReLU after each.

    Images [B, H, W, C] -> mean, log variance [B, size]. A layer that is normalised has no bias of
    its own.
    """

    size: int
    widths: tuple[int, ...]
    features: int
    kernel_size: int
    normalization: type[nn.Module]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> tuple[Array, Array]:
        options = dict(use_bias=self.normalization is Unnormalized, kernel_init=self.kernel_init)
        for width in self.widths:
            x = Conv(width, self.kernel_size, strides=2, **options)(x)
            x = nn.relu(self.normalization()(x, train))
        x = nn.Dense(self.features, **options)(x.reshape(len(x), -1))
        x = nn.relu(self.normalization()(x, train))
        return _Heads(self.size, self.kernel_init, name='z')(x)


class ConvolutionalDecoder(nn.Module):
    """The encoder turned round: a dense layer of `features`, one to a small image, doublings.

    z [B, size] -> numbers [B, H, W, C]; H and W are multiples of 2 ** len(widths).
    """

    image_shape: Shape
    widths: tuple[int, ...]  # channels of every image before the last, smallest image first
    features: int
    kernel_size: int
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        base = base_shape(self.image_shape, len(self.widths), self.widths[0])
        x = nn.relu(nn.Dense(self.features, kernel_init=self.kernel_init)(z))
        x = nn.relu(nn.Dense(math.prod(base), kernel_init=self.kernel_init)(x))
        x = x.reshape(-1, *base)
        for width in self.widths[1:]:
            x = nn.relu(self._upsample(width)(x))
        return self._upsample(self.image_shape[-1])(x)

    def _upsample(self, features: int) -> nn.Module:
        return ConvTranspose(features, self.kernel_size, kernel_init=self.kernel_init)

"""The residual pair of SAGAN, Zhang et al. 2019, arXiv 1805.08318, on which BigGAN's rest."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.attention import SelfAttention, check_heights
from gan_jax.models.conv import Conv, ConvPool, UpsampleConv, pool
from gan_jax.models.layers import (
    Array,
    BatchNorm,
    Initializer,
    Shape,
    base_shape,
    logit,
    sum_pool,
)


class _Residual(nn.Module):
    """What both networks of a pair have."""

    width: int
    multiples: tuple[int, ...]  # of the width: channels of every block
    attention: tuple[int, ...]  # heights of the images that a block leaves and attention follows
    weights: Callable  # plain or spectrally normalised
    kernel_init: Initializer

    def _layer(self, kind: type[nn.Module], *size: int) -> Callable[[Array], Array]:
        return self.weights(kind(*size, kernel_init=self.kernel_init))

    def _attend(self, x: Array) -> Array:
        if x.shape[1] not in self.attention:
            return x
        return SelfAttention(self.weights, self.kernel_init)(x)


class Generator(_Residual):
    """Projects z to a small image and doubles its size in every residual block.

    z [B, Z] -> images [B, H, W, C] in [-1, 1]; H and W are multiples of 2 ** blocks. The first of
    `multiples` is the small image's.
    """

    image_shape: Shape
    normalization: type[nn.Module]

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        return self._generate(z, [self.normalization] * (len(self.multiples) - 1), train)

    def _generate(self, code: Array, normalizations: Sequence[Callable], train: bool) -> Array:
        """Images of what the first layer sees, and of the normalisations of each block."""
        first, *channels = (self.width * multiple for multiple in self.multiples)
        base = base_shape(self.image_shape, len(channels), first)
        x = self.weights(nn.Dense(math.prod(base), kernel_init=self.kernel_init))(code)
        x = x.reshape(-1, *base).astype(code.dtype)  # normalised weights are float32
        heights = []
        for features, normalization in zip(channels, normalizations, strict=True):
            x = self._attend(self._block(x, features, normalization, train))
            heights.append(x.shape[1])
        check_heights(self.attention, heights)
        x = nn.relu(BatchNorm()(x, train))  # the one normalisation that is never told anything
        return jnp.tanh(self._layer(Conv, self.image_shape[-1])(x))

    def _block(self, x: Array, features: int, normalization: Callable, train: bool) -> Array:
        """Doubles the size: upsampling comes before the first convolution and the shortcut's."""
        residual = nn.relu(normalization()(x, train))
        residual = self._layer(UpsampleConv, features)(residual)
        residual = nn.relu(normalization()(residual, train))
        residual = self._layer(Conv, features)(residual)
        return residual + self._layer(UpsampleConv, features, 1)(x)


class Discriminator(_Residual):
    """Residual blocks, then a logit of the sum over all pixels: images [B, H, W, C] -> logits [B].

    The first block convolves before any ReLU and always halves the image.
    """

    downsamples: tuple[bool, ...]  # of the blocks after the first
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        first, *channels = (self.width * multiple for multiple in self.multiples)
        x = self._attend(self._first_block(x, first))
        heights = [x.shape[1]]
        for features, downsample in zip(channels, self.downsamples, strict=True):
            x = self._attend(self._block(x, features, downsample))
            heights.append(x.shape[1])
        check_heights(self.attention, heights)
        x = sum_pool(nn.relu(x))
        self.sow('intermediates', 'features', x)
        return self.answer(self.weights, nn.Dense(1, kernel_init=self.kernel_init), x)

    def _first_block(self, x: Array, features: int) -> Array:
        residual = nn.relu(self._layer(Conv, features)(x))
        residual = self._layer(ConvPool, features)(residual)
        return residual + self._layer(Conv, features, 1)(pool(x))

    def _block(self, x: Array, features: int, downsample: bool) -> Array:
        last = ConvPool if downsample else Conv
        residual = nn.relu(self._layer(Conv, features)(nn.relu(x)))
        residual = self._layer(last, features)(residual)
        if downsample or x.shape[-1] != features:
            x = self._layer(last, features, 1)(x)
        return residual + x

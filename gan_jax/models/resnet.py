"""The residual pair of WGAN-GP (Gulrajani et al. 2017) and SNGAN (Miyato et al. 2018, table 4)."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.conv import Conv, ConvPool, UpsampleConv, pool
from gan_jax.models.layers import Array, Initializer, base_shape, logit


class Generator(nn.Module):
    """Projects z to a small image and doubles its size in every residual block.

    z [B, Z] -> images [B, H, W, C] in [-1, 1]; H and W are multiples of 2 ** blocks.
    """

    image_shape: tuple[int, int, int]
    width: int
    blocks: int
    normalization: type[nn.Module]
    kernel_init: Initializer  # of the two convolutions of a block
    outer_init: Initializer  # of everything else

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        base = base_shape(self.image_shape, self.blocks, self.width)
        x = nn.Dense(math.prod(base), kernel_init=self.outer_init)(z).reshape(-1, *base)
        for _ in range(self.blocks):
            x = self._block(x, train)
        x = nn.relu(self.normalization()(x, train))
        return jnp.tanh(Conv(self.image_shape[-1], kernel_init=self.outer_init)(x))

    def _block(self, x: Array, train: bool) -> Array:
        """Doubles the size: upsampling comes before the first convolution and the shortcut's."""
        residual = nn.relu(self.normalization()(x, train))
        residual = UpsampleConv(self.width, kernel_init=self.kernel_init)(residual)
        residual = nn.relu(self.normalization()(residual, train))
        residual = Conv(self.width, kernel_init=self.kernel_init)(residual)
        return UpsampleConv(self.width, 1, kernel_init=self.outer_init)(x) + residual


class Discriminator(nn.Module):
    """Residual blocks, of which `downsamples` says which halve the image, then a pooled logit.

    Images [B, H, W, C] -> logits [B]. The first block convolves before any ReLU and always halves.
    A critic under a gradient penalty has no batch normalisation: `normalization` is 'none' in both
    papers and may be 'layer'.
    """

    width: int
    downsamples: tuple[bool, ...]  # of the blocks after the first
    normalization: type[nn.Module]
    weights: Callable  # plain or spectrally normalised
    pooling: Callable[[Array], Array]
    last_bias: bool
    kernel_init: Initializer
    outer_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        x = self._first_block(x)
        for downsample in self.downsamples:
            x = self._block(x, downsample, train)
        x = self.pooling(nn.relu(self.normalization()(x, train)))
        last = nn.Dense(1, use_bias=self.last_bias, kernel_init=self.outer_init)
        self.sow('intermediates', 'features', x)
        return self.answer(self.weights, last, x)

    def _first_block(self, x: Array) -> Array:
        residual = nn.relu(self.weights(Conv(self.width, kernel_init=self.kernel_init))(x))
        residual = self.weights(ConvPool(self.width, kernel_init=self.kernel_init))(residual)
        shortcut = self.weights(Conv(self.width, 1, kernel_init=self.outer_init))(pool(x))
        return residual + shortcut

    def _block(self, x: Array, downsample: bool, train: bool) -> Array:
        last = ConvPool if downsample else Conv
        residual = nn.relu(self.normalization()(x, train))
        residual = self.weights(Conv(self.width, kernel_init=self.kernel_init))(residual)
        residual = nn.relu(self.normalization()(residual, train))
        residual = self.weights(last(self.width, kernel_init=self.kernel_init))(residual)
        if downsample:
            x = self.weights(ConvPool(self.width, 1, kernel_init=self.outer_init))(x)
        return residual + x

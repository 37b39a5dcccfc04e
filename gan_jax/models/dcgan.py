"""DCGAN, Radford et al. 2015: strided convolutions down, fractionally strided ones up."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.conv import Conv
from gan_jax.models.layers import (
    Array,
    Initializer,
    Unnormalized,
    base_shape,
    leaky_relu,
    logit,
    unit_gain,
)


class Generator(nn.Module):
    """Projects z to a small image and doubles its size once per width.

    z [B, Z] -> images [B, H, W, C] in [-1, 1]; H and W are multiples of 2 ** len(widths).
    A layer that is normalised has no bias of its own.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...]  # channels of every image before the last, smallest image first
    kernel_size: int
    upsampling: Callable[..., nn.Module]
    normalization: type[nn.Module]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        has_bias = self.normalization is Unnormalized
        x = self._project(z, train)
        for features in self.widths[1:]:
            x = self._normalize(self._upsample(features, has_bias)(x), train)
        return jnp.tanh(self._upsample(self.image_shape[-1], True)(x))

    def _project(self, z: Array, train: bool) -> Array:
        base = base_shape(self.image_shape, len(self.widths), self.widths[0])
        has_bias = self.normalization is Unnormalized
        x = nn.Dense(math.prod(base), use_bias=has_bias, kernel_init=self.kernel_init)(z)
        return self._normalize(x.reshape(-1, *base), train)

    def _normalize(self, x: Array, train: bool) -> Array:
        return nn.relu(self.normalization(scale_init=unit_gain)(x, train))

    def _upsample(self, features: int, use_bias: bool) -> nn.Module:
        return self.upsampling(
            features, self.kernel_size, use_bias=use_bias, kernel_init=self.kernel_init
        )


class Discriminator(nn.Module):
    """Halves the image once per width, then one dense layer: images [B, H, W, C] -> logits [B].

    The first layer is not normalised; a layer that is has no bias of its own.
    """

    widths: tuple[int, ...]
    kernel_size: int
    normalization: type[nn.Module]
    weights: Callable
    kernel_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        x = leaky_relu(self._downsample(self.widths[0], True)(x))
        for features in self.widths[1:]:
            x = self._downsample(features, self.normalization is Unnormalized)(x)
            x = leaky_relu(self.normalization(scale_init=unit_gain)(x, train))
        x = x.reshape(len(x), -1)
        self.sow('intermediates', 'features', x)
        return self.answer(self.weights, nn.Dense(1, kernel_init=self.kernel_init), x)

    def _downsample(self, features: int, use_bias: bool) -> Callable[[Array], Array]:
        options = dict(use_bias=use_bias, kernel_init=self.kernel_init)
        return self.weights(Conv(features, self.kernel_size, strides=2, **options))

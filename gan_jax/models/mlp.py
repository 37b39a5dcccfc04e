"""Multilayer perceptrons that draw and judge images, as in Goodfellow et al. 2014."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.layers import Array, Initializer, leaky_relu, logit, plain


class Generator(nn.Module):
    """Dense layers and ReLU up to the pixels, then a sigmoid.

    z [B, Z] -> images [B, H, W, C] in [-1, 1].
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...]
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        x = z
        for width in self.widths:
            x = nn.relu(nn.Dense(width, kernel_init=self.kernel_init)(x))
        x = nn.Dense(math.prod(self.image_shape), kernel_init=self.kernel_init)(x)
        return jnp.tanh(x / 2).reshape(-1, *self.image_shape)  # 2 sigmoid(x) - 1


class Discriminator(nn.Module):
    """Dense layers and leaky ReLU from the pixels to a logit: images [B, H, W, C] -> logits [B]."""

    widths: tuple[int, ...]
    weights: Callable
    kernel_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        x = x.reshape(len(x), -1)
        for width in self.widths:
            x = leaky_relu(self.weights(nn.Dense(width, kernel_init=self.kernel_init))(x))
        self.sow('intermediates', 'features', x)
        return self.answer(self.weights, nn.Dense(1, kernel_init=self.kernel_init), x)


class MaxoutDiscriminator(nn.Module):
    """Maxout layers and dropout from the pixels to a logit: images [B, H, W, C] -> logits [B].

    A unit is the largest of its pieces, each linear: Goodfellow et al. 2013, arXiv 1302.4389.
    """

    widths: tuple[int, ...]
    pieces: int
    pixel_dropout: float  # share of pixels that are left out in training
    dropout: float  # and of units
    kernel_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        x = (1 + x.reshape(len(x), -1)) / 2  # a pixel left out is the background's
        x = nn.Dropout(self.pixel_dropout, deterministic=not train)(x)
        for width in self.widths:
            x = nn.Dense(width * self.pieces, kernel_init=self.kernel_init)(x)
            x = jnp.max(x.reshape(-1, width, self.pieces), axis=-1)
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        self.sow('intermediates', 'features', x)
        return self.answer(plain, nn.Dense(1, kernel_init=self.kernel_init), x)

"""Multilayer perceptrons that draw and judge images, as in Goodfellow et al. 2014."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.layers import Array, Initializer, leaky_relu, logit


class Generator(nn.Module):
    """Dense layers and ReLU up to the pixels, then tanh.

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
        return jnp.tanh(x).reshape(-1, *self.image_shape)


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

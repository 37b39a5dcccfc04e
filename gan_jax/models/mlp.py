"""A multilayer perceptron that draws images, as in Goodfellow et al. 2014, of any widths."""

import math

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.layers import Array, Initializer


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

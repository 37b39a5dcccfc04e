"""Equalised learning rate: weights are N(0, 1), and scaled where they are used.

Karras et al. 2018, section 4.1 (arXiv 1710.10196): w_hat = w gain / sqrt(fan_in). Adam moves every
weight by about the same amount whatever its gradient's scale, so that weights of one scale learn
at one speed. Of a layer with a rate of its own (`lr_multiplier`, Karras et al. 2019, section C)
weights and biases are kept larger by 1 / lr_multiplier and used smaller by as much.
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax

from gan_jax.models.channels import spread
from gan_jax.models.conv import convolve, pair

Array = jax.Array
HE = math.sqrt(2)  # He et al. 2015: the gain before a rectifier


def equalized_kernel(
    layer: nn.Module, shape: tuple[int, ...], gain: float = HE, lr_multiplier: float = 1.0
) -> Array:
    """Returns a layer's own parameter `kernel` [..., C_in, C_out] as it is to be used."""
    kernel = layer.param('kernel', nn.initializers.normal(1 / lr_multiplier), shape)
    return kernel * (gain * lr_multiplier / math.sqrt(math.prod(shape[:-1])))


def equalized_bias(
    layer: nn.Module, features: int, initial: float = 0.0, lr_multiplier: float = 1.0
) -> Array:
    """Returns a layer's own parameter `bias` [features] as it is to be used, at first `initial`."""
    constant = nn.initializers.constant(initial / lr_multiplier)
    return layer.param('bias', constant, (features,)) * lr_multiplier


class EqualizedDense(nn.Module):
    """x [B, C] -> [B, features]."""

    features: int
    gain: float = HE
    lr_multiplier: float = 1.0
    bias: float = 0.0  # at first

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (x.shape[-1], self.features)
        kernel = equalized_kernel(self, shape, self.gain, self.lr_multiplier)
        bias = equalized_bias(self, self.features, self.bias, self.lr_multiplier)
        return x @ kernel + bias


class EqualizedConv(nn.Module):
    """x [B, H, W, C] -> [B, H', W', features], and a bias for each channel.

    convolve: `(x, kernel) -> y`: with a stride of one, or `upsample_convolve`, `convolve_pool`.
    """

    features: int
    kernel_size: int = 3
    gain: float = HE
    convolve: Callable[[Array, Array], Array] = convolve

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*pair(self.kernel_size), x.shape[-1], self.features)
        y = self.convolve(x, equalized_kernel(self, shape, self.gain))
        return y + spread(equalized_bias(self, self.features), y.shape)

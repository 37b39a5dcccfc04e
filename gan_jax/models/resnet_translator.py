"""The residual translator of CycleGAN, after Johnson et al. 2016, arXiv 1603.08155."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.conv import Conv
from gan_jax.models.layers import Array, Initializer, base_shape, unit_gain


class Translator(nn.Module):
    """c7s1-64, d128, d256, R256 x blocks, u128, u64, c7s1-C: images in [-1, 1] to such images.

    [B, H, W, C] -> [B, H, W, C]; H and W are multiples of 2 ** halvings. Zhu et al. 2017, arXiv
    1703.10593, appendix 7.2: reflections pad the images where the stride is 1.
    """

    image_shape: tuple[int, int, int]
    width: int  # channels at full size; they double as the image halves
    halvings: int
    blocks: int
    upsampling: Callable[..., nn.Module]
    normalization: Callable[..., nn.Module]
    normalized_bias: bool  # biases before a normalisation too
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        def normalize(x):
            return self.normalization(scale_init=unit_gain)(x, train)

        base_shape(self.image_shape, self.halvings, self.width)  # refuses what cannot be halved
        inner = dict(use_bias=self.normalized_bias, kernel_init=self.kernel_init)
        widths = [self.width * 2**halving for halving in range(self.halvings + 1)]

        x = nn.relu(normalize(Conv(self.width, 7, padding='VALID', **inner)(_reflect(x, 3))))
        for features in widths[1:]:
            x = Conv(features, 3, strides=2, padding=((1, 1), (1, 1)), **inner)(x)
            x = nn.relu(normalize(x))
        for _ in range(self.blocks):
            residual = Conv(widths[-1], 3, padding='VALID', **inner)(_reflect(x, 1))
            residual = _reflect(nn.relu(normalize(residual)), 1)
            x += normalize(Conv(widths[-1], 3, padding='VALID', **inner)(residual))
        for features in widths[-2::-1]:
            x = nn.relu(normalize(self.upsampling(features, 3, **inner)(x)))
        last = Conv(self.image_shape[-1], 7, padding='VALID', kernel_init=self.kernel_init)
        return jnp.tanh(last(_reflect(x, 3)))


def _reflect(x: Array, margin: int) -> Array:
    """Mirrors what lies within the margin outwards: [B, H, W, C] -> [B, H + 2 m, W + 2 m, C]."""
    sides = (margin, margin)
    return jnp.pad(x, ((0, 0), sides, sides, (0, 0)), mode='reflect')

"""pix2pix's U-Net: an encoder, a decoder, and skips between their layers of one size."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Array, Initializer, base_shape, leaky_relu, unit_gain


class Translator(nn.Module):
    """Halves the image once per width, then doubles it as often: [B, H, W, C] -> [B, H, W, C].

    Isola et al. 2017, arXiv 1611.07004, appendix 6.1.1. Values are in [-1, 1]; H and W are
    multiples of 2 ** len(widths). `noise`, uint32 [B, 2], is each image's own key: it decides what
    the first layers of the decoder drop, in training and in sampling alike.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...]  # of the encoder, largest image first
    dropouts: int  # layers of the decoder, from the innermost on, that drop half of their features
    normalization: Callable[..., nn.Module]
    normalized_bias: bool  # biases before a normalisation too
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, noise: Array, train: bool = True) -> Array:
        def normalize(x):
            return self.normalization(scale_init=unit_gain)(x, train)

        base_shape(self.image_shape, len(self.widths), self.widths[0])  # refuses other sizes
        inner = dict(use_bias=self.normalized_bias, kernel_init=self.kernel_init)
        half = dict(strides=2, padding=((1, 1), (1, 1)))

        # Neither the outermost layer nor the innermost, which may be a single pixel, is normalised.
        x = Conv(self.widths[0], 4, **half, **inner)(x)
        skips = [x]
        for features in self.widths[1:-1]:
            x = normalize(Conv(features, 4, **half, **inner)(leaky_relu(x)))
            skips.append(x)
        x = Conv(self.widths[-1], 4, **half, **inner)(leaky_relu(x))

        for layer, skip in enumerate(reversed(skips)):
            x = normalize(ConvTranspose(skip.shape[-1], 4, **inner)(nn.relu(x)))
            if layer < self.dropouts:
                x = _drop_half(x, noise, layer)
            x = jnp.concatenate([skip, x], axis=-1)
        last = ConvTranspose(self.image_shape[-1], 4, kernel_init=self.kernel_init)
        return jnp.tanh(last(nn.relu(x)))


def _drop_half(x: Array, noise: Array, layer: int) -> Array:
    """Dropout at 1/2 (Srivastava et al. 2014), of each image by its own key."""

    def draw(words: Array) -> Array:
        key = jax.random.fold_in(jax.random.wrap_key_data(words), layer)
        return jax.random.bernoulli(key, 0.5, x.shape[1:])

    return jnp.where(jax.vmap(draw)(noise), 2 * x, 0)

"""PatchGAN, the discriminator of pix2pix and CycleGAN: a logit for each patch of an image."""

from collections.abc import Callable

import flax.linen as nn

from gan_jax.models.conv import Conv
from gan_jax.models.layers import Array, Initializer, leaky_relu, unit_gain
from gan_jax.usage import UsageError


class Discriminator(nn.Module):
    """4x4 convolutions, all but two of stride 2: images [B, H, W, C] -> logits [B, h, w].

    Isola et al. 2017, arXiv 1611.07004, appendix 6.1.2. Widths 64, 128, 256, 512 make a logit see
    70x70 pixels; h = H / 2 ** (len(widths) - 1) - 2. The first layer is not normalised.

    Raises:
      UsageError: images too small for a single patch.
    """

    widths: tuple[int, ...]  # the last one's layer has stride 1
    normalization: Callable[..., nn.Module]
    weights: Callable  # plain or spectrally normalised
    normalized_bias: bool  # biases before a normalisation too
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        def convolve(x, features, strides, use_bias=True):
            layer = Conv(
                features,
                4,
                strides=strides,
                padding=((1, 1), (1, 1)),
                use_bias=use_bias,
                kernel_init=self.kernel_init,
            )
            return self.weights(layer)(x)

        least = 3 * 2 ** (len(self.widths) - 1)
        if min(x.shape[1:3]) < least:
            raise UsageError(
                f'{x.shape[1]}x{x.shape[2]} pixels leave no patch for a discriminator of '
                f'{len(self.widths)} widths, which needs {least}x{least}: take fewer of '
                'config.networks.discriminator.widths or a larger config.data.size'
            )
        x = leaky_relu(convolve(x, self.widths[0], 2))
        strides = [2] * (len(self.widths) - 2) + [1]
        for features, stride in zip(self.widths[1:], strides):
            x = convolve(x, features, stride, use_bias=self.normalized_bias)
            x = leaky_relu(self.normalization(scale_init=unit_gain)(x, train))
        return convolve(x, 1, 1)[..., 0]

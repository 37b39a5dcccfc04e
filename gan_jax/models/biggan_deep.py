"""BigGAN-deep: Brock et al. 2019, appendix B, arXiv 1809.11096; bottlenecks, two a resolution."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.attention import SelfAttention, check_heights
from gan_jax.models.biggan import embed
from gan_jax.models.conv import Conv, UpsampleConv, pool, upsample
from gan_jax.models.layers import (
    Array,
    BatchNorm,
    Initializer,
    LinearNorm,
    Shape,
    base_shape,
    logit,
    sum_pool,
)

_BOTTLENECK = 4  # a block's channels to those between its two outer convolutions


class Generator(nn.Module):
    """Projects class and z to a small image; of every two blocks the second doubles its size.

    z [B, Z], label int [B] -> images [B, H, W, C] in [-1, 1]; H and W are multiples of
    2 ** (len(multiples) - 1). Shortcuts have no weights: they drop the channels that are too many.
    """

    image_shape: Shape
    classes: int
    width: int
    multiples: tuple[int, ...]  # of the width: channels of the smallest image, then of each size
    attention: tuple[int, ...]  # heights of images that a block leaves and attention follows
    embedding: int  # size of a class's vector
    normalization: type[nn.Module]
    weights: Callable  # plain or spectrally normalised
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, label: Array, train: bool = True) -> Array:
        channels = [self.width * multiple for multiple in self.multiples]
        base = base_shape(self.image_shape, len(channels) - 1, channels[0])
        shared = embed(label, self.classes, self.embedding, self.kernel_init).astype(z.dtype)
        code = jnp.concatenate([shared, z], axis=-1)
        x = self.weights(nn.Dense(math.prod(base), kernel_init=self.kernel_init))(code)
        x = x.reshape(-1, *base).astype(z.dtype)  # normalised weights are float32
        heights = []
        for features in channels[1:]:
            x = self._block(x, x.shape[-1], False, code, train)
            x = self._block(x, features, True, code, train)
            heights.append(x.shape[1])
            if x.shape[1] in self.attention:
                x = SelfAttention(self.weights, self.kernel_init)(x)
        check_heights(self.attention, heights)
        x = nn.relu(BatchNorm()(x, train))
        return jnp.tanh(self._layer(Conv, self.image_shape[-1])(x))

    def _block(self, x: Array, features: int, double: bool, code: Array, train: bool) -> Array:
        def normalize(x):
            norm = LinearNorm(self.normalization, code, self.weights, self.kernel_init)
            return nn.relu(norm(x, train))

        hidden = x.shape[-1] // _BOTTLENECK
        residual = self._layer(Conv, hidden, 1)(normalize(x))
        residual = self._layer(UpsampleConv if double else Conv, hidden)(normalize(residual))
        residual = self._layer(Conv, hidden)(normalize(residual))
        residual = self._layer(Conv, features, 1)(normalize(residual))
        x = x[..., :features]
        return residual + (upsample(x) if double else x)

    def _layer(self, kind: type[nn.Module], *size: int) -> Callable[[Array], Array]:
        return self.weights(kind(*size, kernel_init=self.kernel_init))


class Discriminator(nn.Module):
    """A convolution, blocks in twos of which the first may halve the image, and a logit.

    Images [B, H, W, C] -> logits [B]. Shortcuts keep the channels that are there and convolve for
    those that are wanting.
    """

    width: int
    multiples: tuple[int, ...]  # of the width: channels of the first convolution, then of each two
    downsamples: tuple[bool, ...]  # of each two blocks
    attention: tuple[int, ...]  # heights of images that a block leaves and attention follows
    weights: Callable
    kernel_init: Initializer
    answer: Callable = logit  # (weights, last layer, features [B, F]) -> [B]

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        first, *channels = (self.width * multiple for multiple in self.multiples)
        x = self._layer(Conv, first)(x)
        heights = []
        for features, downsample in zip(channels, self.downsamples, strict=True):
            x = self._block(x, features, downsample)
            x = self._block(x, features, False)
            heights.append(x.shape[1])
            if x.shape[1] in self.attention:
                x = SelfAttention(self.weights, self.kernel_init)(x)
        check_heights(self.attention, heights)
        x = sum_pool(nn.relu(x))
        self.sow('intermediates', 'features', x)
        return self.answer(self.weights, nn.Dense(1, kernel_init=self.kernel_init), x)

    def _block(self, x: Array, features: int, downsample: bool) -> Array:
        hidden = features // _BOTTLENECK
        residual = self._layer(Conv, hidden, 1)(nn.relu(x))
        residual = self._layer(Conv, hidden)(nn.relu(residual))
        residual = nn.relu(self._layer(Conv, hidden)(nn.relu(residual)))
        if downsample:
            residual, x = pool(residual), pool(x)
        residual = self._layer(Conv, features, 1)(residual)
        wanting = features - x.shape[-1]
        if wanting:
            x = jnp.concatenate([x, self._layer(Conv, wanting, 1)(x)], axis=-1)
        return residual + x

    def _layer(self, kind: type[nn.Module], *size: int) -> Callable[[Array], Array]:
        return self.weights(kind(*size, kernel_init=self.kernel_init))

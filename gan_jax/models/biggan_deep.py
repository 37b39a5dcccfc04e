"""BigGAN-deep, Brock et al. 2019, appendix B, arXiv 1809.11096: bottlenecks, two at every size.

Shortcuts keep the channels that are there: a generator's drop those that are too many, a
discriminator's convolve for those that are wanting.
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models import biggan, sagan
from gan_jax.models.conv import Conv, UpsampleConv, pool, upsample
from gan_jax.models.layers import Array

_BOTTLENECK = 4  # a block's channels to those between its two outer convolutions


class Generator(biggan.Generator):
    """BigGAN's, of which the first layer and every block see the class's vector and all of z.

    z [B, Z], label int [B] -> images [B, H, W, C].
    """

    def _share(self, z: Array, shared: Array) -> tuple[Array, list[Array]]:
        code = jnp.concatenate([shared, z], axis=-1)
        return code, [code] * (len(self.multiples) - 1)

    def _block(self, x: Array, features: int, normalization: Callable, train: bool) -> Array:
        x = self._bottleneck(x, x.shape[-1], normalization, train, False)
        return self._bottleneck(x, features, normalization, train, True)

    def _bottleneck(self, x, features, normalization, train, doubled) -> Array:
        def normalize(x):
            return nn.relu(normalization()(x, train))

        hidden = x.shape[-1] // _BOTTLENECK
        residual = self._layer(Conv, hidden, 1)(normalize(x))
        residual = self._layer(UpsampleConv if doubled else Conv, hidden)(normalize(residual))
        residual = self._layer(Conv, hidden)(normalize(residual))
        residual = self._layer(Conv, features, 1)(normalize(residual))
        x = x[..., :features]
        return residual + (upsample(x) if doubled else x)


class Discriminator(sagan.Discriminator):
    """A convolution, then SAGAN's with two bottlenecks for each of its blocks.

    Images [B, H, W, C] -> logits [B].
    """

    def _first_block(self, x: Array, features: int) -> Array:
        return self._layer(Conv, features)(x)

    def _block(self, x: Array, features: int, downsample: bool) -> Array:
        x = self._bottleneck(x, features, downsample)
        return self._bottleneck(x, features, False)

    def _bottleneck(self, x: Array, features: int, downsample: bool) -> Array:
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

"""Self-attention, by which every pixel of an image reads from all over it."""

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.conv import Conv
from gan_jax.models.layers import Array, Initializer
from gan_jax.usage import UsageError


class SelfAttention(nn.Module):
    """SAGAN's layer: Zhang et al. 2019, section 3, arXiv 1805.08318.

    Pixel j reads o_j = sum_i beta_ji value_i, where beta_j is the softmax over i of
    query_j . key_i, and the image becomes x + gamma output(o), gamma learnt from 0. Keys and values
    are of a quarter of the pixels, the greatest of 2x2 each, as in the authors' code.

    [B, H, W, C] -> [B, H, W, C]; H and W even, C at least 8. Sows `attention`, beta as
    [B, H, W, H / 2, W / 2].
    """

    weights: Callable
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array) -> Array:
        _, height, width, channels = x.shape
        if height % 2 or width % 2 or channels < 8:
            raise UsageError(
                'attention needs an even height and width and at least 8 channels, '
                f'not {height}x{width} pixels of {channels}'
            )
        query = self._project('query', channels // 8)(x)
        key = _greatest(self._project('key', channels // 8)(x))
        value = _greatest(self._project('value', channels // 2)(x))
        likeness = jnp.einsum('bhwc,bijc->bhwij', query, key).astype(jnp.float32)
        attention = jax.nn.softmax(likeness, axis=(-2, -1)).astype(x.dtype)
        self.sow('intermediates', 'attention', attention)
        read = jnp.einsum('bhwij,bijc->bhwc', attention, value)
        gamma = self.param('gamma', nn.initializers.zeros, ())
        return x + gamma * self._project('output', channels)(read)

    def _project(self, name: str, features: int) -> Callable[[Array], Array]:
        options = dict(use_bias=False, kernel_init=self.kernel_init, name=name)
        return self.weights(Conv(features, 1, **options))


def _greatest(x: Array) -> Array:
    """The greatest of 2x2 pixels, channel by channel: [B, H, W, C] -> [B, H / 2, W / 2, C]."""
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def check_heights(attention: Sequence[int], heights: Sequence[int]) -> None:
    """Finds attention that is asked for where no image is.

    Raises:
      UsageError: such a height, with those that a network's blocks leave.
    """
    for height in attention:
        if height not in heights:
            known = ', '.join(map(str, dict.fromkeys(heights)))
            raise UsageError(f'no attention at {height} pixels: blocks leave heights of {known}')

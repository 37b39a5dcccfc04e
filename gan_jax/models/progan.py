"""Networks that grow, Karras et al. 2018 (arXiv 1710.10196): 4x4 pixels, then one doubling a level.

All levels have their weights from the start, and a network at a level uses those up to it. Images
have their full size always: below the last level a generator repeats its pixels, and a
discriminator averages them, which undo each other exactly. While a level fades in (figure 2), what
it makes is mixed with what the level below makes: `alpha` is its share, a function of the training
steps taken, which are variable `step` of collection `clock`.
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.conv import convolve_pool, pool, upsample, upsample_convolve
from gan_jax.models.equalized import EqualizedConv, EqualizedDense
from gan_jax.models.layers import Array, leaky_relu, pixel_norm
from gan_jax.models.mixing import MinibatchStddev
from gan_jax.usage import UsageError

Alpha = Callable[[Array], Array]  # training steps taken -> the level's share of the image


def last_level(size: tuple[int, int]) -> int:
    """Returns how often 4x4 pixels are doubled to make an image: the level of the last.

    Raises:
      UsageError: doubling never makes it.
    """
    height, width = size
    doublings = round(math.log2(max(height, 4) / 4))
    if (height, width) != (4 * 2**doublings,) * 2:
        near = 4 * 2**doublings
        raise UsageError(
            f'growing networks double 4x4 pixels, which never makes {height}x{width} of them: '
            f'set config.data.size to ({near}, {near})'
        )
    return doublings


def features(level: int, width: int, most: int) -> int:
    """Returns the channels of an image of a level; -1 stands for what comes before the first."""
    return min(width // 2 ** (level + 1), most)


def fade(coarse: Array, fine: Array, alpha: Array) -> Array:
    """(1 - alpha) coarse + alpha fine: exactly one of the two where alpha is 0 or 1."""
    alpha = jnp.asarray(alpha, fine.dtype)
    return (1 - alpha) * coarse + alpha * fine


def shrink(images: Array, doublings: int) -> Array:
    """Averages 2x2 pixels so often."""
    for _ in range(doublings):
        images = pool(images)
    return images


def enlarge(images: Array, doublings: int) -> Array:
    """Repeats every pixel twice along both axes so often."""
    for _ in range(doublings):
        images = upsample(images)
    return images


def faded(images: Array, doublings: int, alpha: Array) -> Array:
    """Returns images as coarse as a level that fades in makes them, at the size that they have.

    doublings: from the level's pixels to the image's. Shapes: [B, H, W, C] -> [B, H, W, C].
    """
    fine = shrink(images, doublings)
    if min(fine.shape[1:3]) < 8:  # the first level, which has none below
        return enlarge(fine, doublings)
    return enlarge(fade(upsample(pool(fine)), fine, alpha), doublings)


class Generator(nn.Module):
    """z [B, Z] -> images [B, H, W, C], mostly in [-1, 1]; the paper's table 2, right.

    Raises UsageError where H and W are not 4 times a power of two or the level is beyond them.
    """

    image_shape: tuple[int, int, int]
    level: int  # doublings in use
    alpha: Alpha
    width: int  # level l has width / 2^(l + 1) channels
    max_width: int  # and at most so many

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        last = last_level(self.image_shape[:2])
        level = last if self.is_initializing() else self.level
        x = self._conv(pixel_norm(z), 0, 'latent_4x4', kernel_size=4, convolve=_see_everywhere)
        x = self._conv(x, 0, 'conv_4x4')
        image = self._to_rgb(x, 0)
        for doublings in range(1, level + 1):
            size = _size_of(doublings)
            x = self._conv(x, doublings, f'upsample_{size}', convolve=upsample_convolve)
            x = self._conv(x, doublings, f'conv_{size}')
            # Of all levels but two the compiler leaves the image out.
            coarse, image = image, self._to_rgb(x, doublings)
        if level:
            image = fade(upsample(coarse), image, _alpha_of(self))
        return enlarge(image, last - level)

    def _conv(self, x: Array, level: int, name: str, **options) -> Array:
        channels = features(level, self.width, self.max_width)
        return pixel_norm(leaky_relu(EqualizedConv(channels, name=name, **options)(x)))

    def _to_rgb(self, x: Array, level: int) -> Array:
        name = f'to_rgb_{_size_of(level)}'
        return EqualizedConv(self.image_shape[-1], 1, gain=1.0, name=name)(x)


class Discriminator(nn.Module):
    """Images [B, H, W, C] -> logits [B]; the paper's table 2, left."""

    level: int
    alpha: Alpha
    width: int
    max_width: int
    group_size: int = 4  # images whose deviation the last block sees

    @nn.compact
    def __call__(self, images: Array, train: bool = True) -> Array:
        last = last_level(images.shape[1:3])
        level = last if self.is_initializing() else self.level
        images = shrink(images, last - level)
        x = self._from_rgb(images, level)
        for doublings in range(level, 0, -1):
            size = _size_of(doublings)
            x = self._conv(x, doublings, f'conv_{size}')
            x = self._conv(x, doublings - 1, f'pool_{size}', convolve=convolve_pool)
            images = pool(images)
            coarse = self._from_rgb(images, doublings - 1)
            if doublings == level:  # of all others the compiler leaves `coarse` out
                x = fade(coarse, x, _alpha_of(self))
        x = MinibatchStddev(self.group_size)(x)
        x = self._conv(x, 0, 'conv_4x4')
        channels = features(-1, self.width, self.max_width)
        x = leaky_relu(EqualizedDense(channels, name='dense')(x.reshape(len(x), -1)))
        self.sow('intermediates', 'features', x)
        return EqualizedDense(1, gain=1.0, name='logit')(x)[:, 0]

    def _conv(self, x: Array, level: int, name: str, **options) -> Array:
        channels = features(level, self.width, self.max_width)
        return leaky_relu(EqualizedConv(channels, name=name, **options)(x))

    def _from_rgb(self, images: Array, level: int) -> Array:
        return self._conv(images, level, f'from_rgb_{_size_of(level)}', kernel_size=1)


def _size_of(level: int) -> str:
    size = 4 * 2**level
    return f'{size}x{size}'


def _see_everywhere(z: Array, kernel: Array) -> Array:
    """A pixel for every tap of the kernel: [B, C], [4, 4, C, F] -> [B, 4, 4, F]."""
    return jnp.einsum('bc,hwcf->bhwf', z, kernel)


def _alpha_of(network: nn.Module) -> Array:
    return network.alpha(network.scope.root.get_variable('clock', 'step', jnp.zeros((), jnp.int32)))

"""StyleGAN: Karras et al. 2019, A Style-Based Generator Architecture for GANs, arXiv 1812.04948.

A mapping network makes a style w of z, and a synthesis network makes an image of a constant, of the
styles that every layer is told and of noise. Here both grow no further than where they begin: all
of their levels are trained at once.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.conv import convolve_pool, upsample_convolve
from gan_jax.models.equalized import EqualizedConv, EqualizedDense, equalized_bias
from gan_jax.models.layers import Array, Shape, leaky_relu, pixel_norm
from gan_jax.models.mixing import MinibatchStddev
from gan_jax.models.resample import blur
from gan_jax.usage import UsageError


def resolutions(image_shape: Shape) -> list[int]:
    """Returns the sides of a network's images, 4, 8, 16, ... up to the data's.

    Raises:
      UsageError: doubling 4x4 pixels never gives the data's size.
    """
    height, width, _ = image_shape
    if height != width or height < 4 or height & (height - 1):
        raise UsageError(
            'this network doubles 4x4 pixels: config.data.size must be '
            f'(4, 4), (8, 8), (16, 16), ..., not {height}x{width}'
        )
    return [1 << level for level in range(2, height.bit_length())]


def channels(size: int, base: int, most: int) -> int:
    """Returns the channels of an image of `size` pixels a side: base / size, up to `most`.

    Raises:
      UsageError: there would be none.
    """
    if base < size:
        raise UsageError(f'channel_base={base} leaves images of {size} pixels without channels')
    return min(base // size, most)


def image_noise(bits: Array, sizes: Sequence[int]) -> Iterator[Array]:
    """Yields every layer's noise, N(0, 1), of which each image has its own by its own random bits.

    bits: uint32 [B, 2], one key's data for each image; sizes: of the layers' images, one after the
    other.  Yields [B, size, size, 1] each.
    """
    ends = list(accumulate(size * size for size in sizes))

    def draw(bits: Array) -> Array:
        # All at once: the program of one draw is as long as that of many.
        return jax.random.normal(jax.random.wrap_key_data(bits), (ends[-1],))

    layers = jnp.split(jax.vmap(draw)(bits), ends[:-1], axis=1)
    return (noise.reshape(-1, size, size, 1) for noise, size in zip(layers, sizes))


def adaptive_instance_norm(x: Array, scale: Array, bias: Array) -> Array:
    """Equation 1: AdaIN(x, y) = y_s (x - mean(x)) / std(x) + y_b, each channel of each image.

    x: [B, H, W, C]; scale, bias: [B, C].
    """
    centred = x - jnp.mean(x.astype(jnp.float32), axis=(1, 2), keepdims=True)
    var = jnp.mean(jnp.square(centred), axis=(1, 2))
    scale = scale * jax.lax.rsqrt(var + 1e-8)
    return (centred * scale[:, None, None] + bias[:, None, None]).astype(x.dtype)


class Mapping(nn.Module):
    """z [B, Z] -> styles w [B, width].

    Its statistic is the average of w, towards which styles are truncated: w_avg + psi (w - w_avg),
    appendix B.  psi: a number or [B].
    """

    width: int = 512
    layers: int = 8
    lr_multiplier: float = 0.01

    @nn.compact
    def __call__(self, z: Array, train: bool = True, psi: Array | float = 1.0) -> Array:
        return self._styles(pixel_norm(z), train, psi)

    def _styles(self, w: Array, train: bool, psi: Array | float) -> Array:
        for _ in range(self.layers):
            w = self._layer(w)
        average = self.variable('average', 'w', jnp.zeros, (self.width,))
        if train and not self.is_initializing():
            average.value += 0.005 * (jnp.mean(w.astype(jnp.float32), axis=0) - average.value)
        return w + (1 - jnp.reshape(psi, (-1, 1))) * (average.value - w)

    def _layer(self, x: Array) -> Array:
        return leaky_relu(EqualizedDense(self.width, lr_multiplier=self.lr_multiplier)(x))


class Synthesis(nn.Module):
    """Styles [B, style_count, W] and random bits [B, 2] of noise -> images [B, S, S, C].

    In training pixels may leave [-1, 1].
    """

    image_shape: Shape
    channel_base: int = 16384  # see `channels`
    channel_max: int = 512

    @property
    def style_count(self) -> int:
        """The layers that are told a style: two of each resolution."""
        return 2 * len(resolutions(self.image_shape))

    @nn.compact
    def __call__(self, styles: Array, bits: Array, train: bool = True) -> Array:
        sizes = resolutions(self.image_shape)
        noise = image_noise(bits, [size for size in sizes for _ in range(2)])
        styles = iter(styles.swapaxes(0, 1))

        def tell(x):
            return _Told()(x, next(styles), next(noise).astype(x.dtype))

        x = tell(self._constant(len(bits)))
        for size in sizes:
            features = channels(size, self.channel_base, self.channel_max)
            if size > 4:
                x = tell(EqualizedConv(features, convolve=_convolve_up)(x))
            x = tell(EqualizedConv(features)(x))
        images = EqualizedConv(self.image_shape[-1], 1, gain=1.0)(x)
        return images if train else jnp.clip(images, -1, 1)

    def _constant(self, batch: int) -> Array:
        shape = (4, 4, channels(4, self.channel_base, self.channel_max))
        constant = self.param('constant', nn.initializers.ones, shape)
        constant += equalized_bias(self, shape[-1])
        return jnp.broadcast_to(constant, (batch, *shape))


class _Told(nn.Module):
    """What follows every convolution: noise, a rectifier and the style."""

    @nn.compact
    def __call__(self, x: Array, style: Array, noise: Array) -> Array:
        features = x.shape[-1]
        x = leaky_relu(x + noise * self.param('noise', nn.initializers.zeros, (features,)))
        scale, bias = jnp.split(EqualizedDense(2 * features, gain=1.0)(style), 2, axis=-1)
        return adaptive_instance_norm(x, 1 + scale, bias)


class Discriminator(nn.Module):
    """Images [B, S, S, C] -> logits [B]: ProGAN's, with a filter before every halving."""

    channel_base: int = 16384  # see `channels`
    channel_max: int = 512
    group_size: int = 4  # of the minibatch standard deviation

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        sizes = resolutions(x.shape[1:])[::-1]
        features = [channels(size, self.channel_base, self.channel_max) for size in sizes]
        x = leaky_relu(EqualizedConv(features[0], 1)(x))
        for here, below in zip(features, features[1:]):
            x = leaky_relu(EqualizedConv(here)(x))
            x = leaky_relu(EqualizedConv(below, convolve=_convolve_down)(x))
        x = MinibatchStddev(self.group_size)(x)
        x = leaky_relu(EqualizedConv(features[-1])(x)).reshape(len(x), -1)
        x = leaky_relu(EqualizedDense(channels(2, self.channel_base, self.channel_max))(x))
        self.sow('intermediates', 'features', x)
        return EqualizedDense(1, gain=1.0)(x)[:, 0]


def _convolve_up(x: Array, kernel: Array) -> Array:
    return blur(upsample_convolve(x, kernel))


def _convolve_down(x: Array, kernel: Array) -> Array:
    return convolve_pool(blur(x), kernel)

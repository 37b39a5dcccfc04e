"""StyleGAN2: Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, 1912.04958.

Styles scale the weights of convolutions instead of their normalised outputs, the generator adds up
images of all resolutions, and no network grows. Those that are told labels are StyleGAN2-ADA's
(arXiv 2006.06676), whose authors' code all of these follow.
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import stylegan
from gan_jax.models.channels import spread
from gan_jax.models.conv import convolve
from gan_jax.models.equalized import EqualizedConv, EqualizedDense, equalized_kernel
from gan_jax.models.layers import Array, Shape, leaky_relu, pixel_norm
from gan_jax.models.mixing import MinibatchStddev
from gan_jax.models.resample import convolve_down, convolve_up, downsample, upsample
from gan_jax.models.stylegan import channels, image_noise, resolutions


def rectify(x: Array) -> Array:
    """sqrt(2) max(x, 0.2 x), which keeps the variance that equalised weights of gain 1 give."""
    return math.sqrt(2) * leaky_relu(x)


def modulated_convolve(
    x: Array, kernel: Array, style: Array, convolve: Callable[[Array, Array], Array] = convolve
) -> Array:
    """Convolves every image with its own weights: equations 1 and 3.

    w'_ijk = s_i w_ijk and w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2 + 1e-8), for input channel i,
    output channel j and tap k. A weight of an input channel is that channel's, and one of an
    output channel that one's: all images share one convolution.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out]; style: [B, C_in].
    """
    squares = jnp.sum(jnp.square(kernel.astype(jnp.float32)), axis=(0, 1))  # sum_k w_ijk^2
    demodulation = jax.lax.rsqrt(jnp.square(style.astype(jnp.float32)) @ squares + 1e-8)
    y = convolve(x * style[:, None, None], kernel)
    return y * demodulation[:, None, None].astype(x.dtype)


class Mapping(stylegan.Mapping):
    """z [B, Z] -> styles w [B, width], as StyleGAN's."""

    def _layer(self, x: Array) -> Array:
        dense = EqualizedDense(self.width, gain=1.0, lr_multiplier=self.lr_multiplier)
        return rectify(dense(x))


class ConditionalMapping(Mapping):
    """z [B, Z] and labels [B] -> styles w [B, width]: the label's embedding beside z."""

    classes: int = 0

    @nn.compact
    def __call__(
        self, z: Array, label: Array, train: bool = True, psi: Array | float = 1.0
    ) -> Array:
        embedding = _Embedding(self.classes, self.width)(label).astype(z.dtype)
        return self._styles(jnp.concatenate([pixel_norm(z), embedding], axis=1), train, psi)


class _Embedding(nn.Module):
    """Labels [B] -> [B, features], of mean square 1."""

    classes: int
    features: int

    @nn.compact
    def __call__(self, label: Array) -> Array:
        one_hot = jax.nn.one_hot(label, self.classes)
        return pixel_norm(EqualizedDense(self.features, gain=1.0)(one_hot))


class Synthesis(nn.Module):
    """Styles [B, style_count, W] and random bits [B, 2] of noise -> images [B, S, S, C].

    The sum of the images of all resolutions, figure 7. In training pixels may leave [-1, 1].
    """

    image_shape: Shape
    channel_base: int = 32768  # see `channels`
    channel_max: int = 512

    @property
    def style_count(self) -> int:
        """The layers that are told a style: each convolution, and the last image."""
        return 2 * len(resolutions(self.image_shape))

    @nn.compact
    def __call__(self, styles: Array, bits: Array, train: bool = True) -> Array:
        sizes = resolutions(self.image_shape)
        noise = image_noise(bits, [size for size in sizes for _ in range(2)][1:])
        shape = (4, 4, channels(4, self.channel_base, self.channel_max))
        constant = self.param('constant', nn.initializers.normal(1.0), shape)
        x, images = jnp.broadcast_to(constant, (len(bits), *shape)), 0.0
        for level, size in enumerate(sizes):
            features = channels(size, self.channel_base, self.channel_max)
            if level:
                x = _StyledConv(features, convolve_up)(x, styles[:, 2 * level - 1], next(noise))
                images = upsample(images)
            x = _StyledConv(features)(x, styles[:, 2 * level], next(noise))
            # An image has the style of the convolution that follows it.
            images += _ToImage(self.image_shape[-1])(x, styles[:, 2 * level + 1])
        return images if train else jnp.clip(images, -1, 1)


class _StyledConv(nn.Module):
    features: int
    convolve: Callable[[Array, Array], Array] = convolve

    @nn.compact
    def __call__(self, x: Array, style: Array, noise: Array) -> Array:
        style = EqualizedDense(x.shape[-1], gain=1.0, bias=1.0)(style)
        kernel = self.param(
            'kernel', nn.initializers.normal(1.0), (3, 3, x.shape[-1], self.features)
        )
        strength = self.param('noise', nn.initializers.zeros, ())
        bias = self.param('bias', nn.initializers.zeros, (self.features,))
        x = modulated_convolve(x, kernel, style, self.convolve)
        return rectify(x + strength * noise.astype(x.dtype) + spread(bias, x.shape))


class _ToImage(nn.Module):
    """A modulated 1x1 convolution without demodulation."""

    features: int

    @nn.compact
    def __call__(self, x: Array, style: Array) -> Array:
        style = EqualizedDense(x.shape[-1], gain=1.0, bias=1.0)(style)
        return EqualizedConv(self.features, 1, gain=1.0)(x * style[:, None, None])


class _Discriminator(nn.Module):
    """Images [B, S, S, C] -> logits [B]."""

    channel_base: int = 32768  # see `channels`
    channel_max: int = 512
    group_size: int = 4  # of the minibatch standard deviation

    @nn.compact
    def __call__(self, image: Array, train: bool = True) -> Array:
        features = self._features(image)
        return EqualizedDense(1, gain=1.0)(features)[:, 0]

    def _features(self, image: Array) -> Array:
        sizes = resolutions(image.shape[1:])[::-1]
        features = [channels(size, self.channel_base, self.channel_max) for size in sizes]
        x = self._from_image(image, features[0])
        for here, below in zip(features, features[1:]):
            x, image = self._halve(x, image, here, below)
        x = MinibatchStddev(self.group_size)(x)
        x = self._convolve(x, features[-1]).reshape(len(x), -1)
        x = rectify(EqualizedDense(features[-1], gain=1.0)(x))
        self.sow('intermediates', 'features', x)
        return x

    def _from_image(self, image: Array, features: int) -> Array:
        return rectify(EqualizedConv(features, 1, gain=1.0)(image))

    def _convolve(self, x: Array, features: int, convolve: Callable = convolve) -> Array:
        return rectify(EqualizedConv(features, gain=1.0, convolve=convolve)(x))

    def _halve(self, x: Array, image: Array, here: int, below: int) -> tuple[Array, Array]:
        """Returns x at half the size, and what of the image the next resolution sees."""
        x = self._convolve(x, here)
        return self._convolve(x, below, convolve_down), image


class PlainDiscriminator(_Discriminator):
    """Images [B, S, S, C] -> logits [B], a convolution after the other."""


class ResidualDiscriminator(_Discriminator):
    """Images [B, S, S, C] -> logits [B], of residual blocks: that of configuration F."""

    def _halve(self, x: Array, image: Array, here: int, below: int) -> tuple[Array, Array]:
        shortcut = convolve_down(x, _Kernel(below)(x))
        residual, image = super()._halve(x, image, here, below)
        return (residual + shortcut) / math.sqrt(2), image


class SkipDiscriminator(_Discriminator):
    """Images [B, S, S, C] -> logits [B], which sees the image at every resolution."""

    def _halve(self, x: Array, image: Array, here: int, below: int) -> tuple[Array, Array]:
        x, image = super()._halve(x, image, here, below)
        image = downsample(image)
        return x + self._from_image(image, below), image


class _Conditional(nn.Module):
    classes: int = 0

    @nn.compact
    def __call__(self, image: Array, label: Array, train: bool = True) -> Array:
        features = self._features(image)
        direction = _Direction(self.classes, features.shape[-1])(label).astype(features.dtype)
        x = EqualizedDense(features.shape[-1], gain=1.0)(features)
        return jnp.sum(x * direction, axis=1) / math.sqrt(features.shape[-1])


class _Direction(nn.Module):
    """Labels [B] -> [B, features]: a mapping network without z, eight layers deep."""

    classes: int
    features: int

    @nn.compact
    def __call__(self, label: Array) -> Array:
        x = _Embedding(self.classes, self.features)(label)
        for _ in range(8):
            x = rectify(EqualizedDense(self.features, gain=1.0, lr_multiplier=0.01)(x))
        return x


class ConditionalPlainDiscriminator(_Conditional, PlainDiscriminator):
    """Images [B, S, S, C] and labels [B] -> logits [B]: a projection onto the label's direction."""


class ConditionalResidualDiscriminator(_Conditional, ResidualDiscriminator):
    """Images [B, S, S, C] and labels [B] -> logits [B]: a projection onto the label's direction."""


class _Kernel(nn.Module):
    """An equalised 1x1 kernel for x."""

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return equalized_kernel(self, (1, 1, x.shape[-1], self.features), gain=1.0)

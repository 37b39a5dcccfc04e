"""Layers that several architectures share, and the names a config gives to choices among them."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.channels import channel_mean, spread
from gan_jax.models.conv import Conv, ConvTranspose, UpsampleConv
from gan_jax.models.mixing import MinibatchDiscrimination, MinibatchStddev
from gan_jax.models.normalization import GROUPS, GroupNorm, InstanceNorm, weight_norm
from gan_jax.usage import UsageError, choose

Array = jax.Array
Initializer = Callable[..., Array]
Shape = tuple[int, int, int]  # height, width, channels

INITIALIZERS = {
    name: getattr(nn.initializers, name)
    for name in (
        'normal',
        'truncated_normal',
        'orthogonal',
        'glorot_normal',
        'glorot_uniform',
        'he_normal',
        'he_uniform',
        'lecun_normal',
        'lecun_uniform',
        'variance_scaling',
    )
}


def initializer(section: Mapping[str, Any]) -> Initializer:
    """Returns the initialiser of `jax.nn.initializers` that a config's section names.

    Of the section's other fields (`stddev`, `scale`, `mode`, `distribution`) it gets those that it
    takes.
    """
    make = choose('initializer', section['name'], INITIALIZERS)
    taken = inspect.signature(make).parameters
    return make(**{name: value for name, value in section.items() if name in taken})


def base_shape(image_shape: Shape, doublings: int, features: int) -> Shape:
    """Returns the shape of the small image from which a generator starts.

    Raises:
      UsageError: doubling a whole number of pixels never gives the image's size.
    """
    height, width, _ = image_shape
    scale = 2**doublings
    if height % scale or width % scale:
        raise UsageError(
            f'this generator doubles an image {doublings} times, '
            f'and {height}x{width} pixels are not multiples of {scale}'
        )
    return height // scale, width // scale, features


def leaky_relu(x: Array) -> Array:
    """max(x, 0.2 x), the slope of every critic since DCGAN."""
    return jax.nn.leaky_relu(x, 0.2)


def unit_gain(key: Array, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    """Gains drawn from N(1, 0.02), as in the authors' code of DCGAN and pix2pix."""
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


class BatchNorm(nn.Module):
    """Batch normalisation over every dimension but the last, with PyTorch's momentum and epsilon.

    Ioffe and Szegedy 2015, algorithm 1: y = (x - E[x]) / sqrt(Var[x] + epsilon) scale + bias. Under
    `jit` with a sharded batch the statistics are those of the global batch. The variance is the
    two-pass one: E[x^2] - E[x]^2 cancels. Sows a training batch's `mean` and `var`.
    """

    scale_init: Initializer = nn.initializers.ones
    affine: bool = True  # has a gain and a bias per channel

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        shape, dtype, x = x.shape[-1:], x.dtype, x.astype(jnp.float32)
        running_mean = self.variable('batch_stats', 'mean', jnp.zeros, shape)
        running_var = self.variable('batch_stats', 'var', jnp.ones, shape)
        if train:
            mean = channel_mean(x)
            centred = x - spread(mean, x.shape)
            var = channel_mean(jnp.square(centred))
            self.sow('intermediates', 'mean', mean)
            self.sow('intermediates', 'var', var)
            if not self.is_initializing():
                running_mean.value = 0.9 * running_mean.value + 0.1 * mean
                running_var.value = 0.9 * running_var.value + 0.1 * var
        else:
            centred = x - spread(running_mean.value, x.shape)
            var = running_var.value
        scale = jax.lax.rsqrt(var + 1e-5)
        if not self.affine:
            return (centred * spread(scale, x.shape)).astype(dtype)
        scale *= self.param('scale', self.scale_init, shape)
        bias = self.param('bias', nn.initializers.zeros, shape)
        return (centred * spread(scale, x.shape) + spread(bias, x.shape)).astype(dtype)


class LayerNorm(nn.Module):
    """Layer normalisation over all dimensions of an example, with one gain and bias a channel."""

    scale_init: Initializer = nn.initializers.ones
    affine: bool = True

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        return nn.LayerNorm(
            epsilon=1e-5,
            reduction_axes=tuple(range(1, x.ndim)),
            feature_axes=-1,
            use_fast_variance=False,
            scale_init=self.scale_init,
            use_scale=self.affine,
            use_bias=self.affine,
        )(x)


class PixelNorm(nn.Module):
    """Each pixel's channels divided by their root mean square: Karras et al. 2018, section 4.2."""

    scale_init: Initializer = nn.initializers.ones
    affine: bool = True

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        return pixel_norm(x)


def pixel_norm(x: Array) -> Array:
    """x / sqrt(mean over channels of x^2 + 1e-8): [..., C] -> [..., C]."""
    square = jnp.mean(jnp.square(x.astype(jnp.float32)), axis=-1, keepdims=True)
    return (x * jax.lax.rsqrt(square + 1e-8)).astype(x.dtype)


class Unnormalized(nn.Module):
    """No normalisation."""

    scale_init: Initializer = nn.initializers.ones
    affine: bool = True

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        return x


class ConditionalNorm(nn.Module):
    """A normalisation whose gains and biases are a class's own: Dumoulin et al. 2017."""

    normalization: type[nn.Module]
    condition: Array  # [B, classes]: one for the class of each example
    scale_init: Initializer = nn.initializers.ones

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        def by_class(name: str, init: Initializer) -> Array:
            layer = nn.Dense(x.shape[-1], use_bias=False, kernel_init=init, name=name)
            return _per_channel(layer(self.condition), x)

        y = self.normalization(affine=False)(x, train)
        return y * by_class('scale', self.scale_init) + by_class('bias', nn.initializers.zeros)


class SelfModulatedNorm(nn.Module):
    """A normalisation whose gains and biases are the latents': Chen et al. 2019, arXiv 1810.01365.

    gain = 1 + V max(0, U z + b), section 3.1; the 1 is the authors' code's.
    """

    normalization: type[nn.Module]
    condition: Array  # [B, Z]
    scale_init: Initializer = nn.initializers.ones
    hidden: int = 32

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        hidden = nn.relu(nn.Dense(self.hidden)(self.condition))
        scale, bias = (
            _per_channel(nn.Dense(x.shape[-1], name=name)(hidden), x) for name in ('scale', 'bias')
        )
        return self.normalization(affine=False)(x, train) * (1 + scale) + bias


class LinearNorm(nn.Module):
    """A normalisation whose gain 1 + W c and bias V c are linear in a code: Brock et al. 2019."""

    normalization: type[nn.Module]
    condition: Array  # c, [B, D]
    weights: Callable  # of W and V: plain or spectrally normalised
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        def linear(name: str) -> Array:
            options = dict(use_bias=False, kernel_init=self.kernel_init, name=name)
            return _per_channel(self.weights(nn.Dense(x.shape[-1], **options))(self.condition), x)

        return self.normalization(affine=False)(x, train) * (1 + linear('scale')) + linear('bias')


def _per_channel(values: Array, x: Array) -> Array:
    """[B, C] -> [B, 1, ..., C], to go with x [B, ..., C]."""
    return values.reshape(len(x), *(1,) * (x.ndim - 2), -1).astype(x.dtype)


def logit(weights: Callable, last: nn.Dense, features: Array) -> Array:
    """A discriminator's answer, [B]: its last layer of the features [B, F]."""
    return weights(last)(features)[:, 0]


def logit_among_others(
    mixing: type[nn.Module], weights: Callable, last: nn.Dense, features: Array
) -> Array:
    """An answer, [B], of the features [B, F] and of what a layer of `mixing.py` adds to them."""
    return logit(weights, last, mixing()(features))


def spectral_norm(layer: nn.Module) -> Callable[[Array], Array]:
    """Divides a layer's kernel by its largest singular value: Miyato et al. 2018, algorithm 1.

    One power iteration a call; the singular vectors are statistics, which the caller keeps or
    drops. The kernel is taken as a matrix [kh * kw * C_in, C_out].
    """
    return lambda x: nn.SpectralNorm(layer, collection_name='spectral')(x, update_stats=True)


def plain(layer: nn.Module) -> Callable[[Array], Array]:
    """The layer with its kernel as it is."""
    return layer


def nothing(layer: nn.Module) -> Callable[[Array], float]:
    """A layer left out of a sum."""
    return lambda x: 0.0


def identity(x: Array) -> Array:
    """The numbers as they are."""
    return x


class PixelShuffle(nn.Module):
    """A convolution to four times the channels, which become 2x2 pixels: Shi et al. 2016."""

    features: int
    kernel_size: int
    use_bias: bool
    kernel_init: Initializer

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = Conv(
            4 * self.features,
            self.kernel_size,
            use_bias=self.use_bias,
            kernel_init=self.kernel_init,
        )(x)
        batch, height, width, _ = x.shape
        x = x.reshape(batch, height, width, 2, 2, self.features).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(batch, 2 * height, 2 * width, self.features)


def mean_pool(x: Array) -> Array:
    """The mean over all pixels: [B, H, W, C] -> [B, C]."""
    return jnp.mean(x, axis=(1, 2))


def sum_pool(x: Array) -> Array:
    """The sum over all pixels: [B, H, W, C] -> [B, C]."""
    return jnp.sum(x, axis=(1, 2))


NORMALIZATIONS = {
    'none': Unnormalized,
    'batch': BatchNorm,
    'layer': LayerNorm,
    'instance': InstanceNorm,
    'plain_instance': partial(InstanceNorm, affine=False),
    'pixel': PixelNorm,
    **{f'group_{groups}': partial(GroupNorm, groups) for groups in GROUPS},
}
WEIGHTS = {'plain': plain, 'spectral_norm': spectral_norm, 'weight_norm': weight_norm}
ANSWERS = {
    'logit': logit,
    'minibatch_stddev': partial(logit_among_others, MinibatchStddev),
    'minibatch_discrimination': partial(logit_among_others, MinibatchDiscrimination),
}
SHORTCUTS = {'residual': plain, 'none': nothing}
UPSAMPLINGS = {
    'transposed': ConvTranspose,
    'nearest': UpsampleConv,
    'pixel_shuffle': PixelShuffle,
}
POOLINGS = {'mean': mean_pool, 'sum': sum_pool}

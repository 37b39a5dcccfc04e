"""Convolutions of NHWC images, alone or with resampling by two, and their Linen layers.

    convolve             y[j] = sum_t x[s j + t - p] w[t]
    transposed_convolve  y[j] = sum_{i, t: s i + t - p = j} x[i] w[t]
    upsample_convolve    nearest-neighbour upsampling by two, then a SAME convolution
    convolve_pool        a SAME convolution, then 2x2 mean pooling
    convolve_groups      a SAME convolution of its own for every group of channels

The two before it are exactly the first two with a larger kernel: 4/9 of a 3x3's multiplications.

How they are computed is a matter of the backend: by `cpu.py` on a CPU. Elsewhere nothing was
measured yet, so there they are what stands above, by `xla.py`.
"""

import dataclasses
import math
from collections.abc import Callable
from types import ModuleType

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

from gan_jax.models.channels import spread
from gan_jax.models.conv import cpu, grouped, xla
from gan_jax.models.conv.axis import Axis

Pair = tuple[int, int]


def pair(value: int | Pair) -> Pair:
    """An integer stands for the same integer along both axes."""
    return (value, value) if isinstance(value, int) else tuple(value)


# Functions of images and a kernel.


def convolve(
    x: Array, kernel: Array, strides: int | Pair = 1, padding: str | tuple[Pair, Pair] = 'SAME'
) -> Array:
    """Convolves images.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out]; padding: 'SAME', 'VALID' or ((low, high),
    (low, high)) rows and columns of zeros.  Returns [B, H', W', C_out].
    """
    strides, sizes, taps = pair(strides), x.shape[1:3], kernel.shape[:2]
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(sizes, taps, strides, padding)
    if (*taps, *padding) == (1, 1, (0, 0), (0, 0)):  # matrix products, in every order
        x = x[:, :: strides[0], :: strides[1]]
        return (x.reshape(-1, x.shape[-1]) @ kernel[0, 0]).reshape(*x.shape[:-1], -1)
    axes = tuple(
        Axis(n, k, s, low, (n + low + high - k) // s + 1)
        for n, k, s, (low, high) in zip(sizes, taps, strides, padding)
    )
    return _backend().convolution(axes, x, kernel)


def _backend() -> ModuleType:
    return cpu if jax.default_backend() == 'cpu' else xla


def transposed_convolve(
    x: Array,
    kernel: Array,
    strides: int | Pair = 2,
    padding: int | Pair | None = None,
    output_padding: int | Pair = 0,
) -> Array:
    """Convolves images with fractional strides, as PyTorch's ConvTranspose2d does.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out], PyTorch's `weight.permute(2, 3, 0, 1)`
    without a flip.  Returns [B, H', W', C_out], H' = s (H - 1) + kh - 2 padding + output_padding;
    with padding None both paddings are such that H' = s H.
    """
    strides, sizes, taps = pair(strides), x.shape[1:3], kernel.shape[:2]
    if padding is None:
        padding = tuple((k - s + 1) // 2 for k, s in zip(taps, strides))
        output_padding = tuple((k - s) % 2 for k, s in zip(taps, strides))
    axes = tuple(
        Axis(s * (n - 1) + k - 2 * p + extra, k, s, p, n)
        for n, k, s, p, extra in zip(sizes, taps, strides, pair(padding), pair(output_padding))
    )
    # The gradient, by its input, of the convolution from y to x.
    return _backend().input_gradient(axes, x, kernel.swapaxes(2, 3))


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Upsamples images by two with nearest neighbours, then convolves them with SAME padding.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out].  Returns [B, 2H, 2W, C_out].
    Raises ValueError if the kernel has an even side.
    """
    padding = _half(kernel)
    if padding == (0, 0):
        return upsample(convolve(x, kernel))
    if _backend() is not cpu:
        return convolve(upsample(x), kernel)
    # A pixel of x reaches what its copies reach; a transposed convolution flips its kernel.
    return transposed_convolve(x, _spread(kernel[::-1, ::-1]), 2, padding)


def convolve_pool(x: Array, kernel: Array) -> Array:
    """Convolves images with SAME padding, then averages 2x2 pixels.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out].  Returns [B, H // 2, W // 2, C_out].
    Raises ValueError if the kernel has an even side or the image has a single row or column.
    """
    _check_halves(x)
    height, width = _half(kernel)
    if (height, width) == (0, 0):
        return convolve(pool(x), kernel)
    if _backend() is not cpu:
        return pool(convolve(x, kernel))
    return convolve(x, _spread(kernel) / 4, 2, ((height, height), (width, width)))


def convolve_groups(x: Array, kernel: Array) -> Array:
    """Convolves every group of channels on its own with SAME padding: PyTorch's `groups`.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in / groups, C_out], its outputs group by group.
    Returns [B, H, W, C_out].
    """
    return grouped.convolution(x, kernel)


def upsample(x: Array) -> Array:
    """Repeats every pixel twice along both axes: [B, H, W, C] -> [B, 2H, 2W, C]."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def pool(x: Array) -> Array:
    """Averages 2x2 pixels, leaving out an odd last row or column: [B, H // 2, W // 2, C]."""
    _check_halves(x)
    return nn.avg_pool(x, (2, 2), strides=(2, 2))


def _check_halves(x: Array) -> None:
    _, height, width, _ = x.shape
    if min(height, width) < 2:
        raise ValueError(f'{height}x{width} pixels cannot be halved')


def _spread(kernel: Array) -> Array:
    """The sum of a kernel's copies shifted by 0 or 1 along each axis: [kh + 1, kw + 1, ...]."""
    return sum(
        jnp.pad(kernel, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)
    )


def _half(kernel: Array) -> Pair:
    height, width = kernel.shape[:2]
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f'the kernel must have odd sides, not {height} x {width}')
    return height // 2, width // 2


# Layers.


class _Layer(nn.Module):
    """A layer with parameters `kernel` [kh, kw, C_in, C_out] and `bias` [C_out], as nn.Conv's."""

    features: int
    kernel_size: int | Pair = 3
    _: dataclasses.KW_ONLY
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()
    bias_init: Callable = nn.initializers.zeros

    def compute(self, x: Array, kernel: Array) -> Array:
        raise NotImplementedError

    def inputs(self, channels: int) -> int:
        """Returns how many of the image's channels an output is made of."""
        return channels

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*pair(self.kernel_size), self.inputs(x.shape[-1]), self.features)
        kernel = self.param('kernel', self.kernel_init, shape)
        y = self.compute(x, kernel.astype(x.dtype))  # normalised weights are float32
        if not self.use_bias:
            return y
        return y + spread(self.param('bias', self.bias_init, (self.features,)), y.shape)


class Conv(_Layer):
    """`convolve` with its own kernel: [B, H, W, C] -> [B, H', W', features]."""

    _: dataclasses.KW_ONLY
    strides: int | Pair = 1
    padding: str | tuple[Pair, Pair] = 'SAME'

    def compute(self, x: Array, kernel: Array) -> Array:
        return convolve(x, kernel, self.strides, self.padding)


class ConvTranspose(_Layer):
    """`transposed_convolve` with its own kernel: [B, H, W, C] -> [B, H', W', features]."""

    kernel_size: int | Pair = 4
    _: dataclasses.KW_ONLY
    strides: int | Pair = 2
    padding: int | Pair | None = None  # None: H' = strides H
    output_padding: int | Pair = 0

    def compute(self, x: Array, kernel: Array) -> Array:
        return transposed_convolve(x, kernel, self.strides, self.padding, self.output_padding)


class UpsampleConv(_Layer):
    """`upsample_convolve` with its own kernel: [B, H, W, C] -> [B, 2H, 2W, features]."""

    compute = staticmethod(upsample_convolve)


class ConvPool(_Layer):
    """`convolve_pool` with its own kernel: [B, H, W, C] -> [B, H // 2, W // 2, features]."""

    compute = staticmethod(convolve_pool)


class GroupedConv(_Layer):
    """`convolve_groups` with its own kernel: [B, H, W, C] -> [B, H, W, features].

    Raises ValueError, with the nearest number that can, if `groups` cannot split the channels.
    """

    _: dataclasses.KW_ONLY
    groups: int

    compute = staticmethod(convolve_groups)

    def inputs(self, channels: int) -> int:
        if channels % self.groups or self.features % self.groups:
            common = math.gcd(channels, self.features)
            divisors = [count for count in range(1, common + 1) if common % count == 0]
            nearest = min(divisors, key=lambda count: abs(count - self.groups))
            raise ValueError(
                f'{channels} channels cannot be split into {self.groups} groups; '
                f'into {nearest} they can'
            )
        return channels // self.groups

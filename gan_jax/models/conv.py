"""Convolutions of NHWC images, alone or with resampling by two, and their Linen layers.

    convolve             y[j] = sum_t x[s j + t - p] w[t]
    transposed_convolve  y[j] = sum_{i, t: s i + t - p = j} x[i] w[t]
    upsample_convolve    nearest-neighbour upsampling by two, then a SAME convolution
    convolve_pool        a SAME convolution, then 2x2 mean pooling

The last two are exactly the first two with a larger kernel: 4/9 of a 3x3's multiplications.

XLA:CPU runs some convolutions up to 100 times slower than others, and the derivatives that JAX
derives meet them, above all where a gradient penalty is differentiated.  So on CPU three functions
that are closed under differentiation stand for derivatives of every order, each in a form that
runs fast.  What they do not offer is forward-mode differentiation (jax.jvp).
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

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
        return x[:, :: strides[0], :: strides[1]] @ kernel[0, 0]
    axes = tuple(
        _Axis(n, k, s, low, (n + low + high - k) // s + 1)
        for n, k, s, (low, high) in zip(sizes, taps, strides, padding)
    )
    convolution, _ = _implementation()
    return convolution(axes, x, kernel)


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
        _Axis(s * (n - 1) + k - 2 * p + extra, k, s, p, n)
        for n, k, s, p, extra in zip(sizes, taps, strides, pair(padding), pair(output_padding))
    )
    # The gradient, by its input, of the convolution from y to x.
    _, input_gradient = _implementation()
    return input_gradient(axes, x, kernel.swapaxes(2, 3))


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Upsamples images by two with nearest neighbours, then convolves them with SAME padding.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out].  Returns [B, 2H, 2W, C_out].
    Raises ValueError if the kernel has an even side.
    """
    padding = _half(kernel)
    if padding == (0, 0):
        return upsample(convolve(x, kernel))
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
    return convolve(x, _spread(kernel) / 4, 2, ((height, height), (width, width)))


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

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*pair(self.kernel_size), x.shape[-1], self.features)
        y = self.compute(x, self.param('kernel', self.kernel_init, shape))
        return y + self.param('bias', self.bias_init, (self.features,)) if self.use_bias else y


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


# How they are computed.


class _Axis(NamedTuple):
    """A convolution y[j] = sum_t x[stride j + t - low] w[t] along one axis of its images."""

    size: int  # of x
    taps: int  # of w
    stride: int
    low: int  # zeros before x
    outputs: int  # the size of y

    @property
    def padding(self) -> Pair:
        return self.low, (self.outputs - 1) * self.stride + self.taps - self.size - self.low

    def phases(self) -> Iterator[tuple[slice, '_Axis']]:
        """The taps of w and the dense convolution of dy that make the rows s m + a of dx.

        Row s m + a meets the taps t = a + p (mod s): with a + p = s q + t_0 and t = t_0 + s u,
        dx[s m + a] = sum_u dy[m + q - u] w[t_0 + s u].
        """
        rows = -(-self.size // self.stride)
        for a in range(self.stride):
            q, first = divmod(a + self.low, self.stride)
            count = max(1, len(range(first, self.taps, self.stride)))
            yield (
                slice(first, None, self.stride),
                _Axis(self.outputs, count, 1, count - 1 - q, rows),
            )


_Axes = tuple[_Axis, _Axis]


def _implementation() -> tuple[Callable, Callable]:
    """Returns the convolution and its transpose in x for this backend."""
    if jax.default_backend() == 'cpu':
        return _closed_convolution, _closed_input_gradient
    # Elsewhere derivatives are the compiler's own: nothing has been measured there yet.
    return _convolution, partial(_input_gradient, _convolution)


def _convolution(axes: _Axes, x: Array, kernel: Array) -> Array:
    strides, padding = zip(*((axis.stride, axis.padding) for axis in axes))
    dimensions = ('NHWC', 'HWIO', 'NHWC')
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=dimensions)


def _input_gradient(convolution: Callable, axes: _Axes, dy: Array, kernel: Array) -> Array:
    """The transpose in x: a dense convolution of dy for each phase, interleaved."""
    missing = [(0, max(0, axis.stride - axis.taps)) for axis in axes]  # no tap: a tap of zero
    kernel = jnp.pad(kernel, (*missing, (0, 0), (0, 0))).swapaxes(2, 3)
    phases = [
        [
            convolution((rows, columns), dy, kernel[y, x][::-1, ::-1])
            for x, columns in axes[1].phases()
        ]
        for y, rows in axes[0].phases()
    ]
    dx = jnp.stack([jnp.stack(row, axis=3) for row in phases], axis=2)
    batch, m, s, n, t, channels = dx.shape
    return dx.reshape(batch, m * s, n * t, channels)[:, : axes[0].size, : axes[1].size]


# The same for XLA:CPU.  The comments give milliseconds on two cores for a batch of 64 in float32:
# XLA's own form, then the one chosen.  The phases above are one: XLA dilates dy with zeros.  4x4
# with strides of 2 from 32 pixels, 128 channels: 171, 115.


def _fast_convolution(axes: _Axes, x: Array, kernel: Array) -> Array:
    height, width, inputs, outputs = kernel.shape
    (s, m), (t, n) = ((axis.stride, axis.outputs) for axis in axes)
    taps = [(row, column) for row in range(height) for column in range(width)]
    edges = [(0, 0, 0), *((*axis.padding, 0) for axis in axes), (0, 0, 0)]

    def shifted(image: Array, row: int, column: int) -> Array:
        image = lax.pad(image, jnp.zeros((), image.dtype), edges)
        return image[:, row : row + s * m : s, column : column + t * n : t]

    # A kernel larger than the image.  3x3 at 2 pixels, 512 channels: 1044, 13.
    if any(axis.taps > axis.size for axis in axes):
        patches = jnp.concatenate([shifted(x, *tap) for tap in taps], axis=-1)
        return patches @ kernel.reshape(-1, outputs)
    # Few outputs: multiply before the taps are gathered.  3x3 at 32, 256 channels to 3: 114, 24.
    if len(taps) * s * t * outputs <= inputs:
        products = jnp.tensordot(x, kernel, (3, 2))  # [B, H, W, kh, kw, C_out]
        return sum(shifted(products[:, :, :, row, column], row, column) for row, column in taps)
    return _convolution(axes, x, kernel)


def _fast_input_gradient(axes: _Axes, dy: Array, kernel: Array) -> Array:
    return _input_gradient(_fast_convolution, axes, dy, kernel)


def _fast_kernel_gradient(axes: _Axes, x: Array, dy: Array) -> Array:
    """dw[t] = sum_j x[s j + t - p] dy[j]: a convolution whose channels are the batch."""
    # The time per image grows with the batch: parts of 8 MB.  3x3 at 32, 128 channels: 381, 146.
    # A part is every n-th image and not a run of them, so that no image of a sharded batch moves.
    excess = max(x.size, dy.size) >> 21
    parts = math.gcd(len(x), 1 << excess.bit_length() - 1) if excess else 1
    x, dy = (images.reshape(-1, parts, *images.shape[1:]) for images in (x, dy))
    return sum(_correlation(axes, x[:, part], dy[:, part]) for part in range(parts))


def _correlation(axes: _Axes, x: Array, dy: Array) -> Array:
    """The kernel gradient with dy as the kernel, or with x where that is the faster."""
    dilation = [axis.stride for axis in axes]
    correlate = partial(lax.conv_general_dilated, window_strides=(1, 1), rhs_dilation=dilation)
    # A kernel larger than its image.  2x2 from 8 to 9, 128 channels to 256: 1229, 37.
    larger = any(axis.outputs > axis.size for axis in axes)
    # The image is what XLA gathers taps of: the fewer channels.  3x3 at 32, 256 to 3: 145, 70.
    fewer = dy.shape[1:3] == x.shape[1:3] and dy.shape[-1] < x.shape[-1]
    if dilation == [1, 1] and (larger or fewer):
        padding = [(a.taps - 1 - a.low, a.size - a.outputs + a.low) for a in axes]
        dw = correlate(dy, x, padding=padding, dimension_numbers=('CHWN', 'IHWO', 'HWCN'))
        return dw[::-1, ::-1]
    padding = [axis.padding for axis in axes]
    return correlate(x, dy, padding=padding, dimension_numbers=('CHWN', 'IHWO', 'HWNC'))


# Closed under differentiation: the derivatives of each of the three are the other two.

_closed_convolution = jax.custom_vjp(_fast_convolution, nondiff_argnums=(0,))
_closed_input_gradient = jax.custom_vjp(_fast_input_gradient, nondiff_argnums=(0,))
_closed_kernel_gradient = jax.custom_vjp(_fast_kernel_gradient, nondiff_argnums=(0,))


def _differentiate(function: jax.custom_vjp, by_first: Callable, by_second: Callable) -> None:
    """Defines the derivatives of a bilinear function from its two arguments and the cotangent."""
    function.defvjp(
        lambda axes, *arguments: (function(axes, *arguments), arguments),
        lambda axes, arguments, cotangent: (
            by_first(axes, *arguments, cotangent),
            by_second(axes, *arguments, cotangent),
        ),
    )


_differentiate(
    _closed_convolution,
    lambda axes, x, w, dy: _closed_input_gradient(axes, dy, w),
    lambda axes, x, w, dy: _closed_kernel_gradient(axes, x, dy),
)
_differentiate(
    _closed_input_gradient,
    lambda axes, dy, w, x: _closed_convolution(axes, x, w),
    lambda axes, dy, w, x: _closed_kernel_gradient(axes, x, dy),
)
_differentiate(
    _closed_kernel_gradient,
    lambda axes, x, dy, w: _closed_input_gradient(axes, dy, w),
    lambda axes, x, dy, w: _closed_convolution(axes, x, w),
)

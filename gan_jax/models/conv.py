"""Convolutions of NHWC images, alone or with resampling by two, and their Linen layers.

    convolve             y[j] = sum_t x[s j + t - p] w[t]
    transposed_convolve  y[j] = sum_{i, t: s i + t - p = j} x[i] w[t]
    upsample_convolve    nearest-neighbour upsampling by two, then a SAME convolution
    convolve_pool        a SAME convolution, then 2x2 mean pooling

The last two are exactly the first two with a larger kernel: 4/9 of a 3x3's multiplications.

XLA:CPU runs some convolutions up to 100 times slower than others, and the derivatives it derives
meet them, above all where a gradient penalty is differentiated.  So on CPU three functions that
are closed under differentiation stand for derivatives of every order, each in a form that runs
fast.  What they do not offer is forward-mode differentiation (jax.jvp).
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


class Axis(NamedTuple):
    """A convolution y[j] = sum_t x[stride j + t - low] w[t] along one axis of its images."""

    size: int  # of x
    taps: int  # of w
    stride: int
    low: int  # zeros before x
    outputs: int  # the size of y

    @property
    def padding(self) -> Pair:
        return self.low, (self.outputs - 1) * self.stride + self.taps - self.size - self.low

    def phases(self) -> Iterator[tuple[slice, 'Axis']]:
        """The taps of w and the dense convolutions of dy that make the rows s m + a of dx.

        Row s m + a meets the taps t = a + p (mod s): with a + p = s q + t_0 and t = t_0 + s u,
        dx[s m + a] = sum_u dy[m + q - u] w[t_0 + s u].
        """
        for a in range(self.stride):
            q, first = divmod(a + self.low, self.stride)
            count = max(1, len(range(first, self.taps, self.stride)))
            rows = -(-self.size // self.stride)
            yield slice(first, None, self.stride), Axis(self.outputs, count, 1, count - 1 - q, rows)


Axes = tuple[Axis, Axis]


def _convolution(axes: Axes, x: Array, kernel: Array) -> Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        [axis.stride for axis in axes],
        [axis.padding for axis in axes],
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )


def _input_gradient(convolution: Callable, axes: Axes, dy: Array, kernel: Array) -> Array:
    """The transpose in x: stride x stride dense convolutions of dy, interleaved."""
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


# The three in the forms that XLA:CPU runs fast.  TODO


def _fast_convolution(axes: Axes, x: Array, kernel: Array) -> Array:
    height, width, inputs, outputs = kernel.shape
    (s, m), (t, n) = ((axis.stride, axis.outputs) for axis in axes)
    edges = [(0, 0, 0), *((*axis.padding, 0) for axis in axes), (0, 0, 0)]
    taps = [(row, column) for row in range(height) for column in range(width)]

    def shifted(image: Array, row: int, column: int) -> Array:
        image = lax.pad(image, jnp.zeros((), x.dtype), edges)
        return image[:, row : row + s * m : s, column : column + t * n : t]

    if any(axis.size < axis.taps for axis in axes):
        patches = jnp.concatenate([shifted(x, *tap) for tap in taps], axis=-1)
        return patches @ kernel.reshape(-1, outputs)
    if len(taps) * s * t * outputs <= inputs:
        products = jnp.tensordot(x, kernel, (3, 2))  # [B, H, W, kh, kw, C_out]
        return sum(shifted(products[:, :, :, *tap], *tap) for tap in taps)
    return _convolution(axes, x, kernel)


def _fast_input_gradient(axes: Axes, dy: Array, kernel: Array) -> Array:
    return _input_gradient(_fast_convolution, axes, dy, kernel)


def _fast_kernel_gradient(axes: Axes, x: Array, dy: Array) -> Array:
    """dw[t] = sum_j x[s j + t - p]^T dy[j], a convolution with the batch in the channels' role."""
    eights = max(x.size, dy.size) >> 21  # of MB
    parts = math.gcd(len(x), 1 << eights.bit_length() - 1) if eights else 1
    # Every `parts`-th image, not neighbours: where the batch is sharded, none has to move.
    x, dy = (images.reshape(-1, parts, *images.shape[1:]) for images in (x, dy))
    return sum(_correlation(axes, x[:, i], dy[:, i]) for i in range(parts))


def _correlation(axes: Axes, x: Array, dy: Array) -> Array:
    def correlate(image, window, padding, result):
        return lax.conv_general_dilated(
            image,
            window,
            (1, 1),
            padding,
            rhs_dilation=[axis.stride for axis in axes],
            dimension_numbers=('CHWN', 'IHWO', result),
        )

    dense = all(axis.stride == 1 for axis in axes)
    larger = any(axis.outputs > axis.size for axis in axes)
    same = all(axis.outputs == axis.size for axis in axes)
    if dense and (larger or same and dy.shape[-1] < x.shape[-1]):
        padding = [(a.taps - 1 - a.low, a.size - a.outputs + a.low) for a in axes]
        return correlate(dy, x, padding, 'HWCN')[::-1, ::-1]
    return correlate(x, dy, [axis.padding for axis in axes], 'HWNC')


# Closed under differentiation: by table, every derivative of the three is one of the three.

_closed_convolution = jax.custom_vjp(_fast_convolution, nondiff_argnums=(0,))
_closed_input_gradient = jax.custom_vjp(_fast_input_gradient, nondiff_argnums=(0,))
_closed_kernel_gradient = jax.custom_vjp(_fast_kernel_gradient, nondiff_argnums=(0,))


def _define(function: jax.custom_vjp, by_first: Callable, by_second: Callable) -> None:
    """Defines the derivatives of a bilinear function, given its arguments and the cotangent."""
    function.defvjp(
        lambda axes, *arguments: (function(axes, *arguments), arguments),
        lambda axes, arguments, cotangent: (
            by_first(axes, *arguments, cotangent),
            by_second(axes, *arguments, cotangent),
        ),
    )


_define(
    _closed_convolution,
    lambda axes, x, w, dy: _closed_input_gradient(axes, dy, w),
    lambda axes, x, w, dy: _closed_kernel_gradient(axes, x, dy),
)
_define(
    _closed_input_gradient,
    lambda axes, dy, w, x: _closed_convolution(axes, x, w),
    lambda axes, dy, w, x: _closed_kernel_gradient(axes, x, dy),
)
_define(
    _closed_kernel_gradient,
    lambda axes, x, dy, w: _closed_input_gradient(axes, dy, w),
    lambda axes, x, dy, w: _closed_convolution(axes, x, w),
)


def _implementation() -> tuple[Callable, Callable]:
    """Returns the convolution and its transpose in x for this backend."""
    if jax.default_backend() == 'cpu':
        return _closed_convolution, _closed_input_gradient
    # GPU and TPU compilers pick kernels for each derivative themselves; nothing beats them yet.
    return _convolution, partial(_input_gradient, _convolution)


# The functions.


def pair(value: int | Pair) -> Pair:
    """An integer stands for the same integer along both axes."""
    return (value, value) if isinstance(value, int) else tuple(value)


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
    if (*taps, *padding) == (1, 1, (0, 0), (0, 0)):
        return x[:, :: strides[0], :: strides[1]] @ kernel[0, 0]
    axes = tuple(
        Axis(n, k, s, low, (n + low + high - k) // s + 1)
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

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out], PyTorch's `weight.transpose(2, 3, 0, 1)`
    without a flip.  Returns [B, H', W', C_out], H' = s (H - 1) + kh - 2 padding + output_padding;
    with padding None both paddings are such that H' = s H.
    """
    strides, sizes, taps = pair(strides), x.shape[1:3], kernel.shape[:2]
    if padding is None:
        padding = tuple(-(-(k - s) // 2) for k, s in zip(taps, strides))
        output_padding = tuple((k - s) % 2 for k, s in zip(taps, strides))
    axes = tuple(
        Axis(s * (n - 1) + k - 2 * p + extra, k, s, p, n)
        for n, k, s, p, extra in zip(sizes, taps, strides, pair(padding), pair(output_padding))
    )
    # It is the gradient by its input of the convolution that leads the other way.
    _, input_gradient = _implementation()
    return input_gradient(axes, x, kernel.swapaxes(2, 3))


def upsample(x: Array) -> Array:
    """Repeats every pixel twice along both axes: [B, H, W, C] -> [B, 2H, 2W, C]."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def pool(x: Array) -> Array:
    """Averages 2x2 pixels, without an odd last row or column: [B, H, W, C] -> [B, H/2, W/2, C]."""
    return nn.avg_pool(x, (2, 2), strides=(2, 2))


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Upsamples images by two with nearest neighbours, then convolves them with SAME padding.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out].  Returns [B, 2H, 2W, C_out].
    Raises ValueError if the kernel has an even side.
    """
    padding = _half(kernel)
    if padding == (0, 0):
        return upsample(convolve(x, kernel))
    # A pixel of x reaches what its two copies along each axis reach.
    return transposed_convolve(x, _spread(kernel[::-1, ::-1]), 2, padding)


def convolve_pool(x: Array, kernel: Array) -> Array:
    """Convolves images with SAME padding, then averages 2x2 pixels.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out].  Returns [B, H // 2, W // 2, C_out].
    Raises ValueError if the kernel has an even side.
    """
    height, width = _half(kernel)
    if (height, width) == (0, 0):
        return convolve(pool(x), kernel)
    return convolve(x, _spread(kernel) / 4, 2, ((height, height), (width, width)))


def _spread(kernel: Array) -> Array:
    """The sum of a kernel's copies shifted by 0 or 1 along each axis: [k + 1, k + 1, ...]."""
    return sum(
        jnp.pad(kernel, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)
    )


def _half(kernel: Array) -> Pair:
    height, width = kernel.shape[:2]
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f'the kernel must have odd sides, not {height} x {width}')
    return height // 2, width // 2


# The layers.


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


class UpsampleConv(_Layer):
    """`upsample_convolve` with its own kernel: [B, H, W, C] -> [B, 2H, 2W, features]."""

    def compute(self, x: Array, kernel: Array) -> Array:
        return upsample_convolve(x, kernel)


class ConvPool(_Layer):
    """`convolve_pool` with its own kernel: [B, H, W, C] -> [B, H // 2, W // 2, features]."""

    def compute(self, x: Array, kernel: Array) -> Array:
        return convolve_pool(x, kernel)


class ConvTranspose(_Layer):
    """`transposed_convolve` with its own kernel: [B, H, W, C] -> [B, H', W', features]."""

    kernel_size: int | Pair = 4
    _: dataclasses.KW_ONLY
    strides: int | Pair = 2
    padding: int | Pair | None = None  # None: H' = strides H
    output_padding: int | Pair = 0

    def compute(self, x: Array, kernel: Array) -> Array:
        return transposed_convolve(x, kernel, self.strides, self.padding, self.output_padding)

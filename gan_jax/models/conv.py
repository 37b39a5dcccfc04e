"""Convolutions of NHWC images, alone or with resampling by two, and their Linen layers.

    convolve             y[j] = sum_t x[s j + t - p] w[t]
    transposed_convolve  y[j] = sum_{i, t: s i + t - p = j} x[i] w[t]
    convolve_pool        a SAME convolution, then 2x2 mean pooling
    upsample_convolve    nearest-neighbour upsampling by two, then a SAME convolution
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from flax import linen as nn
from jax import Array, lax

Pair = tuple[int, int]


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
    return lax.conv_general_dilated(
        x, kernel, pair(strides), padding, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )


def transposed_convolve(
    x: Array,
    kernel: Array,
    strides: int | Pair = 2,
    padding: int | Pair | None = None,
    output_padding: int | Pair = 0,
) -> Array:
    """Convolves images with fractional strides, as PyTorch's ConvTranspose2d does.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out], which is PyTorch's `weight.transpose(2, 3,
    0, 1)`, without a flip.  Returns [B, H', W', C_out], H' = (H - 1) s - 2 padding + kh +
    output_padding; with padding None both paddings are chosen so that H' = s H.
    Raises ValueError if a stride exceeds the kernel's size.
    """
    strides = pair(strides)
    if padding is None:
        excess = [k - s for k, s in zip(kernel.shape[:2], strides)]
        padding, output_padding = [-(-e // 2) for e in excess], [e % 2 for e in excess]
    rows, columns = (
        _phases(*axis)
        for axis in zip(
            x.shape[1:3], kernel.shape[:2], strides, pair(padding), pair(output_padding)
        )
    )
    images = [
        [
            convolve(x, kernel[row_taps, column_taps], 1, (row_padding, column_padding))
            for column_taps, column_padding in columns
        ]
        for row_taps, row_padding in rows
    ]
    (s, t), (batch, m, n, channels) = strides, images[0][0].shape
    image = jnp.stack([jnp.stack(row, axis=3) for row in images], axis=2)  # [B, m, s, n, t, C]
    image = image.reshape(batch, m * s, n * t, channels)
    height, width = (
        (size - 1) * s - 2 * p + k + op
        for size, s, p, k, op in zip(
            x.shape[1:3], strides, pair(padding), kernel.shape[:2], pair(output_padding)
        )
    )
    return image[:, :height, :width]


def _phases(size: int, taps: int, stride: int, padding: int, output_padding: int):
    """The dense convolutions whose outputs, interleaved, are a transposed one along one axis.

    Output j = s m + a meets only the taps t = a + p (mod s): with t = t_0 + s u and
    q = (a + p - t_0) / s,  y[s m + a] = sum_u x[m + q - u] w[t_0 + s u].
    Returns per phase a the taps (last first, as a convolution wants them) and the padding.
    """
    if stride > taps:
        raise ValueError(f'a stride of {stride} exceeds the {taps} taps of the kernel')
    length = -(-((size - 1) * stride - 2 * padding + taps + output_padding) // stride)
    phases = []
    for a in range(stride):
        q, first = divmod(a + padding, stride)
        count = len(range(first, taps, stride))
        indices = slice(first + stride * (count - 1), None, -stride)
        low = count - 1 - q
        phases.append((indices, (low, length - size - low + count - 1)))
    return phases


def _fold(kernel: Array) -> Array:
    """The sum of a kernel's four copies shifted by (0 or 1, 0 or 1): [k+1, k+1, C_in, C_out]."""
    return sum(
        jnp.pad(kernel, ((a, 1 - a), (b, 1 - b), (0, 0), (0, 0))) for a in (0, 1) for b in (0, 1)
    )


def _check_odd(kernel: Array) -> Pair:
    height, width = kernel.shape[:2]
    if not (height % 2 and width % 2):
        raise ValueError(f'the kernel must have odd sides, not {height}x{width}')
    return (height - 1) // 2, (width - 1) // 2


def upsample(x: Array) -> Array:
    """Repeats every pixel twice along both axes: [B, H, W, C] -> [B, 2H, 2W, C]."""
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)


def pool(x: Array) -> Array:
    """Averages 2x2 pixels, dropping an odd last row or column: [B, H, W, C] -> [B, H/2, W/2, C]."""
    return nn.avg_pool(x, (2, 2), strides=(2, 2))


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """Upsamples images by two with nearest neighbours, then convolves them with SAME padding.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out], odd.  Returns [B, 2H, 2W, C_out].
    Raises ValueError if the kernel has an even side.
    """
    padding = _check_odd(kernel)
    if padding == (0, 0):
        return upsample(convolve(x, kernel))
    # A pixel reaches both of its copies, hence the fold; a transposed convolution flips.
    return transposed_convolve(x, _fold(kernel[::-1, ::-1]), 2, padding)


def convolve_pool(x: Array, kernel: Array) -> Array:
    """Convolves images with SAME padding, then averages 2x2 pixels.

    x: [B, H, W, C_in]; kernel: [kh, kw, C_in, C_out], odd.  Returns [B, H // 2, W // 2, C_out].
    Raises ValueError if the kernel has an even side.
    """
    height, width = _check_odd(kernel)
    if (height, width) == (0, 0):
        return convolve(pool(x), kernel)
    return convolve(x, _fold(kernel) / 4, 2, ((height, height), (width, width)))


class _Layer(nn.Module):
    """A layer with parameters `kernel` [kh, kw, C_in, C_out] and `bias` [C_out], as nn.Conv's."""

    features: int
    kernel_size: int | Pair = 3
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()
    bias_init: Callable = nn.initializers.zeros

    def transform(self, x: Array, kernel: Array) -> Array:
        raise NotImplementedError

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (*pair(self.kernel_size), x.shape[-1], self.features)
        y = self.transform(x, self.param('kernel', self.kernel_init, shape))
        return y + self.param('bias', self.bias_init, (self.features,)) if self.use_bias else y


class Conv(_Layer):
    """`convolve` with its own kernel: [B, H, W, C] -> [B, H', W', features]."""

    strides: int | Pair = 1
    padding: str | tuple[Pair, Pair] = 'SAME'

    def transform(self, x: Array, kernel: Array) -> Array:
        return convolve(x, kernel, self.strides, self.padding)


class UpsampleConv(_Layer):
    """`upsample_convolve` with its own kernel: [B, H, W, C] -> [B, 2H, 2W, features]."""

    def transform(self, x: Array, kernel: Array) -> Array:
        return upsample_convolve(x, kernel)


class ConvPool(_Layer):
    """`convolve_pool` with its own kernel: [B, H, W, C] -> [B, H // 2, W // 2, features]."""

    def transform(self, x: Array, kernel: Array) -> Array:
        return convolve_pool(x, kernel)


class ConvTranspose(_Layer):
    """`transposed_convolve` with its own kernel: [B, H, W, C] -> [B, s H, s W, features]."""

    kernel_size: int | Pair = 4
    strides: int | Pair = 2
    padding: int | Pair | None = None
    output_padding: int | Pair = 0

    def transform(self, x: Array, kernel: Array) -> Array:
        return transposed_convolve(x, kernel, self.strides, self.padding, self.output_padding)

"""Convolutions for XLA:CPU: closed under differentiation, each in the form that runs fastest.

XLA:CPU runs some convolutions up to 100 times slower than others, and the derivatives that JAX
derives meet them, above all where a gradient penalty is differentiated. The derivatives of each
of the three functions here are the other two, so those of every order meet fast forms alone. What
they do not offer is forward-mode differentiation (jax.jvp).

The comments give milliseconds on two cores for a batch of 64 in float32 (of 128, with strides):
XLA's own form, then the one chosen.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

from gan_jax.models.conv import winograd, xla
from gan_jax.models.conv.axis import Axes
from gan_jax.models.conv.parts import count_parts, sum_parts
from gan_jax.models.conv.phases import interleave, pad_taps, phases


def _convolution(axes: Axes, x: Array, kernel: Array) -> Array:
    """y[j] = sum_t x[s j + t - p] w[t]."""
    height, width, inputs, outputs = kernel.shape
    # Many channels.  3x3 at 32, 128 channels: 104, 60; 4x4 with strides of 2: 98, 79.
    if _is_wide(axes, x, inputs, outputs):
        return winograd.convolution(axes, x, kernel)

    (s, m), (t, n) = ((axis.stride, axis.outputs) for axis in axes)
    taps = [(row, column) for row in range(height) for column in range(width)]
    edges = [(0, 0, 0), *((*axis.padding, 0) for axis in axes), (0, 0, 0)]

    def shifted(image: Array, row: int, column: int) -> Array:
        image = lax.pad(image, jnp.zeros((), image.dtype), edges)
        return image[:, row : row + s * m : s, column : column + t * n : t]

    # One channel: patches are small.  4x4 with strides of 2 from 28, to 64 channels: 1.6, 0.9.
    # A kernel larger than the image.  3x3 at 2 pixels, 512 channels: 1044, 13.
    if inputs == 1 or any(axis.taps > axis.size for axis in axes):
        patches = jnp.concatenate([shifted(x, *tap) for tap in taps], axis=-1)
        return patches @ kernel.reshape(-1, outputs)
    # Few outputs: multiply before the taps are gathered.  3x3 at 32, 256 channels to 3: 114, 24.
    if len(taps) * s * t * outputs <= inputs:
        products = jnp.tensordot(x, kernel, (3, 2))  # [B, H, W, kh, kw, C_out]
        return sum(shifted(products[:, :, :, row, column], row, column) for row, column in taps)
    return xla.convolution(axes, x, kernel)


def _input_gradient(axes: Axes, dy: Array, kernel: Array) -> Array:
    """dx[i] = sum_{j, t: s j + t - p = i} dy[j] w[t]."""
    # 4x4 with strides of 2 from 32, 128 channels: 125, 96.
    if _is_wide(axes, dy, *kernel.shape[2:]):
        return winograd.input_gradient(axes, dy, kernel)
    # A dense convolution of dy for each phase: XLA dilates dy with zeros.
    kernel = pad_taps(axes, kernel).swapaxes(2, 3)
    dx = [
        _convolution(tuple(axis.transposed for axis in dense), dy, kernel[taps][::-1, ::-1])
        for _, taps, dense in phases(axes)
    ]
    return interleave(axes, dx)


def _kernel_gradient(axes: Axes, x: Array, dy: Array) -> Array:
    """dw[t] = sum_j x[s j + t - p] dy[j]: a convolution whose channels are the batch."""
    # 3x3 at 32, 128 channels: 134, 82; 4x4 with strides of 2: 141, 89.
    if _is_wide(axes, x, x.shape[-1], dy.shape[-1]):
        return winograd.kernel_gradient(axes, x, dy)
    # The time per image grows with the batch: parts of 8 MB.  3x3 at 32, 128 channels: 381, 146.
    parts = count_parts(len(x), max(x.size, dy.size) >> 21)
    return sum_parts(partial(_correlation, axes), parts, x, dy)


def _correlation(axes: Axes, x: Array, dy: Array) -> Array:
    """The kernel gradient with dy as the kernel, or with x where that is the faster."""

    def correlate(images: Array, kernel: Array, padding: Sequence[tuple[int, int]]) -> Array:
        # XLA:CPU leaves other orders of dimensions to a slow path where it finds them in a loop.
        dw = lax.conv_general_dilated(
            images.transpose(3, 1, 2, 0),
            kernel.transpose(1, 2, 0, 3),
            window_strides=(1, 1),
            padding=padding,
            rhs_dilation=[axis.stride for axis in axes],
            dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
        )
        return dw.transpose(1, 2, 0, 3)

    # A kernel larger than its image.  2x2 from 8 to 9, 128 channels to 256: 1229, 37.
    larger = any(axis.outputs > axis.size for axis in axes)
    # The image is what XLA gathers taps of: the fewer channels.  3x3 at 32, 256 to 3: 145, 70.
    fewer = dy.shape[1:3] == x.shape[1:3] and dy.shape[-1] < x.shape[-1]
    if _is_dense(axes) and (larger or fewer):
        padding = [(a.taps - 1 - a.low, a.size - a.outputs + a.low) for a in axes]
        return correlate(dy, x, padding)[::-1, ::-1].swapaxes(2, 3)
    return correlate(x, dy, [axis.padding for axis in axes])


def _is_dense(axes: Axes) -> bool:
    return all(axis.stride == 1 for axis in axes)


def _is_wide(axes: Axes, images: Array, inputs: int, outputs: int) -> bool:
    """Whether fewer multiplications are worth the additions that they cost, and their rounding."""
    few_taps = all(-(-axis.taps // axis.stride) in winograd.FILTERS for axis in axes)
    wide = inputs * outputs >= 1 << 14 and min(inputs, outputs) >= 64
    return few_taps and wide and images.dtype == jnp.float32


convolution = jax.custom_vjp(_convolution, nondiff_argnums=(0,))
input_gradient = jax.custom_vjp(_input_gradient, nondiff_argnums=(0,))
kernel_gradient = jax.custom_vjp(_kernel_gradient, nondiff_argnums=(0,))


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
    convolution,
    lambda axes, x, w, dy: input_gradient(axes, dy, w),
    lambda axes, x, w, dy: kernel_gradient(axes, x, dy),
)
_differentiate(
    input_gradient,
    lambda axes, dy, w, x: convolution(axes, x, w),
    lambda axes, dy, w, x: kernel_gradient(axes, x, dy),
)
_differentiate(
    kernel_gradient,
    lambda axes, x, dy, w: input_gradient(axes, dy, w),
    lambda axes, x, dy, w: convolution(axes, x, w),
)

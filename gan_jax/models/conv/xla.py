"""Convolutions as XLA computes and differentiates them: on GPUs and TPUs."""

from jax import Array, lax

from gan_jax.models.conv.axis import Axes

DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')


def convolution(axes: Axes, x: Array, kernel: Array) -> Array:
    """y[j] = sum_t x[s j + t - p] w[t]."""
    strides, padding = zip(*((axis.stride, axis.padding) for axis in axes))
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=DIMENSIONS)


def input_gradient(axes: Axes, dy: Array, kernel: Array) -> Array:
    """The transpose in x: the convolution of dy, dilated with zeros, with the flipped kernel."""
    padding = []
    for axis in axes:
        dilated, low = axis.stride * (axis.outputs - 1) + 1, axis.taps - 1 - axis.low
        padding.append((low, axis.size + axis.taps - 1 - dilated - low))
    return lax.conv_general_dilated(
        dy,
        kernel[::-1, ::-1].swapaxes(2, 3),
        (1, 1),
        padding,
        lhs_dilation=[axis.stride for axis in axes],
        dimension_numbers=DIMENSIONS,
    )

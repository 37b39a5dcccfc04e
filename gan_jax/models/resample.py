"""Resampling by two through a low-pass filter, so that what is too fine for the grid is not folded.

A filter is separable, and few shifted sums along each axis: no convolution is needed for it. Beyond
the image there are zeros.
"""

from jax import Array, lax, numpy as jnp

from gan_jax.models.conv import convolve, transposed_convolve

BINOMIAL_3 = 1, 2, 1  # Karras et al. 2019's
BINOMIAL_4 = 1, 3, 3, 1  # Karras et al. 2020's


def blur(x: Array, taps: tuple[int, ...] = BINOMIAL_3, padding: int = 1) -> Array:
    """Filters images along both axes, of which brightness is kept.

    x: [B, H, W, C]; padding: rows and columns of zeros on either side.  Returns [B, H', W', C],
    H' = H + 2 padding - len(taps) + 1.
    """
    zero = jnp.zeros((), x.dtype)
    x = lax.pad(x, zero, ((0, 0, 0), (padding, padding, 0), (padding, padding, 0), (0, 0, 0)))
    for axis in (1, 2):
        size = x.shape[axis] - len(taps) + 1
        x = sum(
            weight / sum(taps) * lax.slice_in_dim(x, tap, tap + size, axis=axis)
            for tap, weight in enumerate(taps)
        )
    return x


def upsample(x: Array) -> Array:
    """Doubles images bilinearly: [B, H, W, C] -> [B, 2H, 2W, C], with zeros beyond the edges.

    Between the pixels go zeros, and then the filter [1, 3, 3, 1] / 4 along both axes.
    """
    for axis in (1, 2):
        before, after = _shift(x, 1, axis), _shift(x, -1, axis)
        pairs = jnp.stack([before + 3 * x, 3 * x + after], axis + 1) / 4
        x = pairs.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x


def downsample(x: Array) -> Array:
    """Halves images: the filter [1, 3, 3, 1] / 8 along both axes, then every second pixel.

    Raises:
      ValueError: an odd side.
    """
    if x.shape[1] % 2 or x.shape[2] % 2:
        raise ValueError(f'{x.shape[1]}x{x.shape[2]} pixels cannot be halved')
    for axis in (1, 2):
        even, odd = (lax.slice_in_dim(x, i, x.shape[axis], 2, axis) for i in (0, 1))
        x = (_shift(odd, 1, axis) + 3 * even + 3 * odd + _shift(even, -1, axis)) / 8
    return x


def _shift(x: Array, by: int, axis: int) -> Array:
    """Moves images by one pixel along an axis, zeros following."""
    edges = [(0, 0, 0)] * x.ndim
    edges[axis] = (by, -by, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), edges)


def convolve_up(x: Array, kernel: Array) -> Array:
    """A transposed convolution with strides of two, then the filter.

    x: [B, H, W, C_in]; kernel: [3, 3, C_in, C_out].  Returns [B, 2H, 2W, C_out].
    """
    return 4 * blur(transposed_convolve(x, kernel, strides=2, padding=0), BINOMIAL_4, 1)


def convolve_down(x: Array, kernel: Array) -> Array:
    """The filter, then a convolution with strides of two.

    x: [B, H, W, C_in]; kernel: [k, k, C_in, C_out], k odd.  Returns [B, H // 2, W // 2, C_out].
    """
    padding = 1 + len(kernel) // 2
    return convolve(blur(x, BINOMIAL_4, padding), kernel, strides=2, padding='VALID')

"""A strided convolution as dense ones: every s-th row and column of its images, and their taps."""

from collections.abc import Iterator, Sequence

import jax.numpy as jnp
from jax import Array

from gan_jax.models.conv.axis import Axes

Slices = tuple[slice, ...]


def phases(axes: Axes) -> Iterator[tuple[Slices, Slices, Axes]]:
    """Yields, row by row, a phase's part of x, its taps and its dense convolution.

    Of x [B, H, W, C] with `pad_rows` and of the kernel with `pad_taps`.
    """
    for rows, row_taps, height in axes[0].phases():
        for columns, column_taps, width in axes[1].phases():
            yield (slice(None), rows, columns), (row_taps, column_taps), (height, width)


def interleave(axes: Axes, images: Sequence[Array]) -> Array:
    """Makes x of its phases."""
    s, t = (axis.stride for axis in axes)
    rows = [jnp.stack(images[a * t : (a + 1) * t], axis=3) for a in range(s)]
    x = jnp.stack(rows, axis=2)
    batch, m, _, n, _, channels = x.shape
    return x.reshape(batch, m * s, n * t, channels)[:, : axes[0].size, : axes[1].size]


def pad_rows(axes: Axes, x: Array) -> Array:
    """Appends zeros to x: all phases have as many rows."""
    missing = [(0, -axis.size % axis.stride) for axis in axes]
    return jnp.pad(x, ((0, 0), *missing, (0, 0)))


def pad_taps(axes: Axes, kernel: Array) -> Array:
    """Appends taps of zero to a kernel smaller than its stride: a phase has at least one."""
    missing = [(0, max(0, axis.stride - axis.taps)) for axis in axes]
    return jnp.pad(kernel, (*missing, (0, 0), (0, 0)))

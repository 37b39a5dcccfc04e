"""Affine maps of images that neither blur nor alias them: Karras et al. 2020 (ADA), appendix B.

An image is continued by its reflections, doubled by an orthogonal wavelet's low-pass filter, read
between its pixels, and halved by the same filter. All of it is linear in the image, and made of
slices, sums and a gather, so that penalties may differentiate through it twice.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Array = jax.Array

# The scaling filter of the symlet with six vanishing moments (Daubechies 1992), whose even shifts
# are orthonormal; here its sum is 1.
SYMLET6 = np.array(
    [
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    ]
) / np.sqrt(2)
_MARGIN = len(SYMLET6) // 4  # pixels around the image that its halved borders read, on each side


def warp(images: Array, inverse: Array) -> Array:
    """Returns images whose pixel at x is that of the given ones at `inverse` x.

    Args:
      images: [B, H, W, C].
      inverse: [B, 3, 3], affine maps of (x, y, 1) in pixels from the image's centre. What they find
        beyond the image is its reflection, once in each direction; farther away it is 0.
    """
    height, width = images.shape[1:3]
    pads = ((0, 0), (height - 1,) * 2, (width - 1,) * 2, (0, 0))
    fine = jnp.pad(images, pads, mode='reflect')
    for axis in (1, 2):
        fine = _double(fine, axis)
    # A doubled image's pixel lies half of its size away from the pixel that it is made of.
    y, x = (
        (jnp.arange(2 * size) + 1 - size) / 2
        for size in (height + 2 * _MARGIN, width + 2 * _MARGIN)
    )
    x, y = (
        2 * (row[:, 0, None, None] * x + row[:, 1, None, None] * y[:, None] + row[:, 2, None, None])
        - 0.5
        for row in (inverse[:, 0], inverse[:, 1])
    )
    fine = _read(fine, y + (fine.shape[1] - 1) / 2, x + (fine.shape[2] - 1) / 2)
    for axis in (1, 2):
        fine = _halve(fine, axis)
    return fine


def _filter(images: Array, taps: np.ndarray, axis: int, first: int, size: int) -> Array:
    """out[i] = sum_k taps[k] images[first + i + k] along an axis, for `size` pixels."""
    return sum(
        tap * lax.slice_in_dim(images, first + k, first + k + size, axis=axis)
        for k, tap in enumerate(taps)
    )


def _double(images: Array, axis: int) -> Array:
    """Twice the pixels along an axis: zeros between them, then twice the filter."""
    size, taps = images.shape[axis], 2 * SYMLET6[::-1]
    pads = [(0, 0)] * images.ndim
    pads[axis] = (_MARGIN, _MARGIN)
    images = jnp.pad(images, pads)
    phases = [_filter(images, taps[phase::2], axis, phase, size) for phase in (0, 1)]
    return jnp.stack(phases, axis + 1).reshape(
        *images.shape[:axis], 2 * size, *images.shape[axis + 1 :]
    )


def _halve(images: Array, axis: int) -> Array:
    """The filter, then every other pixel along an axis, without the margins."""
    size = images.shape[axis] // 2 - 2 * _MARGIN
    odd, even = (lax.slice_in_dim(images, first, None, stride=2, axis=axis) for first in (1, 2))
    return _filter(odd, SYMLET6[0::2], axis, 0, size) + _filter(even, SYMLET6[1::2], axis, 0, size)


def _read(images: Array, y: Array, x: Array) -> Array:
    """Images [B, H, W, C] between their pixels, at rows y and columns x [B, h, w]: bilinear."""
    (batch, height, width, channels), shape = images.shape, y.shape
    y, x = y.reshape(batch, -1, 1), x.reshape(batch, -1, 1)
    row = jnp.clip(jnp.floor(y), 0, height - 2)
    column = jnp.clip(jnp.floor(x), 0, width - 2)
    # Windows of 2x2 pixels: on CPUs the transpose of four single ones takes twice as long.
    windows = lax.gather(
        images,
        jnp.concatenate([row, column], axis=-1).astype(jnp.int32),
        lax.GatherDimensionNumbers(
            offset_dims=(2, 3, 4),
            collapsed_slice_dims=(),
            start_index_map=(1, 2),
            operand_batching_dims=(0,),
            start_indices_batching_dims=(0,),
        ),
        (1, 2, 2, channels),
        mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
    )
    of_rows, of_columns = (
        jax.nn.relu(1 - jnp.abs(at - first - jnp.arange(2)))
        for at, first in ((y, row), (x, column))
    )
    values = windows * (of_rows[..., :, None] * of_columns[..., None, :])[..., None]
    return jnp.sum(values, axis=(2, 3)).reshape(*shape, channels)

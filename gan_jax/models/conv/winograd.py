"""Convolutions with fewer multiplications: Winograd 1980; Lavin and Gray 2016, arXiv 1509.09308.

Two outputs of a filter w of r taps cost r + 1 products instead of 2 r, by small constant matrices:

    y = A^T [(G w) * (B^T x)],    of which the transpose in w is    w = G^T [(A y) * (B^T x)].

Along both axes these are 4/9 of the multiplications of 3x3 taps and 9/16 of those of 2x2. A
strided convolution is the sum of dense ones, by the phases of its axes.

The products are matrix products over the tiles of 2x2 outputs. Their operands are several times
the size of the images, so a batch is taken in parts.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from gan_jax.models.conv.axis import Axes, Axis
from gan_jax.models.conv.parts import count_parts, map_parts, sum_parts
from gan_jax.models.conv.phases import interleave, pad_rows, pad_taps, phases

# Multiplications of a matrix product below which XLA:CPU leaves it to one core.
_PRODUCT = 1 << 24

Matrix = Sequence[Sequence[float]]


class _Filter(NamedTuple):
    """Two outputs of r taps."""

    inputs: Matrix  # B^T: [r + 1, r + 1]
    taps: Matrix  # G: [r + 1, r]
    outputs: Matrix  # A^T: [2, r + 1]


FILTERS = {
    1: _Filter(
        inputs=((1, 0), (0, 1)),
        taps=((1,), (1,)),
        outputs=((1, 0), (0, 1)),
    ),
    2: _Filter(
        inputs=((1, -1, 0), (0, 1, 0), (0, 1, -1)),
        taps=((1, 0), (1, 1), (0, 1)),
        outputs=((1, 1, 0), (0, 1, -1)),
    ),
    3: _Filter(
        inputs=((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
        taps=((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
        outputs=((1, 1, 1, 0), (0, 1, -1, -1)),
    ),
}


# Whole convolutions, of at most three taps in a phase.


def convolution(axes: Axes, x: Array, kernel: Array) -> Array:
    """y[j] = sum_t x[s j + t - p] w[t]."""
    kernel = pad_taps(axes, kernel)
    groups = {}  # phases of as many taps are one product over the channels of them all
    for rows, taps, dense in phases(axes):
        phase = rows, dense, _kernel_points(dense, kernel[taps])
        groups.setdefault(tuple(axis.taps for axis in dense), []).append(phase)
    groups = [tuple(zip(*group)) for group in groups.values()]

    def convolve(x: Array) -> Array:
        x = pad_rows(axes, x)
        return sum(
            _outputs(
                denses[0],
                jnp.concatenate([_tiles(dense, x[r]) for r, dense in zip(rows, denses)], axis=-1),
                jnp.concatenate(points, axis=1),
            )
            for rows, denses, points in groups
        )

    return map_parts(convolve, _count_parts(axes, len(x), kernel.shape), x)


def input_gradient(axes: Axes, dy: Array, kernel: Array) -> Array:
    """dx[i] = sum_{j, t: s j + t - p = i} dy[j] w[t]: a dense convolution for each phase of dx."""
    kernel = pad_taps(axes, kernel)
    denses = []
    for _, taps, dense in phases(axes):
        transposed = tuple(axis.transposed for axis in dense)
        flipped = kernel[taps][::-1, ::-1].swapaxes(2, 3)
        denses.append((transposed, _kernel_points(transposed, flipped)))

    def differentiate(dy: Array) -> Array:
        return interleave(
            axes, [_outputs(dense, _tiles(dense, dy), points) for dense, points in denses]
        )

    return map_parts(differentiate, _count_parts(axes, len(dy), kernel.shape), dy)


def kernel_gradient(axes: Axes, x: Array, dy: Array) -> Array:
    """dw[t] = sum_j x[s j + t - p] dy[j]."""
    shape = (*(axis.taps for axis in axes), x.shape[-1], dy.shape[-1])

    def differentiate(x: Array, dy: Array) -> list[Array]:
        x = pad_rows(axes, x)
        return [
            _contract(_tiles(dense, x[rows]), _output_points(dense, dy), 1)
            for rows, _, dense in phases(axes)
        ]

    products = sum_parts(differentiate, _count_parts(axes, len(x), shape), x, dy)
    dw = pad_taps(axes, jnp.zeros(shape, x.dtype))
    for (_, taps, dense), points in zip(phases(axes), products):
        dw = dw.at[taps].set(_taps(dense, points))
    return dw[: shape[0], : shape[1]]


# Tiles of a dense convolution: along the rows, then along the columns, whose points come first.


def _tiles(axes: Axes, x: Array) -> Array:
    """B^T x of every tile: [points, tiles, C]."""
    for axis, dimension in zip(axes, (-3, -2)):
        last = 2 * _count_tiles(axis) + axis.taps - 1 - axis.size - axis.low
        x = _points(FILTERS[axis.taps].inputs, _pad(x, dimension, axis.low, last), dimension)
    return x.reshape(len(x) * x.shape[1], -1, x.shape[-1])


def _output_points(axes: Axes, dy: Array) -> Array:
    """A dy of every tile: [points, tiles, C_out]."""
    for axis, dimension in zip(axes, (-3, -2)):
        dy = _pad(dy, dimension, 0, 2 * _count_tiles(axis) - axis.outputs)
        dy = _points(_transpose(FILTERS[axis.taps].outputs), dy, dimension)
    return dy.reshape(len(dy) * dy.shape[1], -1, dy.shape[-1])


def _points(matrix: Matrix, x: Array, dimension: int) -> Array:
    """The matrix times every tile: a new first dimension."""
    # A tile begins at every second row and is as long as the matrix has columns.
    long = len(matrix[0])
    end = x.shape[dimension] - long + 1
    rows = [lax.slice_in_dim(x, i, end + i, 2, dimension % x.ndim) for i in range(long)]
    return jnp.stack(_multiply(matrix, rows))


def _outputs(axes: Axes, tiles: Array, points: Array) -> Array:
    """A^T [(G w) * (B^T x)] of all tiles: [B, H', W', C_out]."""
    (height, rows), (width, columns) = ((_count_tiles(a), FILTERS[a.taps].outputs) for a in axes)
    y = _contract(tiles, points, 2)
    y = y.reshape(len(columns[0]), len(rows[0]), -1, height, width, y.shape[-1])
    y = jnp.stack(_multiply(columns, y), axis=-2).reshape(*y.shape[1:4], 2 * width, -1)
    y = jnp.stack(_multiply(rows, y), axis=-3).reshape(y.shape[1], 2 * height, 2 * width, -1)
    return y[:, : axes[0].outputs, : axes[1].outputs]


def _kernel_points(axes: Axes, kernel: Array) -> Array:
    """G w: [points, C_in, C_out]."""
    rows, columns = (FILTERS[axis.taps].taps for axis in axes)
    kernel = jnp.stack(_multiply(rows, kernel), axis=1)
    kernel = jnp.stack(_multiply(columns, kernel))
    return kernel.reshape(-1, *kernel.shape[2:])


def _taps(axes: Axes, points: Array) -> Array:
    """G^T w: [kh, kw, C_in, C_out] of [points, C_in, C_out]."""
    rows, columns = (_transpose(FILTERS[axis.taps].taps) for axis in axes)
    dw = points.reshape(len(columns[0]), len(rows[0]), *points.shape[1:])
    dw = jnp.stack(_multiply(columns, dw), axis=1)
    return jnp.stack(_multiply(rows, dw))


def _count_tiles(axis: Axis) -> int:
    return -(-axis.outputs // 2)


def _pad(x: Array, dimension: int, low: int, high: int) -> Array:
    """Zeros along one dimension; fewer than none cut it."""
    edges = [(0, 0, 0)] * x.ndim
    edges[dimension] = low, high, 0
    return lax.pad(x, jnp.zeros((), x.dtype), edges)


def _multiply(matrix: Matrix, arrays: Sequence[Array]) -> list[Array]:
    """matrix @ arrays, written out: most entries are 0, 1 or -1."""
    return [sum(c * a for c, a in zip(row, arrays) if c) for row in matrix]


def _transpose(matrix: Matrix) -> Matrix:
    return list(zip(*matrix))


def _contract(a: Array, b: Array, axis: int) -> Array:
    """A matrix product for each point, over `axis` of a and the first of b's two."""
    return lax.dot_general(a, b, (((axis,), (1,)), ((0,), (0,))))


def _count_parts(axes: Axes, batch: int, kernel: Sequence[int]) -> int:
    """As many parts as leave every matrix product to all cores."""
    tiles = math.prod(_count_tiles(axis) for axis in axes)
    images = math.ceil(_PRODUCT / (tiles * math.prod(kernel[2:])))
    return count_parts(batch, batch // images)

"""What a convolution does along one axis of its images."""

from collections.abc import Iterator
from typing import NamedTuple


class Axis(NamedTuple):
    """A convolution y[j] = sum_t x[s j + t - p] w[t]."""

    size: int  # of x
    taps: int  # of w
    stride: int  # s
    low: int  # p, the zeros before x
    outputs: int  # the size of y

    @property
    def padding(self) -> tuple[int, int]:
        """The zeros before and after x; negative where its last rows meet no tap."""
        return self.low, (self.outputs - 1) * self.stride + self.taps - self.size - self.low

    def phases(self) -> Iterator[tuple[slice, slice, 'Axis']]:
        """Every s-th row of x, the taps that it meets, and their convolution, which is dense.

        Row s m + a meets the taps t = a + p (mod s): with a + p = s q + t_0 and t = t_0 + s u,
        y[j] = sum_a sum_u x[s (j + u - q) + a] w[t_0 + s u]. The rows are those of x with zeros
        up to a multiple of s, the taps those of w with zeros up to s.
        """
        rows = -(-self.size // self.stride)
        for a in range(self.stride):
            q, first = divmod(a + self.low, self.stride)
            taps = max(1, len(range(first, self.taps, self.stride)))
            every = slice(a, None, self.stride), slice(first, None, self.stride)
            yield *every, Axis(rows, taps, 1, q, self.outputs)

    @property
    def transposed(self) -> 'Axis':
        """Of a dense convolution: the one of dy with the flipped kernel that makes dx."""
        return Axis(self.outputs, self.taps, 1, self.taps - 1 - self.low, self.size)


Axes = tuple[Axis, Axis]

"""Resizing as the scores of the field were computed with it."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def resize_as_tensorflow_1(images: Array, size: tuple[int, int]) -> Array:
    """Resizes bilinearly as TensorFlow 1 did: float32 [B, H, W, C] -> [B, *size, C].

    Pixel i of n lies at i H / n of the original, without half a pixel's shift and without
    smoothing: what is now called legacy. Down to the bit on a CPU.
    """
    (top, bottom, down), (left, right, across) = (
        _neighbours(old, new) for old, new in zip(images.shape[1:3], size)
    )
    rows = images[:, top], images[:, bottom]
    upper, lower = (
        row[:, :, left] + (row[:, :, right] - row[:, :, left]) * across[:, None] for row in rows
    )
    return upper + (lower - upper) * down[:, None, None]


def _neighbours(old: int, new: int) -> tuple[np.ndarray, np.ndarray, Array]:
    """The pixels before and after each new one, and how far it is from the first."""
    places = np.arange(new, dtype=np.float32) * np.float32(old / new)
    before = places.astype(np.int32)
    return before, np.minimum(before + 1, old - 1), jnp.asarray(places - before, jnp.float32)

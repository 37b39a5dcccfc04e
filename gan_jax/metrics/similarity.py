"""How alike images are: MS-SSIM, Wang et al. 2003, doi 10.1109/ACSSC.2003.1292216."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax.metrics.bootstrap import Estimate, mean_estimate
from gan_jax.usage import UsageError

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first
_WINDOW, _SIGMA = 11, 1.5  # pixels
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # C1 and C2 of pixels in 0 .. 255
_BATCH = 64  # pairs at a time


class PairSimilarity(NamedTuple):
    """The mean MS-SSIM of pairs of images: 1 where all are the same, less where they differ."""

    mean: Estimate
    scales: int  # 5 from 176 pixels on; similarities of different ones do not compare


def pair_similarity(images: np.ndarray, pairs: int = 1000, seed: int = 0) -> PairSimilarity:
    """Returns the similarity of random pairs of images, [N, H, W, C] in 0 .. 255.

    Of one class it measures how diverse that is: Odena et al. 2017, arXiv 1610.09585. Images that
    are too small for five scales are compared at as many as there are.

    Raises:
      UsageError: fewer than two images, or images of fewer than 11 pixels.
    """
    count, side = len(images), min(images.shape[1:3])
    if count < 2:
        raise UsageError(f'{count} images are too few, 2 are needed')
    if side < _WINDOW:
        raise UsageError(
            f'images of {side} pixels are too small for MS-SSIM, which needs {_WINDOW}'
        )
    scales = min(len(_WEIGHTS), (side // _WINDOW).bit_length())
    random = np.random.default_rng(seed)
    one = random.integers(0, count, pairs)
    other = (one + random.integers(1, count, pairs)) % count  # never the same image
    values = [
        np.asarray(ms_ssim(images[one[i : i + _BATCH]], images[other[i : i + _BATCH]], scales))
        for i in range(0, pairs, _BATCH)
    ]
    return PairSimilarity(mean_estimate(np.concatenate(values)), scales)


@partial(jax.jit, static_argnames='scales')
def ms_ssim(x: Array, y: Array, scales: int = len(_WEIGHTS)) -> Array:
    """Returns the similarity of each image to its partner: [B, H, W, C] in 0 .. 255 -> [B].

    The contrasts and structures of all scales and the luminance of the coarsest, each to the power
    of its weight; with fewer than five scales their weights are scaled to a sum of 1. Channels are
    compared apart. A scale halves the one before by the means of 2x2 pixels and leaves an odd row
    out.
    """
    weights = np.divide(_WEIGHTS[:scales], sum(_WEIGHTS[:scales]))
    x, y = (images.astype(jnp.float32) for images in (x, y))
    similarity = 1.0
    for scale, weight in enumerate(weights):
        luminance, structure = _compare(x, y)
        factor = luminance * structure if scale == scales - 1 else structure
        similarity *= jnp.maximum(jnp.mean(factor, axis=(1, 2)), 0) ** weight
        x, y = _halve(x), _halve(y)
    return jnp.mean(similarity, axis=-1)


def _compare(x: Array, y: Array) -> tuple[Array, Array]:
    """(2 m m' + C1) / (m^2 + m'^2 + C1) and (2 c + C2) / (s^2 + s'^2 + C2) of each window."""
    mean_x, mean_y = _blur(x), _blur(y)
    variances = _blur(x * x) - mean_x**2 + _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _LUMINANCE) / (mean_x**2 + mean_y**2 + _LUMINANCE)
    return luminance, (2 * covariance + _CONTRAST) / (variances + _CONTRAST)


def _blur(x: Array) -> Array:
    """The Gaussian mean of each whole window: [B, H, W, C] -> [B, H - 10, W - 10, C]."""
    down, across = (_windows(size) for size in x.shape[1:3])
    return jnp.einsum('ih,bhwc,jw->bijc', down, x, across, precision='highest')


def _windows(size: int) -> np.ndarray:
    """The weights of every window of a line of pixels: [size - 10, size]."""
    middle = np.arange(size - _WINDOW + 1)[:, None] + _WINDOW // 2
    away = np.arange(size) - middle
    weights = np.where(np.abs(away) <= _WINDOW // 2, np.exp(-(away**2) / (2 * _SIGMA**2)), 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _halve(x: Array) -> Array:
    batch, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))

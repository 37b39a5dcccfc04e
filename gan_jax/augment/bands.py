"""An image's octave bands, each louder or quieter: Karras et al. 2020 (ADA), appendix B."""

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array

# Daubechies' scaling filter with two vanishing moments, which is the symlet's too.
_SYMLET2 = np.array([1 - 3**0.5, 3 - 3**0.5, 3 + 3**0.5, 1 + 3**0.5]) / (4 * 2**0.5)


def _band_filters(octaves: int) -> np.ndarray:
    """Returns [1 + octaves, taps], the lowest band first; together they let everything pass."""
    high = _SYMLET2 * (-1) ** np.arange(4)
    low_pass, high_pass = (np.convolve(h, h[::-1]) / 2 for h in (_SYMLET2, high))
    filters = [np.ones(1)]
    for _ in range(octaves):
        longer = []
        for taps in filters:
            spaced = np.zeros(2 * len(taps) - 1)
            spaced[::2] = taps
            longer.append(np.convolve(spaced, low_pass))
        margin = (len(longer[0]) - len(high_pass)) // 2
        filters = [*longer, np.pad(high_pass, margin)]
    return np.stack(filters)


BAND_FILTERS = _band_filters(octaves=3)
# What natural images have of each, the power of their spectra falling as 1 / f.
_POWER = np.array([10, 1, 1, 1]) / 13


def band_gains(amplitudes: Array) -> Array:
    """Returns gains [B, 4] that scale bands one after the other by amplitudes [B, 4].

    After each band's turn all are scaled back to the power that natural images have.
    """
    gains = 1.0
    for band, one in enumerate(np.eye(len(_POWER))):
        turn = jnp.where(one, amplitudes[:, band, None], 1.0)
        gains *= turn / jnp.sqrt(jnp.sum(_POWER * jnp.square(turn), axis=-1, keepdims=True))
    return gains


def amplify(images: Array, gains: Array) -> Array:
    """Scales each image's bands by its gains [B, 4], along both axes; beyond it is reflected."""
    taps = jnp.einsum('bg,gt->tb', gains, BAND_FILTERS, precision='highest')[..., None, None, None]
    margin = len(taps) // 2
    for axis in (1, 2):
        pads = [(0, 0)] * images.ndim
        pads[axis] = (margin, margin)
        padded, size = jnp.pad(images, pads, mode='reflect'), images.shape[axis]
        images = sum(
            tap * jax.lax.slice_in_dim(padded, k, k + size, axis=axis) for k, tap in enumerate(taps)
        )
    return images

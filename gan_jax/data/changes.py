"""Fixed changes of stored images, which make a second domain of any set: uint8 [h, w, C] both."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

# How far a row moves, as a share of its height above the middle: digits lean by 17 degrees.
SLANT = 0.3


def keep(image: np.ndarray) -> np.ndarray:
    """Returns the image as it is."""
    return image


def outline(image: np.ndarray) -> np.ndarray:
    """Returns the morphological gradient: the brightest of 3x3 pixels less the darkest.

    Twice it, cut at 255: the edges of digits are blurred.
    """
    brightest, darkest = (
        _by_pillow(image, lambda picture, rank=rank: picture.filter(rank(3)))
        for rank in (ImageFilter.MaxFilter, ImageFilter.MinFilter)
    )
    return np.minimum(2 * (brightest.astype(np.int32) - darkest), 255).astype(np.uint8)


def slanted_inverse(image: np.ndarray) -> np.ndarray:
    """Returns the negative of the image leaning to the right."""
    return 255 - slant(image, SLANT)


def slant(image: np.ndarray, share: float) -> np.ndarray:
    """Moves each row to the right by a share of its height above the middle; black moves in."""
    height = image.shape[0]
    middle = (height - 1) / 2
    # Where each pixel comes from: the column x + share (y - middle), the same row.
    affine = (1, share, -share * middle, 0, 1, 0)
    return _by_pillow(
        image,
        lambda picture: picture.transform(
            picture.size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
        ),
    )


def _by_pillow(image: np.ndarray, function: Callable) -> np.ndarray:
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return np.asarray(function(picture)).reshape(image.shape)


CHANGES = {'none': keep, 'outline': outline, 'slanted_inverse': slanted_inverse}

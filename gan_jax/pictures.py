"""Images between the networks' [-1, 1] and a person's eyes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.files import replacing


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Rounds [-1, 1] to 0..255, the inverse of how data are normalised."""
    return np.clip(np.rint((np.asarray(images, np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)


def to_signed(images: np.ndarray) -> np.ndarray:
    """Returns uint8 images as networks take them: float32 in [-1, 1]."""
    return images / np.float32(127.5) - 1


def beside(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns what a grid shows of each sample or example: [N, H', W', C].

    The 'picture' that samples have besides their image; or all images of an example, side by side.
    """
    images = [array for array in arrays.values() if array.ndim == 4]
    return arrays['picture'] if 'picture' in arrays else np.concatenate(images, axis=2)


def make_grid(images: np.ndarray, columns: int, shortest: int = 64) -> np.ndarray:
    """Tiles uint8 images [N, H, W, C] into one [H', W', C], row by row, a gap between them.

    Small images are enlarged, smoothly, by a whole factor to at least `shortest` pixels: a person
    reads an 8x8 digit by its strokes, not by its squares.
    """
    count, height, width, channels = images.shape
    factor = max(1, -(-shortest // min(height, width)))
    height, width = height * factor, width * factor
    gap = 2
    rows = -(-count // columns)
    cell_height, cell_width = height + gap, width + gap
    grid = np.full((rows * cell_height + gap, columns * cell_width + gap, channels), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * cell_height + gap, (index % columns) * cell_width + gap
        grid[top : top + height, left : left + width] = enlarge(image, (width, height))
    return grid


def square(count: int) -> int:
    """Returns the columns of a grid of so many images that is about as high as wide."""
    return int(np.ceil(np.sqrt(count)))


def enlarge(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a uint8 image [H, W, C] of another width and height, its curves smooth."""
    enlarged = _to_pillow(image).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(enlarged).reshape(size[1], size[0], -1)


def _to_pillow(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[:, :, 0] if image.shape[-1] == 1 else image)


def save_png(path: str | Path, image: np.ndarray) -> None:
    """Writes a uint8 image [H, W, C] of 1, 3 or 4 channels."""
    with replacing(Path(path)) as partial:
        _to_pillow(image).save(partial, format='PNG')

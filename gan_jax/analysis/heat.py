"""Numbers of pixels as colours: maps by themselves, and maps over images."""

import numpy as np

from gan_jax import pictures

# A map's colours from nothing to the greatest: black, orange, white.
_RAMP = np.array([[16, 18, 22], [224, 112, 24], [255, 250, 240]], np.float32)
_OVER = _RAMP[1]  # laid over an image
_MARK = np.array([0, 200, 255], np.uint8)


def to_rgb(images: np.ndarray) -> np.ndarray:
    """Returns uint8 images [n, H, W, C] with three channels."""
    return images.repeat(3, axis=-1) if images.shape[-1] == 1 else images[..., :3]


def coloured(maps: np.ndarray) -> np.ndarray:
    """Numbers [n, H, W] as colours [n, H, W, 3], every map by its own greatest."""
    shares = maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-30)
    places = np.linspace(0, 1, len(_RAMP))
    return (
        np.stack([np.interp(shares, places, channel) for channel in _RAMP.T], axis=-1)
        .round()
        .astype(np.uint8)
    )


def overlaid(image: np.ndarray, shares: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image [H, W, 3] more orange where shares [h, w] are near 1; `size` is width and height."""
    under = pictures.enlarge(image, size)
    opacity = np.round(255 * shares).astype(np.uint8)[..., None]
    over = 0.9 * pictures.enlarge(opacity, size) / 255
    return np.round(under * (1 - over) + _OVER * over).astype(np.uint8)


def marked(image: np.ndarray, place: tuple[float, float]) -> np.ndarray:
    """An image [H, W, 3] with a dot at a place, its row and column as shares of the image."""
    height, width, _ = image.shape
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(rows - place[0] * height, columns - place[1] * width)
    radius = max(height, width) / 22
    image = np.where((away < 1.5 * radius)[..., None], np.uint8(0), image)
    return np.where((away < radius)[..., None], _MARK, image)

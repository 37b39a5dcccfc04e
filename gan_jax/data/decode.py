"""From any stored image to uint8 [H, W, C] on the host: one stated rule for every Pillow mode."""

import numpy as np
from PIL import Image, ImageOps

MODES = {1: 'L', 3: 'RGB', 4: 'RGBA'}
BACKGROUNDS = {'white': 255, 'black': 0, 'drop': None}


def to_channels(image: Image.Image, channels: int, alpha: str) -> Image.Image:
    """Turns an image of any mode upright (EXIF) and into 1 (grey), 3 (RGB) or 4 (RGBA) channels.

    * Grey is ITU-R 601 luma; grey to colour repeats; 4 channels of an opaque image end in 255.
    * 1, L, P, RGB, CMYK, YCbCr, HSV become RGB as Pillow does it; colour profiles are ignored.
    * I;16 and I hold 16 bits: divided by 257, rounded. F holds [0, 1]: times 255, rounded.
    * Transparency (LA, PA, RGBA, a transparent colour of 1, L, P, RGB) is kept with 4 channels.
      With fewer, the image is laid over `alpha`, 'white' or 'black'; 'drop' takes its colours as
      they are stored.

    Raises ValueError for values outside those ranges and for modes Pillow cannot convert (LAB).
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith('I'):
        image = _scale_to_uint8(image, 65535)
    elif image.mode == 'F':
        image = _scale_to_uint8(image, 1)
    if image.has_transparency_data:
        image = image.convert('RGBA')
        if channels != 4:
            image = _forget_transparency(image, BACKGROUNDS[alpha])
    elif image.mode not in ('1', 'L', 'RGB'):
        image = image.convert('RGB')
    mode = MODES[channels]
    return image if image.mode == mode else image.convert(mode)


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scales an image, its aspect kept, until it just covers (H, W), and cuts out the centre.

    The filter is Pillow's bicubic, which averages where it shrinks. An image that has the size
    already keeps every pixel.
    """
    height, width = size
    if image.size == (width, height):
        return image
    scale = max(width / image.width, height / image.height)
    covering = max(width, round(image.width * scale)), max(height, round(image.height * scale))
    image = image.resize(covering, Image.Resampling.BICUBIC)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def to_array(image: Image.Image) -> np.ndarray:
    """Returns the pixels of an L, RGB or RGBA image: uint8 [H, W, C]."""
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array


def _forget_transparency(image: Image.Image, background: int | None) -> Image.Image:
    if background is not None:
        canvas = Image.new('RGBA', image.size, (background, background, background, 255))
        image = Image.alpha_composite(canvas, image)
    return image.convert('RGB')


def _scale_to_uint8(image: Image.Image, top: int) -> Image.Image:
    values = np.asarray(image).astype(np.float64)
    # Written so that NaN fails too.
    if not (values.min() >= 0 and values.max() <= top):
        found = f'{values.min():g} .. {values.max():g}'
        raise ValueError(f'an image of mode {image.mode} must hold 0 .. {top}, not {found}')
    return Image.fromarray(np.rint(values * 255 / top).astype(np.uint8))

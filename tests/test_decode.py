"""Decoding on the host: one stated rule for every mode of an image."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import decode


def palette(transparent):
    image = Image.new('P', (1, 1), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    if transparent:
        image.info['transparency'] = 1
    return image


def keyed_rgb():
    image = Image.new('RGB', (1, 1), (200, 100, 50))
    image.info['transparency'] = (200, 100, 50)
    return image


COLOUR = (200, 100, 50)  # its luma is 124
MODES = {
    '1': (Image.new('1', (1, 1), 1), 255, (255,) * 3, (255,) * 4),
    'L': (Image.new('L', (1, 1), 100), 100, (100,) * 3, (100, 100, 100, 255)),
    'LA': (Image.new('LA', (1, 1), (100, 51)), 224, (224,) * 3, (100, 100, 100, 51)),
    'P': (palette(False), 124, COLOUR, (*COLOUR, 255)),
    'P transparent': (palette(True), 255, (255,) * 3, (*COLOUR, 0)),
    'RGB': (Image.new('RGB', (1, 1), COLOUR), 124, COLOUR, (*COLOUR, 255)),
    'RGB transparent': (keyed_rgb(), 255, (255,) * 3, (*COLOUR, 0)),
    'RGBA': (Image.new('RGBA', (1, 1), (*COLOUR, 51)), 229, (244, 224, 214), (*COLOUR, 51)),
    'CMYK': (Image.new('CMYK', (1, 1), (55, 155, 205, 0)), 124, COLOUR, (*COLOUR, 255)),
    'YCbCr': (Image.new('YCbCr', (1, 1), (76, 85, 255)), 76, (254, 0, 0), (254, 0, 0, 255)),
    'HSV': (Image.new('HSV', (1, 1), (0, 255, 255)), 76, (255, 0, 0), (255, 0, 0, 255)),
    'I;16': (Image.new('I;16', (1, 1), 25700), 100, (100,) * 3, (100, 100, 100, 255)),
    'I;16B': (Image.new('I;16B', (1, 1), 25700), 100, (100,) * 3, (100, 100, 100, 255)),
    'I': (Image.new('I', (1, 1), 129), 1, (1,) * 3, (1, 1, 1, 255)),
    'F': (Image.new('F', (1, 1), 0.2), 51, (51,) * 3, (51, 51, 51, 255)),
}


@pytest.mark.parametrize('mode', MODES)
def test_each_mode_becomes_each_number_of_channels(mode):
    image, *expected = MODES[mode]
    for channels, value in zip((1, 3, 4), expected, strict=True):
        array = decode.to_array(decode.to_channels(image, channels, 'white'))
        assert array.dtype == np.uint8 and array.shape == (1, 1, channels)
        np.testing.assert_array_equal(array[0, 0], value)


@pytest.mark.parametrize(
    'alpha, grey, colour',
    [('white', 229, (244, 224, 214)), ('black', 25, (40, 20, 10)), ('drop', 124, COLOUR)],
)
def test_transparency_is_laid_over_a_background_or_dropped(alpha, grey, colour):
    image = MODES['RGBA'][0]
    assert decode.to_channels(image, 1, alpha).getpixel((0, 0)) == grey
    assert decode.to_channels(image, 3, alpha).getpixel((0, 0)) == colour
    assert decode.to_channels(image, 4, alpha).getpixel((0, 0)) == (*COLOUR, 51)


def test_sixteen_bits_are_divided_by_257_and_rounded():
    values = np.array([[0, 128, 129, 257, 65406, 65407, 65535]], np.uint16)
    image = decode.to_channels(Image.fromarray(values), 1, 'white')
    assert decode.to_array(image).ravel().tolist() == [0, 0, 1, 1, 254, 255, 255]


@pytest.mark.parametrize(
    'image',
    [
        Image.new('I', (1, 1), 70000),
        Image.new('F', (1, 1), 2.0),
        Image.new('F', (1, 1), float('nan')),
    ],
)
def test_values_out_of_range_are_refused(image):
    with pytest.raises(ValueError, match=image.mode):
        decode.to_channels(image, 1, 'white')


def test_resize_covers_and_cuts_out_the_centre_and_leaves_the_right_size_alone():
    stripes = np.repeat(np.array([0, 100, 200], np.uint8), 20)[None].repeat(20, axis=0)
    wide = Image.fromarray(stripes)  # 20 high, 60 wide
    assert decode.resize(wide, (20, 60)) is wide
    assert set(np.unique(np.asarray(decode.resize(wide, (20, 20))))) == {100}
    assert decode.resize(wide, (5, 9)).size == (9, 5)
    assert decode.resize(wide, (30, 7)).size == (7, 30)
    assert decode.resize(wide, (200, 600)).size == (600, 200)
    middle = np.asarray(decode.resize(wide, (10, 30)))  # the same aspect: nothing is cut
    assert (middle[:, [5, 15, 25]] == [0, 100, 200]).all()

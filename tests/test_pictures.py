"""Pixels, grids and PNG files."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import make_grid, save_png, to_uint8

EVERY_PIXEL = np.arange(256, dtype=np.uint8)
every_channels = pytest.mark.parametrize('channels', (1, 3, 4))


def test_every_pixel_value_comes_back():
    """to_uint8 is the inverse of x / 127.5 - 1, which is how images enter the networks."""
    np.testing.assert_array_equal(to_uint8(EVERY_PIXEL.astype(np.float32) / 127.5 - 1), EVERY_PIXEL)


@pytest.mark.parametrize(
    'value, pixel',
    [(-1.0, 0), (0.999, 255), (1.0, 255), (-1.2, 0), (7.0, 255), (0.5 / 127.5, 128), (-0.1, 115)],
)
def test_values_are_rounded_and_clipped(value, pixel):
    """The nearest whole pixel; beyond [-1, 1] the ends, and never around the corner."""
    image = to_uint8(np.full((1, 1, 1), value))
    assert image.dtype == np.uint8
    assert image.item() == pixel


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    'count, columns, size, shortest, shape',
    [
        (6, 3, (8, 8), 8, (2 * 10 + 2, 3 * 10 + 2)),
        (5, 3, (8, 8), 8, (2 * 10 + 2, 3 * 10 + 2)),  # the last row is not full
        (2, 4, (8, 8), 8, (10 + 2, 4 * 10 + 2)),  # nor is the only one
        (4, 2, (8, 8), 64, (2 * 66 + 2, 2 * 66 + 2)),  # eight times the size
        (4, 2, (28, 20), 64, (2 * (4 * 28 + 2) + 2, 2 * (4 * 20 + 2) + 2)),  # 80 is above 64
        (1, 1, (64, 96), 64, (64 + 4, 96 + 4)),
        (1, 1, (200, 100), 64, (200 + 4, 100 + 4)),
    ],
)
@every_channels
def test_a_grid_has_room_for_every_image_and_gap(count, columns, size, shortest, shape, channels):
    """Rows of `columns` images, enlarged by a whole factor, two white pixels around each."""
    images = np.zeros((count, *size, channels), np.uint8)
    grid = make_grid(images, columns, shortest)
    assert grid.shape == (*shape, channels) and grid.dtype == np.uint8


@every_channels
def test_a_grid_holds_the_images_row_by_row(channels):
    """Image 4 of 3 columns is the second of the second row; what is left over is white."""
    images = noise(5, 8, 6, channels)
    grid = make_grid(images, columns=3, shortest=6)
    inside = np.zeros(grid.shape, bool)
    for index, image in enumerate(images):
        top, left = 2 + 10 * (index // 3), 2 + 8 * (index % 3)
        np.testing.assert_array_equal(grid[top : top + 8, left : left + 6], image)
        inside[top : top + 8, left : left + 6] = True
    assert np.all(grid[~inside] == 255)


@every_channels
def test_an_enlarged_image_keeps_its_place_and_its_colour(channels):
    """A tile of one colour stays that colour, channel by channel."""
    colour = np.array([10, 100, 200, 255], np.uint8)[-channels:]
    grid = make_grid(np.full((1, 8, 8, channels), colour, np.uint8), columns=1)
    np.testing.assert_array_equal(grid[2:-2, 2:-2], np.broadcast_to(colour, (64, 64, channels)))
    assert np.all(grid[:2] == 255) and np.all(grid[:, -2:] == 255)


def test_an_enlarged_image_is_not_turned():
    """Bright top right corners stay at the top right."""
    image = np.zeros((1, 8, 8, 1), np.uint8)
    image[0, :4, 4:] = 255
    tile = make_grid(image, columns=1)[2:-2, 2:-2, 0]
    quarters = [tile[:28, :28], tile[:28, -28:], tile[-28:, :28], tile[-28:, -28:]]
    assert [bool(np.mean(quarter) > 128) for quarter in quarters] == [False, True, False, False]


@pytest.mark.parametrize('channels, mode', [(1, 'L'), (3, 'RGB'), (4, 'RGBA')])
def test_a_png_comes_back_as_it_was_and_leaves_no_other_file(channels, mode, tmp_path):
    """Grey, RGB and RGBA files are lossless and of the right mode; a second write replaces."""
    for image in (noise(5, 7, channels), 255 - noise(5, 7, channels)):
        save_png(tmp_path / 'image.png', image)
        with Image.open(tmp_path / 'image.png') as file:
            assert (file.format, file.mode) == ('PNG', mode)
            np.testing.assert_array_equal(np.asarray(file).reshape(image.shape), image)
    assert [path.name for path in tmp_path.iterdir()] == ['image.png']


def test_a_failed_write_leaves_the_old_png(tmp_path, monkeypatch):
    """A disk that fills up half way spoils neither the file nor its readers."""
    file, image = tmp_path / 'image.png', noise(5, 7, 3)
    save_png(file, image)
    before = file.read_bytes()

    def fill_up(self, path, **options):
        path.write_bytes(b'half a file')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Image.Image, 'save', fill_up)
    with pytest.raises(OSError, match='No space'):
        save_png(file, 255 - image)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]

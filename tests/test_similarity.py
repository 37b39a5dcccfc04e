"""MS-SSIM against another implementation, and how alike it finds the pairs of a set."""

import json
from pathlib import Path

import numpy as np
import pytest

from gan_jax import metrics
from gan_jax.metrics.similarity import ms_ssim
from gan_jax.usage import UsageError
from tests.reference.make_similarity import draw

CASES = json.loads((Path(__file__).parent / 'reference' / 'similarity.json').read_text())['cases']


@pytest.mark.parametrize('case', CASES, ids=lambda case: 'x'.join(map(str, case['sizes'])))
def test_it_is_pytorch_msssims(case):
    x, y = draw(*case['sizes'])
    scales = case['sizes'][-1]
    np.testing.assert_allclose(ms_ssim(x, y, scales), case['ms_ssim'], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('side, scales', [(11, 1), (21, 1), (22, 2), (32, 2), (175, 4), (176, 5)])
def test_small_images_have_fewer_scales(side, scales):
    """And images that are all the same are as alike as can be, in odd sizes too."""
    images = np.random.default_rng(0).integers(0, 256, (1, side, side + 1, 1), np.uint8)
    said = metrics.pair_similarity(images.repeat(2, axis=0), pairs=3)
    assert said.scales == scales
    assert said.mean == pytest.approx((1, 1, 1), abs=1e-5)


def test_a_set_of_fewer_pictures_is_less_diverse():
    """Of n pictures as frequent, a pair is twice the same one in about 1 case of n."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (8, 16, 16, 3), np.uint8)
    many, two = (
        metrics.pair_similarity(pictures[random.integers(0, number, 200)], pairs=400).mean
        for number in (8, 2)
    )
    assert many.high < two.low
    assert two.low < 0.5 < two.high  # noises that differ have no structure in common


def test_no_image_is_compared_with_itself():
    black_and_white = np.array([0, 255], np.uint8)[:, None, None, None] * np.ones((12, 12, 1))
    assert metrics.pair_similarity(black_and_white, pairs=50).mean.high < 0.01


@pytest.mark.parametrize(
    'shape, message',
    [
        ((2, 32, 10, 3), 'images of 10 pixels are too small for MS-SSIM'),
        ((1, 32, 32, 3), '1 images'),
    ],
)
def test_what_has_no_similarity_is_said(shape, message):
    with pytest.raises(UsageError, match=message):
        metrics.pair_similarity(np.zeros(shape, np.uint8))

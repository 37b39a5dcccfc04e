"""The network of FID against torch-fidelity's, with the same drawn weights."""

from functools import cache

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import metrics
from gan_jax.metrics.inception import Inception, extractor, from_torch
from gan_jax.metrics.inception.resize import resize_as_tensorflow_1
from tests.reference.make_inception import FILE, draw_state, images

STORED = np.load(FILE)
every_size = pytest.mark.parametrize('size', images())


@cache
def variables():
    return from_torch(draw_state())


@cache
def network():
    return extractor(variables())


@every_size
def test_resizing_is_torch_fidelitys_to_the_bit(size):
    resized = resize_as_tensorflow_1(images()[size].astype(np.float32), (299, 299))
    np.testing.assert_array_equal(resized[0, ::23, ::29], STORED[f'{size}_resized'])


def test_resizing_to_the_same_size_changes_nothing_and_takes_the_nearest_without_a_shift():
    image = images()['small'].astype(np.float32)
    np.testing.assert_array_equal(resize_as_tensorflow_1(image, (32, 32)), image)
    np.testing.assert_array_equal(resize_as_tensorflow_1(image, (16, 8)), image[:, ::2, ::4])


@every_size
def test_features_are_torch_fidelitys_at_every_depth(size):
    _, state = jax.jit(lambda x: Inception().apply(variables(), x, capture_intermediates=True))(
        images()[size]
    )
    depths = {
        '64': 'Conv2d_2b_3x3',
        '192': 'Conv2d_4a_3x3',
        '768': 'Mixed_6e',
        '2048': 'Mixed_7c',
    }
    for depth, name in depths.items():
        x = state['intermediates'][name]['__call__'][0]
        if name.startswith('Conv2d'):  # theirs are behind the pooling
            x = flax.linen.max_pool(x, (3, 3), (2, 2))
        assert_close(jnp.mean(x, (1, 2)), STORED[f'{size}_{depth}'])


@every_size
def test_extracted_features_are_torch_fidelitys(size):
    said = network()(images()[size])
    for features, depth in zip(said, ('2048', 'logits_unbiased')):
        assert_close(features, STORED[f'{size}_{depth}'])


def assert_close(features, expected):
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_score_of_images_in_batches_is_that_of_all_at_once():
    """As the README has it."""
    batch = np.concatenate([images()['small'], images()['small'][:, ::-1]])
    whole = metrics.summarize(network()(batch).pooled)
    parts = metrics.summarize(network()(part).pooled for part in (batch[:2], batch[2:]))
    assert metrics.fid(whole, parts) == pytest.approx(0, abs=1e-6 * np.trace(whole.covariance))

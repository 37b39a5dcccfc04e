"""Layers with an equalised learning rate, against the formula written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models.conv import Conv, ConvPool, UpsampleConv, convolve_pool, upsample_convolve
from gan_jax.models.equalized import EqualizedConv, EqualizedDense

KEY = jax.random.key(0)


def test_a_dense_layer_is_the_formula():
    """y = x (w gain / sqrt(fan_in) multiplier) + b multiplier."""
    layer = EqualizedDense(5, gain=1.5, lr_multiplier=0.01, bias=1.0)
    x = jax.random.normal(KEY, (3, 7))
    params = layer.init(KEY, x)['params']
    np.testing.assert_allclose(params['bias'], 100.0)
    expected = x @ (params['kernel'] * 1.5 * 0.01 / np.sqrt(7)) + 1.0
    np.testing.assert_allclose(layer.apply({'params': params}, x), expected, atol=1e-6)


@pytest.mark.parametrize(
    'convolve, plain',
    (
        ({}, Conv),
        ({'convolve': upsample_convolve}, UpsampleConv),
        ({'convolve': convolve_pool}, ConvPool),
    ),
)
def test_a_convolution_is_the_plain_one_with_scaled_weights(convolve, plain):
    x = jax.random.normal(KEY, (2, 4, 4, 6))
    layer = EqualizedConv(5, **convolve)
    params = layer.init(KEY, x)['params']
    params['bias'] += jnp.arange(5)
    scaled = {'kernel': params['kernel'] * np.sqrt(2 / (9 * 6)), 'bias': params['bias']}
    np.testing.assert_allclose(
        layer.apply({'params': params}, x), plain(5).apply({'params': scaled}, x), atol=1e-5
    )


@pytest.mark.parametrize('fan_in', [8, 512])
@pytest.mark.parametrize('lr_multiplier', [1.0, 0.01])
def test_weights_begin_at_one_scale_and_outputs_with_unit_variance(fan_in, lr_multiplier):
    layer = EqualizedDense(2048, gain=1.0, lr_multiplier=lr_multiplier)
    x = jax.random.normal(KEY, (64, fan_in))
    params = layer.init(KEY, x)['params']
    assert np.std(params['kernel']) == pytest.approx(1 / lr_multiplier, rel=0.05)
    assert np.std(layer.apply({'params': params}, x)) == pytest.approx(1, rel=0.05)

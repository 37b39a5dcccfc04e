"""The residual pair with its shortcuts, and without: a block is then its residual path alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import relu

from configs.shared import residual
from gan_jax.models import build_network
from gan_jax.models.conv import convolve, convolve_pool, pool, upsample_convolve
from gan_jax.usage import UsageError


def networks(**shortcut):
    sections = residual.networks(
        generator=dict(width=4, blocks=1, normalization='none', **shortcut),
        discriminator=dict(width=4, downsamples=(True, False), **shortcut),
    )
    given = dict(image_shape=(4, 4, 1))
    return [build_network(section, **given) for section in sections.values()]


def drawn(network, x):
    """Returns variables of which no bias is nothing."""
    params = network.init(jax.random.key(0), x)['params']
    keys = iter(jax.random.split(jax.random.key(1), len(jax.tree.leaves(params))))
    return jax.tree.map(lambda w: 0.3 * jax.random.normal(next(keys), w.shape), params)


def test_the_generators_blocks_are_sums_or_plain():
    z = jax.random.normal(jax.random.key(2), (3, 128))
    for kind in ('residual', 'none'):
        network, _ = networks(shortcut=kind)
        params = drawn(network, z)

        def layer(name, function, x, params=params):
            return function(x, params[name]['kernel']) + params[name]['bias']

        x = layer('Dense_0', jnp.matmul, z).reshape(3, 2, 2, 4)
        y = layer('UpsampleConv_0', upsample_convolve, relu(x))
        y = layer('Conv_0', convolve, relu(y))
        if kind == 'residual':
            y += layer('UpsampleConv_1', upsample_convolve, x)
        assert ('UpsampleConv_1' in params) == (kind == 'residual')
        expected = jnp.tanh(layer('Conv_1', convolve, relu(y)))
        np.testing.assert_allclose(network.apply({'params': params}, z), expected, atol=1e-5)


def test_the_discriminators_blocks_are_sums_or_plain():
    image = jax.random.normal(jax.random.key(2), (3, 8, 8, 1))
    for kind in ('residual', 'none'):
        _, network = networks(shortcut=kind)
        params = drawn(network, image)

        def layer(name, function, x, params=params):
            return function(x, params[name]['kernel']) + params[name]['bias']

        residual = kind == 'residual'
        x = layer('ConvPool_0', convolve_pool, relu(layer('Conv_0', convolve, image)))
        x += layer('Conv_1', convolve, pool(image)) if residual else 0
        y = layer('ConvPool_1', convolve_pool, relu(layer('Conv_2', convolve, relu(x))))
        x = y + (layer('ConvPool_2', convolve_pool, x) if residual else 0)
        y = layer('Conv_4', convolve, relu(layer('Conv_3', convolve, relu(x))))
        x = y + (x if residual else 0)
        expected = layer('Dense_0', jnp.matmul, relu(x).mean((1, 2)))[:, 0]
        np.testing.assert_allclose(network.apply({'params': params}, image), expected, atol=1e-5)
        left_out = {'Conv_1', 'ConvPool_2'} & params.keys()
        assert len(left_out) == (2 if residual else 0)


def test_shortcuts_are_residual_unless_said_otherwise():
    assert [network.shortcut for network in networks()] == [
        network.shortcut for network in networks(shortcut='residual')
    ]
    with pytest.raises(UsageError, match="did you mean 'residual'"):
        networks(shortcut='residal')

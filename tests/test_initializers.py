"""Initialisers, by the names that a config gives them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base, gan, wgan_gp
from gan_jax.models import build_network, layers

SHAPE = (3, 3, 64, 32)
FAN_IN, FAN_OUT = 9 * 64, 9 * 32
NORMAL_WITHIN_TWO = 0.7737  # the variance of a standard normal number that lies in [-2, 2]

# name -> (fields, variance)
VARIANCES = {
    'normal': (dict(stddev=0.02), 0.02**2),
    'truncated_normal': (dict(stddev=0.02), 0.02**2 * NORMAL_WITHIN_TWO),
    'orthogonal': (dict(scale=1.5), 1.5**2 / FAN_IN),  # unit columns of 3 * 3 * 64
    'glorot_normal': (dict(), 2 / (FAN_IN + FAN_OUT)),
    'glorot_uniform': (dict(), 2 / (FAN_IN + FAN_OUT)),
    'he_normal': (dict(), 2 / FAN_IN),
    'he_uniform': (dict(), 2 / FAN_IN),
    'lecun_normal': (dict(), 1 / FAN_IN),
    'lecun_uniform': (dict(), 1 / FAN_IN),
    'variance_scaling': (
        dict(scale=3.0, mode='fan_out', distribution='truncated_normal'),
        3 / FAN_OUT,
    ),
}


@pytest.mark.parametrize('name', layers.INITIALIZERS)
def test_an_initialiser_has_the_variance_of_its_formula(name):
    """18,432 weights: within a twentieth of it, and around zero."""
    fields, variance = VARIANCES[name]
    section = base.initializer(name, **fields)
    weights = np.asarray(layers.initializer(section)(jax.random.key(0), SHAPE))
    assert weights.shape == SHAPE and weights.dtype == np.float32
    np.testing.assert_allclose(np.var(weights), variance, rtol=0.05)
    assert abs(np.mean(weights)) < 5 * np.sqrt(variance / weights.size)
    # The largest of so many lies at sqrt(3) standard deviations where uniform, beyond 2 elsewhere.
    farthest = np.max(np.abs(weights)) / np.sqrt(variance)
    assert (farthest < np.sqrt(3.01)) == name.endswith('uniform')


def test_the_configs_initialisers_have_the_gain_they_name():
    """Glorot's variance 2 / (fan_in + fan_out), and twice that within a residual block."""
    for section, gain in ((base.GLOROT_INIT, 1), (base.RESIDUAL_INIT, np.sqrt(2))):
        weights = layers.initializer(section)(jax.random.key(0), SHAPE)
        expected = gain**2 * 2 / (FAN_IN + FAN_OUT)
        np.testing.assert_allclose(np.var(weights), expected, rtol=0.05)


@pytest.mark.parametrize('name', layers.INITIALIZERS)
@pytest.mark.parametrize('system', (gan, wgan_gp))
def test_a_config_may_name_any_initialiser(system, name):
    """Its other fields, which are another one's, stand as they are."""
    spec = system.get_config().networks.discriminator
    spec.kernel_init.name = name
    network = build_network(spec)
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((2, 8, 8, 1)))
    assert jax.tree.leaves(shapes['params'])

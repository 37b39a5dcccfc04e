"""Conjugate directions: exact on a quadratic, as their formulas say, and never uphill."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from configs import base
from gan_jax.conjugate import CONJUGATES
from gan_jax.optim import build_optimizer

RULES = [name for name in CONJUGATES if name != 'none']
every_rule = pytest.mark.parametrize('name', RULES)
RNG = np.random.default_rng(0)
GRADIENTS = RNG.normal(size=(6, 5)).astype(np.float32)


def split(vector):
    """Returns a vector as the weights of two layers."""
    return {'kernel': vector[:4].reshape(2, 2), 'bias': vector[4:]}


def joined(tree):
    return np.concatenate([np.ravel(tree['kernel']), np.ravel(tree['bias'])]).astype(np.float64)


def gradient_norms(name, size=5):
    """Returns |g| after each step from the same point, with an exact line search each."""
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(size, size)))[0]
    matrix = basis @ np.diag(np.arange(1.0, size + 1)) @ basis.T
    x = np.random.default_rng(2).normal(size=size)
    state = CONJUGATES[name].init(split(jnp.zeros(size)))
    norms = []
    for _ in range(size):
        g = matrix @ x
        updates, state = CONJUGATES[name].update(split(jnp.float32(g)), state)
        d = -joined(updates)
        x = x - (g @ d) / (d @ matrix @ d) * d
        norms.append(np.linalg.norm(matrix @ x))
    return norms


@every_rule
def test_as_many_steps_as_dimensions_find_a_quadratics_minimum(name):
    """Over all of a player's weights, in one space; steepest descent is far from it then."""
    norms = gradient_norms(name)
    assert norms[-1] < 1e-4 < 1e-2 < norms[-2]


def test_steepest_descent_does_not():
    """It has no directions to remember."""
    _, plain = CONJUGATES['none'], optax.identity()
    basis = np.diag(np.arange(1.0, 6))
    x = np.ones(5)
    for _ in range(5):
        g = joined(plain.update(split(basis @ x), plain.init(None))[0])
        x = x - (g @ g) / (g @ basis @ g) * g
    assert np.linalg.norm(basis @ x) > 0.1


BETAS = {
    'fletcher_reeves': lambda g, old, d: g @ g / (old @ old),
    'polak_ribiere': lambda g, old, d: max(0, g @ (g - old) / (old @ old)),
    'hestenes_stiefel': lambda g, old, d: g @ (g - old) / (d @ (g - old)),
    'dai_yuan': lambda g, old, d: g @ g / (d @ (g - old)),
}


@every_rule
def test_every_direction_is_its_papers(name):
    """Against the formula in float64 on any gradients; one that does not descend starts again."""
    update = jax.jit(CONJUGATES[name].update)
    state, old, d, restarts = CONJUGATES[name].init(split(GRADIENTS[0])), None, None, 0
    for gradient in GRADIENTS:
        g = gradient.astype(np.float64)
        if old is None:
            d = -g
        else:
            d = -g + BETAS[name](g, old, d) * d
            if g @ d >= 0:
                d, restarts = -g, restarts + 1
        old = g
        updates, state = update(split(gradient), state)
        np.testing.assert_allclose(-joined(updates), d, rtol=1e-3, atol=1e-4)
        assert joined(updates) @ g > 0
    assert restarts or name == 'polak_ribiere'


@every_rule
def test_a_players_optimiser_takes_steps_along_it(name):
    """With plain gradient descent, the rate times the direction."""
    spec = ConfigDict(base.optimizer_fields(name='sgd', learning_rate=0.1, conjugate=name))
    optimizer = build_optimizer(spec, steps=10, updates_per_step=1)
    weights, state = split(jnp.zeros(5)), CONJUGATES[name].init(split(GRADIENTS[0]))
    opt = optimizer.init(weights)
    for gradient in map(split, GRADIENTS[:3]):
        updates, opt = optimizer.update(gradient, opt, weights)
        direction, state = CONJUGATES[name].update(gradient, state)
        np.testing.assert_allclose(joined(updates), -0.1 * joined(direction), rtol=1e-5)

"""The Dirac-GAN of Mescheder et al. 2018, arXiv 1801.04406: eigenvalues that are known.

All real images are 0, all generated ones theta, and D(x) = psi x: the gradient vector field is
v = (-d L_G / d theta, -d L_D / d psi). Its Jacobian at the equilibrium (0, 0) says whether training
converges there. With f' the slope of a loss at logits of 0 the paper's section 3 has

    no regularisation                   +- i f'
    instance noise of deviation s       f'' s^2 +- sqrt(f''^2 s^4 - f'^2)
    R1 of weight gamma                  -gamma / 2 +- sqrt(gamma^2 / 4 - f'^2)

and for steps of size h and alternating ones 1 - a^2 / 2 +- sqrt((1 - a^2 / 2)^2 - 1) with a = h f',
which lie on the unit circle up to a = 2, while simultaneous ones lie outside of it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.losses import LOSSES
from gan_jax.penalties import r1, r2

# By loss: the logit of an image that could be of either kind, and the slope f' there.
SLOPES = {
    'minimax': (0, 1 / 2),
    'non_saturating': (0, 1 / 2),
    'least_squares': (1 / 2, 1 / 2),
    'wasserstein': (0, 1),
    'hinge': (0, 1),
    'relativistic': (0, 1 / 2),
    'relativistic_average': (0, 1),
}


def field(name, *penalties, gamma=0.0, noise=()):
    """Returns v(w), w = (theta, psi), of a loss with weighted penalties."""
    loss, (undecided, _) = LOSSES[name](), SLOPES[name]

    def images(position):
        # Two points have the noise's mean and variance, all that the Jacobian at 0 depends on.
        return (position + jnp.array(noise or (0.0,))).reshape(-1, 1, 1, 1)

    def logits(theta, psi):
        return (psi * images(x).reshape(-1) + undecided for x in (0, theta))

    def generator_loss(theta, psi):
        return loss.generator(*logits(theta, psi))

    def discriminator_loss(theta, psi):
        def critic(x):
            return psi * x.reshape(-1)

        added = sum(penalty(critic, images(0), images(theta), None) for penalty in penalties)
        return loss.discriminator(*logits(theta, psi)) + gamma * added

    def v(w):
        theta, psi = w
        return -jnp.stack(
            [jax.grad(generator_loss, 0)(theta, psi), jax.grad(discriminator_loss, 1)(theta, psi)]
        )

    return v


def eigenvalues(function):
    """Returns those of the function's Jacobian at the equilibrium, in order."""
    return np.sort_complex(np.linalg.eigvals(jax.jacobian(function)(jnp.zeros(2))))


def roots(middle, square):
    """middle +- sqrt(square), in order."""
    return np.sort_complex(middle + np.array([-1, 1]) * np.sqrt(complex(square)))


@pytest.mark.parametrize('name', LOSSES)
def test_without_regularisation_the_players_circle_the_equilibrium(name):
    """No real part: neither attracted nor repelled, whatever the loss."""
    _, slope = SLOPES[name]
    np.testing.assert_allclose(eigenvalues(field(name)), roots(0, -(slope**2)), atol=1e-6)


@pytest.mark.parametrize('gamma', (0.1, 1.0, 3.0))
@pytest.mark.parametrize('penalties', ((r1,), (r2,), (r1, r2)))
@pytest.mark.parametrize('name', LOSSES)
def test_zero_centred_penalties_draw_them_in(name, penalties, gamma):
    """As the paper says of either penalty; both, as in R3GAN, are one of twice the weight."""
    v = field(name, *penalties, gamma=gamma)
    _, slope = SLOPES[name]
    total = gamma * len(penalties)
    expected = roots(-total / 2, total**2 / 4 - slope**2)
    np.testing.assert_allclose(eigenvalues(v), expected, atol=1e-5)
    assert np.all(expected.real < 0)


@pytest.mark.parametrize('deviation', (0.5, 1.0, 2.0))
@pytest.mark.parametrize('name', ('minimax', 'non_saturating'))
def test_instance_noise_draws_them_in(name, deviation):
    """f(t) = -log(1 + exp(-t)): f'(0) = 1/2, f''(0) = -1/4."""
    v = field(name, noise=(-deviation, deviation))
    curvature = -(deviation**2) / 4
    np.testing.assert_allclose(eigenvalues(v), roots(curvature, curvature**2 - 1 / 4), atol=1e-5)


def test_wassersteins_loss_has_no_curvature_for_noise_to_act_on():
    v = field('wasserstein', noise=(-2.0, 2.0))
    np.testing.assert_allclose(eigenvalues(v), roots(0, -1), atol=1e-6)


@pytest.mark.parametrize('name', LOSSES)
def test_consensus_draws_them_in(name):
    """v - gamma grad |v|^2 / 2: the Jacobian's eigenvalues are -gamma f'^2 +- i f'."""
    v, (_, slope), gamma = field(name), SLOPES[name], 0.5

    def consensus(w):
        return v(w) - gamma * jax.grad(lambda w: jnp.sum(jnp.square(v(w))) / 2)(w)

    expected = roots(-gamma * slope**2, -(slope**2))
    np.testing.assert_allclose(eigenvalues(consensus), expected, atol=1e-5)


@pytest.mark.parametrize('rate', (0.1, 1.0))
@pytest.mark.parametrize('name', LOSSES)
def test_simultaneous_steps_leave_and_alternating_ones_stay(name, rate):
    v, (_, slope) = field(name), SLOPES[name]
    a = rate * slope

    def simultaneous(w):
        return w + rate * v(w)

    def alternating(w):
        w = w.at[0].add(rate * v(w)[0])
        return w.at[1].add(rate * v(w)[1])

    apart, turns = eigenvalues(simultaneous), eigenvalues(alternating)
    np.testing.assert_allclose(np.abs(apart), np.sqrt(1 + a**2), atol=1e-6)
    middle = 1 - a**2 / 2
    np.testing.assert_allclose(turns, roots(middle, middle**2 - 1), atol=1e-5)
    np.testing.assert_allclose(np.abs(turns), 1, atol=1e-6)

"""Every adversarial loss against the equation of its paper, written in probabilities in NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.losses import LOSSES

RNG = np.random.default_rng(0)
REAL = RNG.normal(0.5, 1.5, 7)
FAKE = RNG.normal(-0.5, 1.5, 7)
SMOOTHABLE = ('minimax', 'non_saturating', 'least_squares')


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mean_log(probability):
    return np.mean(np.log(probability))


def minimax_discriminator(real, fake):
    return -mean_log(sigmoid(real)) - mean_log(1 - sigmoid(fake))


def relativistic_average(above, below):
    return -mean_log(sigmoid(above - np.mean(below))) - mean_log(
        1 - sigmoid(below - np.mean(above))
    )


# name -> (the discriminator's loss, the generator's), of NumPy logits (real, fake)
EQUATIONS = {
    'minimax': (minimax_discriminator, lambda real, fake: mean_log(1 - sigmoid(fake))),
    'non_saturating': (minimax_discriminator, lambda real, fake: -mean_log(sigmoid(fake))),
    'least_squares': (
        lambda real, fake: (np.mean((real - 1) ** 2) + np.mean(fake**2)) / 2,
        lambda real, fake: np.mean((fake - 1) ** 2) / 2,
    ),
    'wasserstein': (
        lambda real, fake: np.mean(fake) - np.mean(real),
        lambda real, fake: -np.mean(fake),
    ),
    'hinge': (
        lambda real, fake: -np.mean(np.minimum(0, real - 1)) - np.mean(np.minimum(0, -fake - 1)),
        lambda real, fake: -np.mean(fake),
    ),
    'relativistic': (
        lambda real, fake: -mean_log(sigmoid(real - fake)),
        lambda real, fake: -mean_log(sigmoid(fake - real)),
    ),
    'relativistic_average': (
        relativistic_average,
        lambda real, fake: relativistic_average(fake, real),
    ),
}
SIDES = ('discriminator', 'generator')
every_side = pytest.mark.parametrize('name, side', list(itertools.product(LOSSES, SIDES)))
every_smoothable = pytest.mark.parametrize('name', SMOOTHABLE)


def loss_of(name, side, **options):
    """Returns one player's loss `(real, fake) -> scalar`."""
    return getattr(LOSSES[name](**options), side)


def equation_of(name, side):
    """Returns the same loss as its paper writes it, in NumPy."""
    return EQUATIONS[name][side == 'generator']


def central_differences(function, x, step=1e-6):
    """Returns the gradient of a scalar function of a NumPy vector."""
    moves = step * np.eye(len(x))
    return np.array([function(x + move) - function(x - move) for move in moves]) / (2 * step)


@every_side
def test_a_loss_is_its_papers_equation(name, side):
    """The value agrees with the mean of explicit log-probabilities."""
    value = loss_of(name, side)(jnp.array(REAL), jnp.array(FAKE))
    assert value.shape == ()
    np.testing.assert_allclose(value, equation_of(name, side)(REAL, FAKE), rtol=1e-5)


@every_side
def test_a_gradient_is_the_slope_of_the_equation(name, side):
    """The gradient by each player's logits agrees with central differences in float64."""
    equation = equation_of(name, side)
    with jax.enable_x64(True):
        by_real, by_fake = jax.grad(loss_of(name, side), argnums=(0, 1))(REAL, FAKE)
    slope = central_differences(lambda real: equation(real, FAKE), REAL)
    np.testing.assert_allclose(by_real, slope, atol=1e-8)
    slope = central_differences(lambda fake: equation(REAL, fake), FAKE)
    np.testing.assert_allclose(by_fake, slope, atol=1e-8)


@every_side
@pytest.mark.parametrize('real, fake', list(itertools.product((-1e4, 1e4), repeat=2)))
def test_extreme_logits_stay_finite(name, side, real, fake):
    """At logits of 10,000 either way, in float32, neither value nor gradient overflows."""
    loss = jax.value_and_grad(loss_of(name, side), argnums=(0, 1))
    value, gradients = loss(jnp.full(3, real), jnp.full(3, fake))
    assert value.dtype == jnp.float32
    assert all(np.all(np.isfinite(array)) for array in (value, *gradients))


@pytest.mark.parametrize('name', LOSSES)
def test_a_discriminator_gains_by_raising_real_and_lowering_generated_logits(name):
    """The signs: its loss falls along (+real, -fake), and the generator's along +fake."""
    real, fake = jnp.array([0.2, -0.3]), jnp.array([0.4, -0.1])
    by_real, by_fake = jax.grad(loss_of(name, 'discriminator'), argnums=(0, 1))(real, fake)
    assert np.sum(by_real) < 0 < np.sum(by_fake)
    assert np.sum(jax.grad(loss_of(name, 'generator'), argnums=1)(real, fake)) < 0


def test_an_undecided_minimax_discriminator_pays_two_log_two():
    """At the game's solution D = 1/2, and its loss is 2 log 2: Goodfellow et al., theorem 1."""
    value, gradients = jax.value_and_grad(loss_of('minimax', 'discriminator'), argnums=(0, 1))(
        jnp.zeros(5), jnp.zeros(5)
    )
    np.testing.assert_allclose(value, 2 * np.log(2), rtol=1e-6)
    # Where the two distributions are equal, a logit at x is real and generated at once.
    np.testing.assert_allclose(gradients[0] + gradients[1], 0, atol=1e-7)


@pytest.mark.parametrize('smoothing', (0.0, 0.1))
def test_minimax_and_non_saturating_share_the_discriminator(smoothing):
    """The two differ in what the generator does alone."""
    one, other = (LOSSES[name](label_smoothing=smoothing) for name in ('minimax', 'non_saturating'))
    assert one.discriminator(REAL, FAKE) == other.discriminator(REAL, FAKE)
    assert one.generator(REAL, FAKE) != other.generator(REAL, FAKE)


def test_minimax_is_zero_sum_where_non_saturating_is_not():
    """Minimax: what the generator gains by its images, the discriminator loses."""

    def by_fake(name, side):
        return jax.grad(loss_of(name, side), argnums=1)(jnp.array(REAL), jnp.array(FAKE))

    np.testing.assert_array_equal(
        by_fake('minimax', 'generator'), -by_fake('minimax', 'discriminator')
    )
    # A generated image that fools nobody moves the generator by the second loss alone.
    sure = jnp.array([-30.0])
    slopes = {
        name: float(jax.grad(loss_of(name, 'generator'), argnums=1)(sure, sure)[0])
        for name in ('minimax', 'non_saturating')
    }
    assert abs(slopes['minimax']) < 1e-12
    assert slopes['non_saturating'] == pytest.approx(-1)


def test_hinge_rests_beyond_the_margin():
    """Real logits above 1 and generated ones below -1 give no loss and no gradient."""
    real, fake = jnp.array([1.5, 3.0]), jnp.array([-1.5, -3.0])
    discriminator = loss_of('hinge', 'discriminator')
    value, gradients = jax.value_and_grad(discriminator, argnums=(0, 1))(real, fake)
    assert value == 0
    assert not np.any(gradients)
    assert discriminator(real - 1, fake) == pytest.approx(0.25)  # (1 - 0.5) / 2
    assert discriminator(real, fake + 1) == pytest.approx(0.25)


def test_wasserstein_is_antisymmetric():
    """Exchanging real and generated images changes the sign of the discriminator's loss."""
    discriminator = loss_of('wasserstein', 'discriminator')
    real, fake = jnp.array(REAL), jnp.array(FAKE)
    assert discriminator(real, fake) == -discriminator(fake, real) != 0


@every_side
def test_relativistic_losses_alone_ignore_a_common_constant(name, side):
    """They read differences of logits; every other loss, but one difference of means, does not."""
    loss = loss_of(name, side)
    shifted, plain = loss(jnp.array(REAL + 2), jnp.array(FAKE + 2)), loss(REAL, FAKE)
    differences = name.startswith('relativistic') or (name, side) == (
        'wasserstein',
        'discriminator',
    )
    assert bool(np.isclose(shifted, plain, rtol=1e-5)) == differences


@pytest.mark.parametrize('name', ('relativistic', 'relativistic_average'))
def test_relativistic_players_exchange_roles(name):
    """The generator's loss is the discriminator's with real and generated images exchanged."""
    loss = LOSSES[name]()
    assert loss.generator(REAL, FAKE) == loss.discriminator(FAKE, REAL)


def test_a_relativistic_average_differs_from_pairs():
    """Pairs feel which real image meets which generated one; means do not."""
    turned = np.roll(FAKE, 1)
    for name, feels in (('relativistic', True), ('relativistic_average', False)):
        discriminator = loss_of(name, 'discriminator')
        same = np.isclose(discriminator(REAL, FAKE), discriminator(REAL, turned), rtol=1e-6)
        assert bool(same) != feels


def test_least_squares_rests_at_its_targets():
    """The discriminator's loss is zero at 1 for real and 0 for generated images, and only there."""
    discriminator, generator, _ = LOSSES['least_squares']()
    ones, zeros = jnp.ones(3), jnp.zeros(3)
    assert discriminator(ones, zeros) == 0
    assert discriminator(zeros, ones) == 1
    assert generator(zeros, ones) == 0
    assert generator(zeros, zeros) == 0.5


@every_smoothable
def test_no_smoothing_is_the_plain_loss(name):
    """A smoothing of zero switches it off to the last bit."""
    plain, smoothed = LOSSES[name](), LOSSES[name](label_smoothing=0.0)
    assert plain.discriminator(REAL, FAKE) == smoothed.discriminator(REAL, FAKE)
    assert plain.generator(REAL, FAKE) == smoothed.generator(REAL, FAKE)


@every_smoothable
def test_smoothing_is_one_sided(name):
    """It changes what the discriminator says of real images, and nothing else."""
    plain, smoothed = LOSSES[name](), LOSSES[name](label_smoothing=0.1)
    real, fake = jnp.array(REAL), jnp.array(FAKE)
    by_plain = jax.grad(plain.discriminator, argnums=(0, 1))(real, fake)
    by_smoothed = jax.grad(smoothed.discriminator, argnums=(0, 1))(real, fake)
    assert not np.any(np.isclose(by_plain[0], by_smoothed[0], atol=1e-4))
    np.testing.assert_array_equal(by_plain[1], by_smoothed[1])
    assert plain.generator(real, fake) == smoothed.generator(real, fake)


# name -> the real logit at which a discriminator's loss with a smoothing of s is least
TARGETS = {
    'minimax': lambda s: np.log((1 - s) / s),  # sigmoid(x) = 1 - s
    'non_saturating': lambda s: np.log((1 - s) / s),
    'least_squares': lambda s: 1 - s,
}


@every_smoothable
def test_a_smoothed_target_is_one_less_the_smoothing(name):
    """The discriminator is content where real images score 1 - s, and no higher."""
    discriminator = loss_of(name, 'discriminator', label_smoothing=0.1)
    target = TARGETS[name](0.1)
    slopes = [
        float(jax.grad(discriminator)(jnp.array([target + move]), jnp.array([0.0]))[0])
        for move in (-0.5, 0.0, 0.5)
    ]
    assert slopes[0] < -0.01 and slopes[2] > 0.01
    assert slopes[1] == pytest.approx(0, abs=1e-6)


def test_a_smoothed_cross_entropy_is_the_papers():
    """-E[(1 - s) log D(x) + s log(1 - D(x))] - E[log(1 - D(G(z)))], in probabilities."""
    expected = (
        -0.9 * mean_log(sigmoid(REAL))
        - 0.1 * mean_log(1 - sigmoid(REAL))
        - mean_log(1 - sigmoid(FAKE))
    )
    value = loss_of('minimax', 'discriminator', label_smoothing=0.1)(REAL, FAKE)
    np.testing.assert_allclose(value, expected, rtol=1e-5)

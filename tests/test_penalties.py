"""Every penalty on critics whose gradients are known, and the penalty's own gradient."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models.conv import Conv, ConvPool
from gan_jax.penalties import GRADIENT_PENALTIES, PENALTIES, dragan, gradient_penalty, r1, r2

KEY = jax.random.key(0)
SHAPE = (5, 4, 4, 2)
SIZE = np.prod(SHAPE[1:])
REAL = np.random.default_rng(0).normal(0.3, 1.0, SHAPE).astype(np.float32)
FAKE = np.random.default_rng(1).normal(-0.3, 2.0, SHAPE).astype(np.float32)
RANDOM = ('gradient_penalty', 'one_sided_gradient_penalty', 'dragan')
every_penalty = pytest.mark.parametrize('name', GRADIENT_PENALTIES)
every_random_penalty = pytest.mark.parametrize('name', RANDOM)

# What each penalty makes of the norms of the critic's gradients.
OF_NORMS = {
    'gradient_penalty': lambda norms: np.mean((norms - 1) ** 2),
    'one_sided_gradient_penalty': lambda norms: np.mean(np.maximum(0, norms - 1) ** 2),
    'dragan': lambda norms: np.mean((norms - 1) ** 2),
    'r1': lambda norms: np.mean(norms**2) / 2,
    'r2': lambda norms: np.mean(norms**2) / 2,
}


def linear(weights):
    """D(x) = <w, x>, whose gradient is w everywhere."""
    return lambda images: jnp.sum(images * weights, axis=(1, 2, 3))


def quadratic(weights):
    """D(x) = sum w x^2 / 2, whose gradient is w x."""
    return lambda images: jnp.sum(weights * jnp.square(images), axis=(1, 2, 3)) / 2


def norms_of(gradients):
    return np.sqrt(np.sum(np.square(gradients, dtype=np.float64), axis=(1, 2, 3)))


def judged_images(penalty, real, fake, key=KEY):
    """Returns the images at which a penalty takes the critic's gradient."""
    seen = []

    def critic(images):
        jax.debug.callback(seen.append, images)
        return jnp.sum(images, axis=(1, 2, 3))

    penalty(critic, jnp.asarray(real), jnp.asarray(fake), key)
    jax.effects_barrier()
    (images,) = seen
    return np.asarray(images)


@every_penalty
@pytest.mark.parametrize('length', (0.25, 1.0, 3.0))
def test_a_linear_critic_is_penalised_by_its_slope_alone(name, length):
    """A gradient of |w| everywhere: (|w| - 1)^2, max(0, |w| - 1)^2 or |w|^2 / 2."""
    direction = np.random.default_rng(2).normal(size=SHAPE[1:])
    weights = (length * direction / np.linalg.norm(direction)).astype(np.float32)
    penalty = PENALTIES[name](linear(weights), REAL, FAKE, KEY)
    assert penalty.shape == ()
    np.testing.assert_allclose(penalty, OF_NORMS[name](np.array([length])), rtol=1e-5, atol=1e-11)


@every_penalty
def test_a_quadratic_critic_is_penalised_image_by_image(name):
    """A norm |w x| of its own for every image, averaged after the penalty of each."""
    weights = np.random.default_rng(3).uniform(0.1, 0.4, SHAPE[1:]).astype(np.float32)
    images = judged_images(PENALTIES[name], REAL, FAKE)
    norms = norms_of(weights * images)
    assert np.ptp(norms) > 0.1
    penalty = PENALTIES[name](quadratic(weights), REAL, FAKE, KEY)
    np.testing.assert_allclose(penalty, OF_NORMS[name](norms), rtol=1e-5)


@every_penalty
def test_each_penalty_looks_where_its_paper_does(name):
    """R1 at real images, R2 at generated ones, the others at neither."""
    images = judged_images(PENALTIES[name], REAL, FAKE)
    assert np.array_equal(images, REAL) == (name == 'r1')
    assert np.array_equal(images, FAKE) == (name == 'r2')


@pytest.mark.parametrize('name', ('gradient_penalty', 'one_sided_gradient_penalty'))
def test_interpolation_lies_on_the_segment(name):
    """x_hat = x + share (G(z) - x), one share in [0, 1] for all pixels of an image."""
    shares = (judged_images(PENALTIES[name], REAL, FAKE) - REAL) / (FAKE - REAL)
    share = np.median(shares, axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(shares, np.broadcast_to(share, SHAPE), atol=1e-3)
    assert np.all((0 <= share) & (share <= 1))
    assert len(np.unique(share.round(3))) == len(REAL)


def test_interpolation_is_uniform_over_the_segment():
    """Every tenth of the segment is as likely: 2000 shares within five standard deviations."""
    real, fake = np.zeros((2000, 1, 1, 1)), np.ones((2000, 1, 1, 1))
    shares = judged_images(gradient_penalty, real, fake)
    counts, _ = np.histogram(shares, bins=10, range=(0, 1))
    assert counts.sum() == 2000
    np.testing.assert_allclose(counts, 200, atol=5 * np.sqrt(2000 * 0.1 * 0.9))


def test_dragan_moves_real_images_by_bounded_positive_noise():
    """x_hat - x lies in [0, 0.5 std(x)], a number of its own for each pixel."""
    moves = judged_images(dragan, REAL, FAKE) - REAL
    bound = 0.5 * np.std(REAL)
    assert np.all(moves >= -1e-6) and np.all(moves <= bound)
    assert len(np.unique(moves)) > 0.9 * moves.size
    # The longest noise of 2000 pixels, undiminished by the share of one image, is near the bound.
    pixels = np.random.default_rng(0).normal(size=(2000, 1, 1, 1))
    farthest = np.max(judged_images(dragan, pixels, pixels) - pixels)
    assert farthest > 0.9 * 0.5 * np.std(pixels)


def test_dragan_does_not_look_at_generated_images():
    """Its value is the same whatever the generator made."""
    critic = quadratic(np.float32(0.2))
    assert dragan(critic, REAL, FAKE, KEY) == dragan(critic, REAL, -FAKE, KEY)
    assert dragan(critic, REAL, FAKE, KEY) != dragan(critic, -REAL, FAKE, KEY)


@every_penalty
def test_a_key_decides_the_value(name):
    """The same key gives the same value; another key another one, where anything is drawn."""
    critic = quadratic(np.float32(0.5))
    value, again, other = (
        PENALTIES[name](critic, REAL, FAKE, key) for key in (KEY, KEY, jax.random.key(1))
    )
    assert value == again
    assert (value != other) == (name in RANDOM)


@pytest.mark.parametrize('penalty', (r1, r2))
def test_a_batch_is_the_mean_of_its_images(penalty):
    """Every image is penalised on its own: the sum's gradient mixes none."""
    critic = quadratic(np.float32(0.5))
    one_by_one = [penalty(critic, REAL[i : i + 1], FAKE[i : i + 1], KEY) for i in range(len(REAL))]
    np.testing.assert_allclose(penalty(critic, REAL, FAKE, KEY), np.mean(one_by_one), rtol=1e-6)


def smooth_critic(params, images):
    """A perceptron of one hidden layer: every derivative exists."""
    hidden = jnp.tanh(images.reshape(len(images), -1) @ params['hidden'] + params['bias'])
    return hidden @ params['out']


def smooth_params():
    rng = np.random.default_rng(4)
    shapes = {'hidden': (SIZE, 6), 'bias': (6,), 'out': (6,)}
    return {name: rng.normal(0, 0.8, shape) for name, shape in shapes.items()}


class ConvCritic(nn.Module):
    """A small critic of the library's own layers, smooth so that differences are exact."""

    @nn.compact
    def __call__(self, images):
        x = nn.softplus(Conv(3)(images))
        x = nn.softplus(ConvPool(4)(x))
        x = nn.softplus(Conv(4, 4, strides=2)(x) + Conv(4, 1, strides=2)(x))
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0]


def conv_critic(params, images):
    return ConvCritic().apply({'params': params}, images)


def conv_params():
    params = jax.jit(ConvCritic().init)(jax.random.key(5), REAL)['params']
    return jax.tree.map(lambda weight: 3.0 * np.asarray(weight, np.float64), params)


CRITICS = {'perceptron': (smooth_critic, smooth_params), 'conv': (conv_critic, conv_params)}
# A penalty of the norms and one of their squares are enough where convolutions are slow to compile.
PAIRS = [(name, 'perceptron') for name in PENALTIES] + [
    ('gradient_penalty', 'conv'),
    ('r1', 'conv'),
]


@pytest.mark.parametrize('name, kind', PAIRS)
def test_a_penalty_moves_the_critics_weights(name, kind):
    """The gradient by every kernel is not zero and equals central differences in float64."""
    critic, make_params = CRITICS[kind]
    params = make_params()
    leaves, structure = jax.tree.flatten(params)
    with jax.enable_x64(True):
        real, fake = jnp.array(REAL, jnp.float64), jnp.array(FAKE, jnp.float64)

        @jax.jit
        @jax.value_and_grad
        def penalize(params):
            return PENALTIES[name](lambda images: critic(params, images), real, fake, KEY)

        gradients = jax.tree.leaves(penalize(params)[1])
        for index, (weight, gradient) in enumerate(zip(leaves, gradients, strict=True)):
            direction = np.random.default_rng(index).normal(size=weight.shape)
            ends = [
                penalize(structure.unflatten([*leaves[:index], moved, *leaves[index + 1 :]]))[0]
                for moved in (weight + 1e-5 * direction, weight - 1e-5 * direction)
            ]
            slope = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-5, atol=1e-8)
            if weight.ndim > 1:
                assert np.linalg.norm(gradient) > 1e-4


@every_penalty
@pytest.mark.parametrize('scale', (0.0, 1e-25))
def test_a_dead_critics_gradient_is_finite(name, scale):
    """Where the critic is flat the norm has no derivative, and yet nothing becomes NaN."""

    def value(weights):
        return PENALTIES[name](linear(weights), REAL, FAKE, KEY)

    penalty, gradient = jax.value_and_grad(value)(jnp.full(SHAPE[1:], scale))
    np.testing.assert_allclose(penalty, OF_NORMS[name](np.zeros(1)), atol=1e-5)
    assert np.all(np.isfinite(gradient))

"""The bound of a variational autoencoder: closed forms, quadrature, and google/flax's example."""

import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax import priors, variational
from gan_jax.game import Context, Networks
from gan_jax.games.vae import build, variational as variational_game
from gan_jax.models import vae
from gan_jax.usage import UsageError
from gan_jax.variational import Posterior

with np.load(Path(__file__).parent / 'reference' / 'vae.npz') as archive:
    FLAX = dict(archive)
# The example's names of our variables.
THEIRS = {
    'encoder/Dense_0': 'encoder/fc1',
    'encoder/z/mean': 'encoder/fc2_mean',
    'encoder/z/log_variance': 'encoder/fc2_logvar',
    'decoder/Dense_0': 'decoder/fc1',
    'decoder/Dense_1': 'decoder/fc2',
}


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name, as `make_vae.py` draws it."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    return (noise / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)


def name_of(path) -> str:
    """Returns the example's name of a parameter."""
    layer, _, kind = jax.tree_util.keystr(path, simple=True, separator='/').rpartition('/')
    return f'{THEIRS[layer]}/{kind}'


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_outputs_losses_and_gradients_are_those_of_the_flax_example():
    """With its weights and the noise of its key."""
    size = FLAX['mean'].shape[1]
    init = jax.nn.initializers.zeros
    modules = {
        'encoder': vae.Encoder(size, (500,), init),
        'decoder': vae.Decoder((28, 28, 1), (500,), init),
    }
    white = draw('images', (len(FLAX['mean']), 784)) > 0
    images = jnp.where(white, 1.0, -1.0).reshape(-1, 28, 28, 1)
    params = {
        'encoder': modules['encoder'].init(jax.random.key(0), images)['params'],
        'decoder': modules['decoder'].init(jax.random.key(0), FLAX['mean'])['params'],
    }
    params = jax.tree_util.tree_map_with_path(lambda p, w: draw(name_of(p), w.shape), params)

    def loss(params):
        networks = Networks(modules, params, dict(encoder={}, decoder={}))
        code = Posterior(*networks.encoder(images))
        decoded = networks.decoder(code.draw(jax.random.key(7)))
        density = variational.bernoulli().log_density(decoded, images)
        said = dict(bce=-jnp.mean(density), kld=jnp.mean(code.divergence()))
        return said['bce'] + said['kld'], said | code._asdict() | dict(decoded=decoded)

    with jax.default_matmul_precision('highest'):
        (value, said), gradients = jax.value_and_grad(loss, has_aux=True)(params)
    said |= dict(loss=value, decoded=said['decoded'].reshape(len(images), -1))
    for path, gradient in jax.tree_util.tree_leaves_with_path(gradients):
        name = name_of(path)
        along = np.vdot(gradient, draw(f'direction/{name}', gradient.shape))
        said[f'gradient/{name}'] = np.array([np.linalg.norm(gradient), along])
    assert said.keys() == FLAX.keys()
    for name, expected in FLAX.items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(said[name], expected, rtol=1e-4, atol=1e-4 * scale, err_msg=name)


def test_the_divergence_is_the_mean_of_the_log_ratio_over_draws():
    posterior = Posterior(normal(3, 4), normal(3, 4, seed=1))
    keys = jax.random.split(jax.random.key(0), 20_000)
    z = np.asarray(jax.vmap(posterior.draw)(keys))
    sigma = np.exp(np.asarray(posterior.log_variance) / 2)
    ratios = (stats.norm.logpdf(z, posterior.mean, sigma) - stats.norm.logpdf(z)).sum(-1)
    error = ratios.std(0) / np.sqrt(len(keys))
    assert np.all(np.abs(ratios.mean(0) - posterior.divergence()) < 4 * error)
    assert np.all(error < 0.05)
    assert np.allclose(Posterior(jnp.zeros((2, 3)), jnp.zeros((2, 3))).divergence(), 0)


def test_densities_are_scipys():
    decoded, images = normal(5, 2, 3, 1), np.tanh(normal(5, 2, 3, 1, seed=1))
    white = np.sign(images)
    probability = 1 / (1 + np.exp(-decoded.astype(float)))
    expected = stats.bernoulli.logpmf(white > 0, probability).sum((1, 2, 3))
    likelihood = variational.bernoulli()
    np.testing.assert_allclose(likelihood.log_density(decoded, white), expected, rtol=1e-5)
    expected = stats.norm.logpdf(images, 2 * probability - 1, 0.3).sum((1, 2, 3))
    likelihood = variational.gaussian(0.3)
    np.testing.assert_allclose(likelihood.log_density(decoded, images), expected, rtol=1e-4)
    assert likelihood.observe(images, jax.random.key(0)) is images


def test_a_grey_pixel_is_white_as_often_as_it_is_bright():
    grey = jnp.linspace(-1, 1, 5).reshape(1, 5, 1, 1)
    keys = jax.random.split(jax.random.key(0), 4000)
    seen = jax.vmap(lambda key: variational.bernoulli().observe(grey, key))(keys)
    assert set(np.unique(seen)) == {-1.0, 1.0}
    np.testing.assert_allclose(seen.mean(0), grey, atol=0.06)


@pytest.fixture
def small():
    """A game of four pixels and one latent, its networks at drawn weights, and every image."""
    init = jax.nn.initializers.normal(1.0)
    game = variational_game(
        vae.Encoder(1, (6,), init),
        vae.Decoder((2, 2, 1), (6,), init),
        priors.gaussian(1),
        variational.bernoulli(),
        beta=lambda step: 3.0,
    )
    pixels = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 4), axis=-1).reshape(16, 2, 2, 1)
    inputs = game.inputs({'image': jnp.asarray(pixels)})
    params = {
        name: module.init(jax.random.key(index), *inputs[name])['params']
        for index, (name, module) in enumerate(game.networks.items())
    }
    networks = Networks(game.networks, params, dict(encoder={}, decoder={}))
    return game, networks, jnp.asarray(pixels, jnp.float32)


def test_the_bound_is_below_that_of_many_samples_which_is_below_the_likelihood(small):
    """The likelihood by quadrature over the one latent; the bound is also what it is by it."""
    game, networks, images = small
    z = jnp.linspace(-12, 12, 4001)[:, None]
    decoded = networks.decoder(z)[:, None]  # [Z, 1, H, W, C]
    density = jax.nn.log_sigmoid(decoded * images).sum((2, 3, 4))  # log p(x|z): [Z, 16]
    prior = jax.scipy.stats.norm.logpdf(z)
    width = z[1] - z[0]
    log_likelihood = jax.nn.logsumexp(density + prior, axis=0) + jnp.log(width)
    np.testing.assert_allclose(jnp.exp(log_likelihood).sum(), 1, rtol=1e-4)  # of all 16 images
    mean, log_variance = networks.encoder(images)
    posterior = jax.scipy.stats.norm.logpdf(z, mean[:, 0], jnp.exp(log_variance[:, 0] / 2))
    weight = jnp.exp(posterior) * width
    np.testing.assert_allclose(weight.sum(0), 1, rtol=1e-3)
    bound = jnp.sum(weight * (density + prior - posterior), axis=0)
    keys = jax.random.split(jax.random.key(1), 4000)
    drawn = jax.jit(jax.vmap(lambda key: game.evidence(networks, images, key)))(keys)
    error = drawn.std(0) / np.sqrt(len(keys))
    assert np.all(np.abs(drawn.mean(0) - bound) < 5 * error + 1e-3)
    # Burda et al. 2016, equation 8: the mean of k ratios within the logarithm, here k = 20.
    code = Posterior(mean, log_variance)
    draws = jax.vmap(code.draw)(jax.random.split(jax.random.key(2), 20 * 1000))
    place = jax.scipy.stats.norm.logpdf
    likely = jax.nn.log_sigmoid(jax.vmap(networks.decoder)(draws) * images).sum((2, 3, 4))
    proposed = place(draws, mean, jnp.exp(log_variance / 2))
    ratio = likely + (place(draws) - proposed)[..., 0]
    ratio = ratio.reshape(1000, 20, -1)
    many = (jax.nn.logsumexp(ratio, axis=1) - jnp.log(20)).mean(0)
    assert np.all(bound < many) and np.all(many < log_likelihood)
    assert np.all(log_likelihood - bound > 0.01)


def test_the_loss_weighs_the_divergence(small):
    game, networks, images = small
    context = Context({'image': images}, jax.random.key(3), jnp.array(5), {})
    playing = Networks(
        game.networks, networks._params, networks.stats, updatable=('encoder', 'decoder')
    )
    value, report = game.phases[0].loss(playing, context)
    said = report.metrics
    np.testing.assert_allclose(value, said['reconstruction'] + 3 * said['divergence'], rtol=1e-6)
    np.testing.assert_allclose(
        said['elbo'], -said['reconstruction'] - said['divergence'], rtol=1e-6
    )
    np.testing.assert_allclose(said['elbo'], game.evidence(networks, images, context.key).mean())


@pytest.mark.parametrize('warmup, weights', [(0, (4, 4, 4)), (10, (0.4, 4, 4))])
def test_beta_rises_to_its_weight(warmup, weights):
    from configs import beta_vae

    config = beta_vae.get_config()
    config.data.size = (8, 8)
    config.divergence.update(weight=4.0, warmup_steps=warmup)
    game = build(config)
    batch = {'image': jnp.zeros((1, 8, 8, 1))}
    inputs = game.inputs(batch)
    params = {
        name: module.init(jax.random.key(0), *inputs[name])['params']
        for name, module in game.networks.items()
    }
    networks = Networks(
        game.networks, params, dict(encoder={}, decoder={}), updatable=('encoder', 'decoder')
    )
    for step, weight in zip((0, 9, 100), weights, strict=True):
        context = Context(batch, jax.random.key(0), jnp.array(step), {})
        said = game.phases[0].loss(networks, context)[1].metrics
        np.testing.assert_allclose(said['beta'], weight, rtol=1e-6)


@pytest.mark.parametrize(
    'fields, message',
    [
        (dict(name='bernouli'), "did you mean 'bernoulli'"),
        (dict(name='bernoulli', stddev=0.1), "no argument 'stddev'"),
        (dict(name='gaussian', stddev=0.0), 'missing a required argument'),
    ],
)
def test_a_likelihood_that_cannot_be_is_refused(fields, message):
    from configs import vae as config_of

    config = config_of.get_config()
    config.likelihood.update(fields)
    with pytest.raises(UsageError, match=message):
        build(config)

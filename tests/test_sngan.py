"""SNGAN's two pairs against the authors' own code, through one of its training steps."""

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from configs import rsgan, sngan
from gan_jax.losses import hinge
from gan_jax.models import build_network
from tests.reference.make_sngan import (
    BATCH,
    FILE,
    GENERATED,
    LATENTS,
    SIZE,
    WIDTH,
    WIDTHS,
    draw,
    weight,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

PLAYERS = 'generator', 'discriminator'
REAL = draw('real', BATCH, SIZE, SIZE, 3)


def latents(count):
    return draw(f'z {count}', count, LATENTS)


def narrow_networks(kind):
    """Returns both networks as the published config has them, but for their widths."""
    config = {'resnet': sngan, 'sndcgan': rsgan}[kind].get_config('cifar10')
    if kind == 'resnet':
        config.networks.generator.width = config.networks.discriminator.width = WIDTH
    else:
        config.networks.generator.widths = WIDTHS[::-1]
        config.networks.discriminator.widths = WIDTHS
    shape = (SIZE, SIZE, 3)
    return {name: build_network(config.networks[name], image_shape=shape) for name in PLAYERS}


def drawn(network, player, inputs):
    """Returns a network's weights, and its other variables, with drawn singular vectors."""
    shapes = dict(jax.eval_shape(network.init, jax.random.key(0), inputs))
    params = {
        name: weight(f'{player}/{name}', *leaf.shape)
        for name, leaf in flatten_dict(shapes.pop('params'), sep='/').items()
    }
    stats = {
        path: draw(f'{player}/{layer_of(path)}/u', *leaf.shape)
        if path[-1].endswith('/u')
        else np.ones(leaf.shape, np.float32)
        for path, leaf in flatten_dict(shapes).items()
    }
    return unflatten_dict(params, sep='/'), unflatten_dict(stats)


def layer_of(path):
    """('spectral', 'SpectralNorm_0', 'Conv_0/kernel/u') -> 'Conv_0'."""
    return path[-1].split('/')[0]


@pytest.fixture(scope='module', params=('resnet', 'sndcgan'))
def step(request):
    """Returns the pair's kind, its images, losses, their gradients and the singular vectors after.

    The generator moves first. The vectors take a power iteration in every call of the
    discriminator, on real images before generated ones.
    """
    networks = narrow_networks(request.param)
    inputs = dict(generator=latents(BATCH), discriminator=REAL)
    variables = {name: drawn(networks[name], name, inputs[name]) for name in PLAYERS}
    params = {name: pair[0] for name, pair in variables.items()}

    def generate(own, count):
        every = {'params': own, **variables['generator'][1]}
        return networks['generator'].apply(every, latents(count), mutable=['batch_stats'])[0]

    def judge(own, spectral, images):
        every = {'params': own, **spectral}
        return networks['discriminator'].apply(every, images, mutable=['spectral'])

    def generator_loss(own, other, spectral):
        logits, spectral = judge(other, spectral, generate(own, GENERATED))
        return hinge().generator(None, logits), spectral

    def discriminator_loss(own, other, spectral):
        real, spectral = judge(own, spectral, REAL)
        fake, spectral = judge(own, spectral, generate(other, BATCH))
        return hinge().discriminator(real, fake), spectral

    @jax.jit
    def play(params, spectral):
        losses, gradients = {}, {}
        turns = zip(PLAYERS, PLAYERS[::-1], (generator_loss, discriminator_loss))
        for player, other, loss in turns:
            differentiate = jax.value_and_grad(loss, has_aux=True)
            outcome, gradients[player] = differentiate(params[player], params[other], spectral)
            losses[player], spectral = outcome
        return generate(params['generator'], BATCH), losses, gradients, spectral

    return request.param, *play(params, variables['discriminator'][1])


def assert_close(actual, expected, name=''):
    """Within 1e-4 of the largest entry."""
    atol = 1e-4 * np.max(np.abs(expected))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)


def test_images_and_losses_are_the_authors(step):
    kind, images, losses, _, _ = step
    assert_close(images, AUTHORS[f'{kind}/images'])
    for player, loss in losses.items():
        assert_close(loss, AUTHORS[f'{kind}/{player} loss'], player)


def test_gradients_are_the_authors(step):
    """By every weight; through sigma = u W v^T, of which u and v are constants."""
    kind, _, _, gradients, _ = step
    gradients = flatten_dict(gradients, sep='/')
    prefix = f'{kind}/gradient/'
    assert {prefix + name for name in gradients} == {n for n in AUTHORS if n.startswith(prefix)}
    for name, gradient in gradients.items():
        theirs = AUTHORS[prefix + name]
        layer = prefix + name.rsplit('/', 1)[0]
        # A bias that is normalised away has none but what rounding leaves of its layer's.
        largest = max(np.max(np.abs(AUTHORS[n])) for n in AUTHORS if n.rsplit('/', 1)[0] == layer)
        np.testing.assert_allclose(gradient, theirs, rtol=0, atol=1e-4 * largest, err_msg=name)


def test_singular_vectors_are_the_authors(step):
    kind, *_, spectral = step
    vectors = {p: leaf for p, leaf in flatten_dict(spectral).items() if p[-1].endswith('/u')}
    assert len(vectors) == len([name for name in AUTHORS if name.startswith(f'{kind}/u/')])
    for path, vector in vectors.items():
        assert_close(vector, AUTHORS[f'{kind}/u/{layer_of(path)}'], str(path))

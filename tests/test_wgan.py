"""WGAN's networks and losses against the authors' own code."""

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from configs import wgan
from gan_jax.losses import wasserstein
from gan_jax.models import build_network
from tests.reference.make_wgan import BATCH, FILE, LATENTS, SIZE, WIDTHS, draw, weight

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

PLAYERS = 'generator', 'discriminator'
INPUTS = dict(generator=draw('z', BATCH, LATENTS), discriminator=draw('real', BATCH, SIZE, SIZE, 3))
# What ours have and theirs do not: where it is 0 the networks are theirs.
MORE = {
    'generator/ConvTranspose_2/bias',
    'discriminator/Conv_0/bias',
    'discriminator/Dense_0/bias',
}


def narrow_networks():
    """Returns both networks as the published config has them, but for their widths."""
    sections = wgan.get_config('celeb_a').networks
    sections.generator.widths, sections.discriminator.widths = WIDTHS[::-1], WIDTHS
    return {name: build_network(sections[name], image_shape=(SIZE, SIZE, 3)) for name in PLAYERS}


def drawn(player, network):
    """Returns a network's weights, each drawn by its name."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), INPUTS[player])['params']
    params = {}
    for name, leaf in flatten_dict(shapes, sep='/').items():
        name = f'{player}/{name}'
        params[name] = np.zeros(leaf.shape) if name in MORE else weight(name, *leaf.shape)
    return unflatten_dict(params, sep='/')[player]


@pytest.fixture(scope='module')
def played():
    """Returns images, logits, both losses and the gradient of each by its player's weights."""
    networks = narrow_networks()
    params = {name: drawn(name, network) for name, network in networks.items()}

    def apply(name, own, inputs):
        return networks[name].apply({'params': own}, inputs, mutable=['batch_stats'])[0]

    def generator_loss(own, critic):
        images = apply('generator', own, INPUTS['generator'])
        return wasserstein().generator(None, apply('discriminator', critic, images)), images

    def critic_loss(own, images):
        logits = apply('discriminator', own, INPUTS['discriminator'])
        return wasserstein().discriminator(logits, apply('discriminator', own, images)), logits

    @jax.jit
    def play(params):
        by_generator = jax.value_and_grad(generator_loss, has_aux=True)
        (loss, images), of_generator = by_generator(params['generator'], params['discriminator'])
        by_critic = jax.value_and_grad(critic_loss, has_aux=True)
        (other, logits), of_critic = by_critic(params['discriminator'], images)
        values = {'generator loss': loss, 'discriminator loss': other}
        gradients = {'generator': of_generator, 'discriminator': of_critic}
        return {'images': images, 'logits': logits, **values}, gradients

    return play(params)


def assert_close(actual, name):
    """Within 1e-4 of the largest entry."""
    atol = 1e-4 * np.max(np.abs(AUTHORS[name]))
    np.testing.assert_allclose(actual, AUTHORS[name], rtol=0, atol=atol, err_msg=name)


def test_images_logits_and_losses_are_the_authors(played):
    for name, value in played[0].items():
        assert_close(value, name)


def test_gradients_are_the_authors(played):
    """By every weight that theirs have."""
    gradients = flatten_dict(played[1], sep='/')
    theirs = {name for name in AUTHORS if name.startswith('gradient/')}
    assert {f'gradient/{name}' for name in gradients.keys() - MORE} == theirs
    for name in gradients.keys() - MORE:
        assert_close(gradients[name], f'gradient/{name}')

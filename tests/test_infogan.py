"""InfoGAN's networks and losses against the authors' own code."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from configs import infogan
from gan_jax.game import Networks
from gan_jax.games.adversarial.generation import from_codes
from gan_jax.games.adversarial.mutual_information import mutual_information
from gan_jax.games.adversarial.scene import sown
from gan_jax.losses import non_saturating
from gan_jax.models import build_network
from gan_jax.priors import PRIORS
from tests.reference.make_infogan import (
    BATCH,
    CATEGORIES,
    CONTINUOUS,
    FILE,
    HIDDEN,
    NOISE,
    SIZE,
    WIDTH,
    latents,
    real_images,
    weight,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

CODES = dict(categories=CATEGORIES, continuous=CONTINUOUS)
OWN = {'generator': ('generator',), 'discriminator': ('discriminator', 'recognizer')}


def narrow_networks():
    """Returns the three networks as the published config has them, but for their widths."""
    sections = infogan.get_config('mnist').networks
    for name in ('generator', 'discriminator'):
        sections[name].update(width=WIDTH, hidden=HIDDEN)
    sections.recognizer.hidden = 2 * WIDTH
    offered = dict(image_shape=(SIZE, SIZE, 1), **CODES)
    return {name: build_network(section, **offered) for name, section in sections.items()}


def drawn(name, network):
    """Returns a network's weights, each drawn by its name, and its statistics."""
    inputs = {
        'generator': jnp.zeros((BATCH, NOISE + CATEGORIES + CONTINUOUS)),
        'discriminator': real_images(),
        'recognizer': jnp.zeros((BATCH, HIDDEN)),
    }
    shapes = jax.eval_shape(network.init, jax.random.key(0), inputs[name])
    params = {
        key: weight(f'{name}/{key}', *leaf.shape)
        for key, leaf in flatten_dict(shapes['params'], sep='/').items()
    }
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shapes['batch_stats'])
    return unflatten_dict(params, sep='/'), {'batch_stats': zeros}


@pytest.fixture(scope='module')
def played():
    """Returns the images, both losses and the gradient of each by its player's weights."""
    modules = narrow_networks()
    variables = {name: drawn(name, network) for name, network in modules.items()}
    stats = {name: pair[1] for name, pair in variables.items()}
    generation = from_codes(modules['generator'], PRIORS['uniform'](NOISE), **CODES)
    part = mutual_information(1.0, modules['recognizer'])

    def loss(own, params, player):
        networks = Networks(modules, {**params, **own}, stats, updatable=OWN[player])
        images = generation.generate(networks, latents(), train=True)

        def judge(images):
            logits, intermediates = networks.discriminator(images, intermediates=True)
            return logits, sown(intermediates)

        real_logits, _ = judge(real_images())
        fake_logits, fake_seen = judge(images)
        scene = SimpleNamespace(latents=latents(), fake_seen=fake_seen)
        information, _ = getattr(part, player)(networks, scene)
        return getattr(non_saturating(), player)(real_logits, fake_logits) + information, images

    @jax.jit
    def play(params):
        losses, gradients = {}, {}
        for player, names in OWN.items():
            own = {name: params[name] for name in names}
            differentiate = jax.value_and_grad(loss, has_aux=True)
            (losses[player], images), gradient = differentiate(own, params, player)
            gradients |= gradient
        return images, losses, gradients

    return play({name: pair[0] for name, pair in variables.items()})


def assert_close(actual, expected, name=''):
    """Within 1e-4 of the largest entry."""
    atol = 1e-4 * np.max(np.abs(expected))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol, err_msg=name)


def test_images_and_losses_are_the_authors(played):
    """Theirs are of [0, 1], and their losses have the entropies of the codes too, constants."""
    images, losses, _ = played
    assert_close((1 + images) / 2, AUTHORS['images'])
    # The Gaussian's own constant is in a code's entropy and in its cross-entropy.
    codes = 0.5 * np.mean(np.sum(np.square(latents()['codes']), axis=1))
    for player, loss in losses.items():
        assert_close(loss - math.log(CATEGORIES) - codes, AUTHORS[f'{player} loss'], player)


def test_gradients_are_the_authors(played):
    """By every weight, through the mutual information of images and codes too."""
    gradients = flatten_dict(played[2], sep='/')
    theirs = {name for name in AUTHORS if name.startswith('gradient/')}
    assert {f'gradient/{name}' for name in gradients} == theirs
    for name, gradient in gradients.items():
        assert_close(gradient, AUTHORS[f'gradient/{name}'], name)

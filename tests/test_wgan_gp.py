"""WGAN-GP's networks and losses, as its config has them, against the authors' own code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import wgan_gp
from gan_jax import losses, models, penalties
from gan_jax.data.preprocess import normalize
from tests.reference.make_wgan_gp import (
    BATCH,
    FILE,
    LATENTS,
    SIZE,
    WIDTH,
    draw,
    draw_pixels,
    draw_shares,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

CONFIG = wgan_gp.get_config('cifar10')
GENERATOR, DISCRIMINATOR = (
    models.build_network({**CONFIG.networks[player], 'width': WIDTH}, image_shape=(SIZE, SIZE, 3))
    for player in ('generator', 'discriminator')
)
# Theirs are divided by 256, not by 255 / 2 less 1.
REAL = jnp.float32(2 * (draw_pixels() / 256 - 0.5))


def drawn(player, network, *inputs):
    """Returns a network's parameters, each drawn by its name."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)['params']
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: draw(
            f'{player}/{jax.tree_util.keystr(path, simple=True, separator="/")}', *leaf.shape
        ),
        shapes,
    )


@pytest.fixture(scope='module')
def params():
    return {
        'generator': drawn('generator', GENERATOR, draw('z', BATCH, LATENTS)),
        'discriminator': drawn('discriminator', DISCRIMINATOR, REAL),
    }


def generate(params, z):
    """Images by the statistics of their batch."""
    variables = {'params': params['generator']}
    images, _ = GENERATOR.apply(variables, z, train=True, mutable=['batch_stats'])
    return images


def critic(params, images):
    return DISCRIMINATOR.apply({'params': params['discriminator']}, images)


def generated(params, first, size):
    """Their two devices' images: each half has its own statistics."""
    halves = (draw(f'z {first + half}', size, LATENTS) for half in range(2))
    return jnp.concatenate([generate(params, z) for z in halves])


def penalize(params, fake):
    return penalties.gradient_penalty(
        lambda images: critic(params, images), REAL, fake, None, CONFIG.gradient_target
    )


def discriminator_loss(params):
    fake = generated(params, first=0, size=BATCH // 2)
    adversary = losses.LOSSES[CONFIG.loss.name]().discriminator(
        critic(params, REAL), critic(params, fake)
    )
    return adversary + CONFIG.penalties.gradient_penalty * penalize(params, fake)


def generator_loss(params):
    fake = generated(params, first=2, size=CONFIG.generator_batch * BATCH // 2)
    return losses.LOSSES[CONFIG.loss.name]().generator(None, critic(params, fake))


@pytest.fixture
def between(monkeypatch):
    """The penalty's interpolates where theirs are."""
    shares = draw_shares()[:, :, None, None]
    monkeypatch.setattr(
        penalties, '_between', lambda real, fake, key: real + shares * (fake - real)
    )


def test_networks_are_the_authors(params):
    images = jax.jit(generate)(params, draw('z', BATCH, LATENTS))
    np.testing.assert_allclose(images, AUTHORS['images'], atol=1e-4)
    np.testing.assert_allclose(jax.jit(critic)(params, REAL), AUTHORS['logits'], atol=1e-4)


def test_losses_and_the_penalty_are_the_authors(params, between):
    fake = generated(params, first=0, size=BATCH // 2)
    penalty = CONFIG.penalties.gradient_penalty * jax.jit(penalize)(params, fake)
    np.testing.assert_allclose(penalty, AUTHORS['penalty'], rtol=1e-4)
    for name, loss in (('generator', generator_loss), ('discriminator', discriminator_loss)):
        np.testing.assert_allclose(jax.jit(loss)(params), AUTHORS[f'{name} loss'], rtol=1e-4)


@pytest.mark.parametrize('player', ('generator', 'discriminator'))
def test_gradients_are_the_authors(params, between, player):
    loss = dict(generator=generator_loss, discriminator=discriminator_loss)[player]
    leaves = jax.tree_util.tree_leaves_with_path(jax.jit(jax.grad(loss))(params)[player])
    assert len(leaves) == sum(key.startswith(f'gradient, {player}/') for key in AUTHORS)
    for path, gradient in leaves:
        name = f'{player}/{jax.tree_util.keystr(path, simple=True, separator="/")}'
        theirs = AUTHORS[f'gradient, {name}']
        largest = np.max(np.abs(theirs))
        np.testing.assert_allclose(gradient, theirs, atol=1e-4 * largest + 1e-6, err_msg=name)


def test_an_image_of_the_data_is_theirs_but_for_half_a_grey():
    np.testing.assert_allclose(normalize(draw_pixels().astype(np.uint8)), REAL, atol=1 / 127)

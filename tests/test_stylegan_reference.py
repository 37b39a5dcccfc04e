"""StyleGAN's networks, losses and gradients against the authors' own code."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.losses import LOSSES
from gan_jax.models import stylegan
from gan_jax.penalties import r1
from tests.reference.make_stylegan import (
    BATCH,
    CHANNELS,
    FILE,
    LATENTS,
    LAYERS,
    MAPPED,
    MOST,
    SIZE,
    STYLES,
    WIDTH,
    draw,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

FIELDS = dict(channel_base=2 * WIDTH, channel_max=MOST)  # theirs is by half of the side
MODULES = {
    'mapping': stylegan.Mapping(STYLES, MAPPED),
    'synthesis': stylegan.Synthesis((SIZE, SIZE, CHANNELS), **FIELDS),
    'discriminator': stylegan.Discriminator(**FIELDS),
}
Z, REAL = draw('z', BATCH, LATENTS), draw('real', BATCH, SIZE, SIZE, CHANNELS)
BITS = np.zeros((BATCH, 2), np.uint32)


@pytest.fixture(autouse=True)
def their_noise(monkeypatch):
    """The same for all images."""
    sides = [int(layer.split('x')[0]) for layer in LAYERS]
    noise = [
        np.broadcast_to(draw(f'noise{i}', 1, 1, n, n).reshape(1, n, n, 1), (BATCH, n, n, 1))
        for i, n in enumerate(sides)
    ]
    monkeypatch.setattr(stylegan, 'image_noise', lambda bits, sizes: iter(map(jnp.asarray, noise)))


@pytest.fixture(autouse=True)
def whole_products():
    """In full float32."""
    with jax.default_matmul_precision('highest'):
        yield


@pytest.fixture(scope='module')
def params():
    """Every network's parameters, each drawn by its name."""
    inputs = {
        'mapping': (Z,),
        'synthesis': (np.zeros((BATCH, len(LAYERS), STYLES), np.float32), BITS),
        'discriminator': (REAL,),
    }

    def drawn(name):
        shapes = jax.eval_shape(MODULES[name].init, jax.random.key(0), *inputs[name])['params']
        return jax.tree_util.tree_map_with_path(
            lambda path, leaf: draw(
                f'{name}/{jax.tree_util.keystr(path, simple=True, separator="/")}', *leaf.shape
            ),
            shapes,
        )

    return {name: drawn(name) for name in MODULES}


def generate(params):
    average = {'average': {'w': jnp.zeros(STYLES)}}
    mapping = MODULES['mapping'].apply
    styles = mapping({'params': params['mapping'], **average}, Z, train=False)
    styles = jnp.repeat(styles[:, None], len(LAYERS), axis=1)
    return MODULES['synthesis'].apply({'params': params['synthesis']}, styles, BITS)


def judge(params, images):
    return MODULES['discriminator'].apply({'params': params['discriminator']}, images)


def generator_loss(params):
    fake = judge(params, generate(params))
    return LOSSES['non_saturating']().generator(fake, fake)


def discriminator_loss(params):
    """With R1 of weight 10, as in the authors' code."""
    critic = partial(judge, params)
    images = generate(params)
    adversary = LOSSES['non_saturating']().discriminator(critic(REAL), critic(images))
    return adversary + 10 * r1(critic, REAL, images, jax.random.key(0))


LOSS = {'generator': generator_loss, 'discriminator': discriminator_loss}


def test_outputs_are_the_authors(params):
    images = jax.jit(generate)(params)
    np.testing.assert_allclose(images, AUTHORS['images'], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(jax.jit(judge)(params, REAL), AUTHORS['logits'], rtol=1e-4)


@pytest.mark.parametrize('player', LOSS)
def test_losses_and_gradients_are_the_authors(params, player):
    """Of every weight; those of the other player's are not asked for."""
    value, gradients = jax.jit(jax.value_and_grad(LOSS[player]))(params)
    np.testing.assert_allclose(value, AUTHORS[f'{player} loss'], rtol=1e-4)
    theirs = {name.split(', ')[1]: array for name, array in AUTHORS.items() if ', ' in name}
    found = {
        jax.tree_util.keystr(path, simple=True, separator='/'): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(gradients)
    }
    assert set(found) == set(theirs)
    moved = {'generator': ('mapping', 'synthesis'), 'discriminator': ('discriminator',)}[player]
    for name in [name for name in theirs if name.startswith(moved)]:
        limit = 1e-4 * np.abs(theirs[name]).max()
        np.testing.assert_allclose(found[name], theirs[name], atol=limit, err_msg=name)

"""R3GAN's networks against their authors' own, weight by weight, and how they are initialised."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.losses import relativistic
from gan_jax.models import r3gan
from gan_jax.penalties import r1, r2

STORED = np.load(Path(__file__).parent / 'reference' / 'r3gan.npz')
FIELDS = dict(blocks=2, expansion=2)
GENERATOR = r3gan.ConditionalGenerator(
    widths=(8, 4), groups=(4, 2), image_shape=(8, 8, 3), classes=3, **FIELDS
)
DISCRIMINATOR = r3gan.ConditionalDiscriminator(widths=(4, 8), groups=(2, 4), classes=3, **FIELDS)


def tree(prefix):
    """Returns the stored arrays below a name as a tree."""
    names = [name for name in STORED.files if name.startswith(prefix)]
    return unflatten_dict({name.removeprefix(prefix): STORED[name] for name in names}, sep='/')


def losses(weights):
    """Returns both losses, the penalties and the images, as in the authors' training step."""
    real, label = jnp.asarray(STORED['real']), STORED['label']

    def critic(images):
        return DISCRIMINATOR.apply({'params': weights['discriminator']}, images, label)

    fake = GENERATOR.apply({'params': weights['generator']}, STORED['z'], label)
    real_logits, fake_logits = critic(real), critic(fake)
    penalties = r1(critic, real, fake, None), r2(critic, real, fake, None)
    return dict(
        fake=fake,
        real_logits=real_logits,
        generator_loss=relativistic().generator(real_logits, fake_logits),
        discriminator_loss=(
            relativistic().discriminator(real_logits, fake_logits) + 0.7 * sum(penalties)
        ),
        r1=2 * penalties[0],
        r2=2 * penalties[1],
    )


def assert_close(actual, expected):
    """Within 1e-4 of the largest entry."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * np.max(np.abs(expected)))


WEIGHTS = {name: tree(f'{name}/weights/') for name in ('generator', 'discriminator')}


def test_images_logits_losses_and_penalties_are_the_authors():
    values = jax.jit(losses)(WEIGHTS)
    for name, value in values.items():
        assert_close(value, STORED[name])


@pytest.mark.parametrize('player', ('generator', 'discriminator'))
def test_gradients_of_both_losses_are_the_authors(player):
    """By every weight; the discriminator's through both penalties, which differentiates twice."""

    def loss(own):
        return losses({**WEIGHTS, player: own})[f'{player}_loss']

    gradients = flatten_dict(jax.jit(jax.grad(loss))(WEIGHTS[player]), sep='/')
    expected = flatten_dict(tree(f'{player}/gradients/'), sep='/')
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert_close(gradient, expected[name])


def test_a_new_network_is_as_the_authors_initialise_it():
    """N(0, gain^2 / fan-in), gain sqrt(2 / 1.04) L^(-1/4) in a block, whose last layer is zero."""
    network = r3gan.ConditionalDiscriminator(widths=(64, 96), groups=(8, 12), classes=50, **FIELDS)
    image, label = jnp.zeros((1, 16, 16, 3)), jnp.zeros(1, jnp.int32)
    variables = jax.jit(network.init)(jax.random.key(0), image, label)
    params = flatten_dict(variables['params'], sep='/')
    assert params['basis'].shape == (8, 8, 96)
    gain = math.sqrt(2 / 1.04) * 4 ** (-1 / 4)
    deviations = {
        'Conv_0/kernel': 1 / math.sqrt(3),
        'Conv_1/kernel': gain / math.sqrt(64),  # to twice the channels
        'GroupedConv_0/kernel': gain / math.sqrt(9 * 128 / 8),
        'Conv_2/kernel': 0,
        'Conv_5/kernel': 1 / math.sqrt(64),  # from 64 channels to 96
        'GroupedConv_3/kernel': gain / math.sqrt(9 * 192 / 12),
        'Conv_9/kernel': 0,
        'basis': 1 / 8,
        'Dense_0/kernel': 1 / math.sqrt(96),
        'Embed_0/embedding': 1 / math.sqrt(50 * 96),
    }
    for name, deviation in deviations.items():
        np.testing.assert_allclose(np.std(params[name]), deviation, rtol=0.1)
    assert not any(np.any(value) for name, value in params.items() if name.endswith('bias'))


def test_samples_are_cut_to_what_an_image_may_be_and_training_is_not():
    variables = {'params': WEIGHTS['generator']}
    inputs = 9 * STORED['z'], STORED['label']
    images = {train: GENERATOR.apply(variables, *inputs, train) for train in (True, False)}
    assert np.max(np.abs(images[True])) > 1
    assert np.array_equal(np.clip(images[True], -1, 1), images[False])

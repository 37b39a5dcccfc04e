"""Burn-in: half a cosine and then nothing, in each place that follows it."""

import importlib
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import base
from gan_jax import burn_in
from gan_jax.augmenting import AUGMENTATIONS
from gan_jax.build import ema_decay
from gan_jax.game import Context
from gan_jax.games.adversarial.part import penalty
from gan_jax.games.adversarial.scene import Scene
from gan_jax.optim import build_optimizer

SECTION = ConfigDict(dict(steps=8, learning_rate=0.25, b2=0.1, penalties=0.5))
NONE = ConfigDict({**SECTION, 'steps': 0})
STEPS = (0, 2, 4, 8, 100)


def towards(first, last, step):
    """The authors' schedule: last + (first - last) (1 + cos(pi t / T)) / 2, held after T = 8."""
    return last + (first - last) * (1 + math.cos(math.pi * min(step / 8, 1))) / 2


def test_numbers_move_along_half_a_cosine_and_stay():
    fall, rise = burn_in.fall(SECTION, 'learning_rate'), burn_in.rise(SECTION)
    for step in STEPS:
        np.testing.assert_allclose(fall(step), towards(1, 0.25, step), rtol=1e-6)
        np.testing.assert_allclose(rise(step), towards(0, 1, step), atol=1e-6)


def test_without_burn_in_nothing_moves():
    assert {burn_in.fall(NONE, 'b2')(step) for step in STEPS} == {1.0}
    assert {burn_in.rise(NONE)(step) for step in STEPS} == {1.0}


@pytest.mark.parametrize('updates_per_step, start', ((1, 0), (3, 0), (1, 5)))
def test_adams_rate_and_b2_are_those_of_the_step(updates_per_step, start):
    """Against Adam written out, whose bias is corrected for the b2 of the day, as PyTorch's is."""
    spec = ConfigDict(base.optimizer_fields(learning_rate=0.1, b1=0.0, b2=0.9))
    optimizer = build_optimizer(spec, 100, updates_per_step, SECTION, start)
    gradients = np.random.default_rng(0).normal(size=12).astype(np.float32)
    state, v = optimizer.init(jnp.zeros(())), 0
    for update, gradient in enumerate(gradients):
        move, state = optimizer.update(jnp.asarray(gradient), state, jnp.zeros(()))
        step = start + update / updates_per_step
        b2 = towards(0.9, 0.99, step)
        v = b2 * v + (1 - b2) * gradient**2
        corrected = v / (1 - b2 ** (update + 1))
        expected = -towards(0.1, 0.025, step) * gradient / (math.sqrt(corrected) + 1e-8)
        np.testing.assert_allclose(move, expected, rtol=1e-5)


def test_a_penaltys_weight_falls():
    share = burn_in.fall(SECTION, 'penalties')
    part = penalty(lambda critic, real, fake, key: jnp.float32(3), 2.0, share=share)
    for step in STEPS:
        context = Context({}, None, step, {})
        scene = Scene(context, **{name: None for name in Scene._fields[1:]})
        value, _ = part.discriminator(None, scene)
        np.testing.assert_allclose(value, 3 * towards(2, 1, step), rtol=1e-6)


def test_the_moving_averages_half_life_rises():
    """After `half_life` steps half is left; at first the average is what it is of: a decay of 0."""
    half_life = 50
    average = dict(ema_decay=0.5 ** (1 / half_life), ema_start=0, ema_rampup=0.0)
    config = ConfigDict(dict(**average, burn_in=SECTION))
    assert float(jax.jit(ema_decay(config))(0)) == 0
    for step in STEPS[1:]:
        expected = 0.5 ** (1 / towards(0, half_life, step))
        np.testing.assert_allclose(ema_decay(config)(step), expected, rtol=1e-5)


@pytest.mark.parametrize('data', ('cifar10', 'folder', 'folder_256', 'imagenet32', 'stacked_mnist'))
def test_a_published_setting_is_the_authors_in_images(data):
    """gamma at first and in the end, and both half-lives, in millions of images."""
    config = importlib.import_module('configs.r3gan').get_config(data)
    first, last, burn, half_life, rate = {
        'cifar10': (0.05, 0.005, 20, 5, 5e-5),
        'folder': (2, 0.2, 20, 0.5, 5e-5),
        'folder_256': (150, 15, 20, 0.5, 5e-5),
        'imagenet32': (0.5, 0.05, 200, 50, 5e-5),
        'stacked_mnist': (1, 0.1, 2, 0.5, 2e-4),
    }[data]
    end = config.burn_in.steps
    assert config.penalties.r1 == config.penalties.r2 == first
    share = burn_in.fall(config.burn_in, 'penalties')
    np.testing.assert_allclose([first * share(0), first * share(end)], [first, last], rtol=1e-5)
    np.testing.assert_allclose(end * config.batch_size, 1e6 * burn, rtol=1e-4)
    seen = config.batch_size * math.log(0.5) / math.log(config.ema_decay)
    np.testing.assert_allclose(seen, 1e6 * half_life, rtol=1e-4)
    for optimizer in config.optimizers.values():
        at_last = optimizer.learning_rate * burn_in.fall(config.burn_in, 'learning_rate')(end)
        np.testing.assert_allclose(at_last, rate, rtol=1e-5)
        assert (optimizer.learning_rate, optimizer.b1, optimizer.b2) == (2e-4, 0, 0.9)


def test_the_probability_of_an_augmentation_rises():
    config = base.adversarial(optimizer={})
    config.burn_in = SECTION
    config.augmentation.update(name='scheduled_ada', ada=dict(probability=0.55))
    augmentation = AUGMENTATIONS['scheduled_ada'](config)
    for step in STEPS:
        said = augmentation.metrics(Context({}, None, step, {}))
        np.testing.assert_allclose(
            said['augmentation_probability'], towards(0, 0.55, step), rtol=1e-5, atol=1e-7
        )

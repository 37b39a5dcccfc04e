"""How networks are told classes, and what second heads make of what a discriminator sees."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny import load

from gan_jax import models
from gan_jax.game import Context, Networks
from gan_jax.games import build_game
from gan_jax.games.adversarial.auxiliary_classifier import auxiliary_classifier
from gan_jax.games.adversarial.mutual_information import mutual_information
from gan_jax.games.adversarial.scene import Scene, sown
from gan_jax.models.conditional import DISCRIMINATORS, GENERATORS
from gan_jax.models.heads import Classifier
from gan_jax.models.layers import (
    BatchNorm,
    ConditionalNorm,
    SelfModulatedNorm,
)
from gan_jax.usage import UsageError

NORMAL = dict(name='normal', stddev=0.5)
GENERATOR = dict(
    name='dcgan.Generator',
    widths=(4, 3),
    kernel_size=4,
    upsampling='transposed',
    normalization='batch',
    kernel_init=NORMAL,
)
DISCRIMINATOR = dict(
    name='dcgan.Discriminator',
    widths=(3, 4),
    kernel_size=4,
    normalization='none',
    weights='spectral_norm',
    kernel_init=NORMAL,
)
Z = jax.random.normal(jax.random.key(0), (6, 5))
IMAGES = jax.random.normal(jax.random.key(1), (6, 8, 8, 1))
LABELS = jnp.array([0, 1, 2, 0, 1, 2])


def make_generator(name):
    return models.condition_generator(
        name, models.network_maker(GENERATOR, image_shape=(8, 8, 1)), classes=3
    )


def perturbed(variables):
    """Returns variables none of which is 0 or 1."""
    leaves, structure = jax.tree.flatten(variables)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [leaf + 0.1 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys)]
    return jax.tree.unflatten(structure, moved)


@pytest.mark.parametrize('name', GENERATORS)
def test_a_generator_minds_what_it_is_told(name):
    generator = make_generator(name)
    told = (LABELS,) if models.told_of(generator) else ()
    assert bool(told) == (name != 'self_modulation')
    variables = perturbed(generator.init(jax.random.key(0), Z, *told))
    draw = partial(generator.apply, variables, train=False)
    images = draw(Z, *told)
    assert images.shape == (6, 8, 8, 1)
    if told:
        others = draw(Z, (LABELS + 1) % 3)
        assert np.min(np.max(np.abs(images - others), axis=(1, 2, 3))) > 1e-3


@pytest.mark.parametrize('name', DISCRIMINATORS)
def test_a_discriminator_minds_what_it_is_told(name):
    make = models.network_maker(DISCRIMINATOR)
    discriminator = models.condition_discriminator(name, make, classes=3)
    assert models.told_of(discriminator) == ('label',)
    variables = discriminator.init(jax.random.key(0), IMAGES, LABELS)
    logits = discriminator.apply(variables, IMAGES, LABELS, mutable=['spectral'])[0]
    others = discriminator.apply(variables, IMAGES, (LABELS + 1) % 3, mutable=['spectral'])[0]
    assert logits.shape == (6,) and np.min(np.abs(logits - others)) > 1e-5


def test_projection_is_the_papers_equation():
    """f(x, y) = y^T V phi(x) + psi(phi(x)): Miyato and Koyama 2018, equation 4."""
    make = models.network_maker({**DISCRIMINATOR, 'weights': 'plain'})
    network = DISCRIMINATORS['projection'](make, classes=3)
    variables = network.init(jax.random.key(0), IMAGES, LABELS)
    logits, kept = network.apply(variables, IMAGES, LABELS, mutable=['intermediates'])
    features = sown(kept['intermediates'])['features']
    inner = variables['params']['Discriminator_0']
    psi = features @ inner['Dense_0']['kernel'][:, 0] + inner['Dense_0']['bias']
    product = jnp.sum(inner['embedding']['kernel'].T[LABELS] * features, axis=1)
    np.testing.assert_allclose(logits, psi + product, rtol=1e-5)


def test_the_embedding_is_normalised_as_the_weights_are():
    network = DISCRIMINATORS['projection'](models.network_maker(DISCRIMINATOR), classes=3)
    variables = network.init(jax.random.key(0), IMAGES, LABELS)
    sigmas = jax.tree_util.tree_leaves_with_path(variables['spectral'])
    assert any('embedding' in jax.tree_util.keystr(path) for path, _ in sigmas)


def test_a_conditional_normalisation_begins_as_the_plain_one():
    x = 3 + 2 * jax.random.normal(jax.random.key(4), (6, 2, 2, 4))
    norm = ConditionalNorm(BatchNorm, jax.nn.one_hot(LABELS, 3))
    plain_norm = BatchNorm()
    told, untold = (
        module.apply(module.init(jax.random.key(0), x, True), x, True, mutable=['batch_stats'])[0]
        for module in (norm, plain_norm)
    )
    np.testing.assert_allclose(told, untold, atol=1e-6)


def test_a_classs_gain_and_bias_are_its_own():
    x = jax.random.normal(jax.random.key(4), (6, 2, 2, 4))
    norm = ConditionalNorm(BatchNorm, jax.nn.one_hot(LABELS, 3))
    variables = perturbed(norm.init(jax.random.key(0), x, True))
    y = norm.apply(variables, x, True, mutable=['batch_stats'])[0]
    mean, var = jnp.mean(x, axis=(0, 1, 2)), jnp.var(x, axis=(0, 1, 2))
    params = variables['params']
    gain, bias = (params[name]['kernel'][LABELS][:, None, None] for name in ('scale', 'bias'))
    expected = gain * (x - mean) / jnp.sqrt(var + 1e-5) + bias
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_a_self_modulated_gain_is_a_perceptrons_of_z():
    x = jax.random.normal(jax.random.key(4), (6, 2, 2, 4))
    norm = SelfModulatedNorm(BatchNorm, Z)
    variables = perturbed(norm.init(jax.random.key(0), x, True))
    y = norm.apply(variables, x, True, mutable=['batch_stats'])[0]
    params = variables['params']

    def dense(name, h):
        return h @ params[name]['kernel'] + params[name]['bias']

    hidden = jax.nn.relu(dense('Dense_0', Z))
    gain, bias = (dense(name, hidden)[:, None, None] for name in ('scale', 'bias'))
    mean, var = jnp.mean(x, axis=(0, 1, 2)), jnp.var(x, axis=(0, 1, 2))
    expected = (1 + gain) * (x - mean) / jnp.sqrt(var + 1e-5) + bias
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    'message, condition',
    [
        (
            "needs a network with a field 'normalization'",
            lambda: models.condition_generator(
                'normalization',
                models.network_maker(
                    dict(name='mlp.Generator', widths=(4,), kernel_init=NORMAL),
                    image_shape=(8, 8, 1),
                ),
                classes=3,
            ),
        ),
        ("did you mean 'normalization'", lambda: make_generator('normalisation')),
    ],
)
def test_what_cannot_be_told_is_refused(message, condition):
    with pytest.raises(UsageError, match=message):
        condition()


class Head(nn.Module):
    """Features [B, F] -> logits of three categories and the mean of one code."""

    @nn.compact
    def __call__(self, features, train=True):
        x = nn.Dense(4)(features)
        return x[:, :3], x[:, 3:]


def scene_and_networks(part):
    """Returns a scene of six images, and the networks of a part."""
    real, fake = ({'features': jax.random.normal(jax.random.key(k), (6, 4))} for k in (5, 6))
    latents = {'label': LABELS, 'category': LABELS, 'codes': jnp.linspace(-1, 1, 6)[:, None]}
    context = Context({'label': (LABELS + 1) % 3}, jax.random.key(0), jnp.zeros((), int), {})
    empty = dict.fromkeys(Scene._fields)
    scene = Scene(
        **{**empty, 'context': context, 'latents': latents, 'real_seen': real, 'fake_seen': fake}
    )
    inputs = part.inputs(real)
    params = {
        name: module.init(jax.random.key(1), *inputs[name])['params']
        for name, module in part.networks.items()
    }
    networks = Networks(part.networks, params, {name: {} for name in params}, updatable=(*params,))
    return scene, networks, params


def test_an_auxiliary_classifier_knows_both_kinds_and_the_generator_its_own():
    """Odena et al. 2017, equation 3, worked out in NumPy."""
    part = auxiliary_classifier(2.0, Classifier(classes=3))
    scene, networks, params = scene_and_networks(part)
    dense = params['classifier']['Dense_0']

    def cross_entropy(seen, label):
        logits = np.asarray(seen['features'] @ dense['kernel'] + dense['bias'], np.float64)
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return -np.log(shares[np.arange(6), label]).mean()

    real = cross_entropy(scene.real_seen, scene.context.batch['label'])
    fake = cross_entropy(scene.fake_seen, LABELS)
    np.testing.assert_allclose(part.discriminator(networks, scene)[0], 2 * (real + fake), rtol=1e-5)
    np.testing.assert_allclose(part.generator(networks, scene)[0], 2 * fake, rtol=1e-5)


def test_the_head_that_names_classes_begins_like_the_discriminator_that_it_is_on():
    config = load('acgan')
    config.networks.discriminator.kernel_init.stddev = 0.3
    game = build_game(config)
    init = game.networks['classifier'].init(jax.random.key(0), jnp.zeros((1, 1000)))
    np.testing.assert_allclose(np.std(init['params']['Dense_0']['kernel']), 0.3, rtol=0.05)


def test_mutual_information_is_of_the_category_and_of_the_codes():
    """Chen et al. 2016, equation 5, of a softmax and of a Gaussian of variance 1."""
    part = mutual_information(0.5, Head())
    scene, networks, params = scene_and_networks(part)
    dense = params['recognizer']['Dense_0']
    output = np.asarray(scene.fake_seen['features'] @ dense['kernel'] + dense['bias'], np.float64)
    shares = np.exp(output[:, :3]) / np.exp(output[:, :3]).sum(axis=1, keepdims=True)
    log_q = np.log(shares[np.arange(6), LABELS])
    log_q += -0.5 * (scene.latents['codes'][:, 0] - output[:, 3]) ** 2
    for term in (part.discriminator, part.generator):
        np.testing.assert_allclose(term(networks, scene)[0], -0.5 * log_q.mean(), rtol=1e-5)

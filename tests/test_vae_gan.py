"""VAE-GAN's three losses against the lines of the paper's algorithm 1, in NumPy."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import vae_gan as configs
from gan_jax import losses, priors
from gan_jax.augmenting import UNCHANGED, Augmentation
from gan_jax.game import Context, Networks
from gan_jax.games.vae_gan import build, vae_gan
from gan_jax.models import vae_gan as models
from gan_jax.models.layers import Unnormalized
from gan_jax.usage import UsageError

GAMMA = 0.3
PLAYERS = ('encoder', 'decoder', 'discriminator')


class _Encoder(nn.Module):
    @nn.compact
    def __call__(self, x, train=True):
        x = x.reshape(len(x), -1)
        return nn.Dense(2, name='mean')(x), nn.Dense(2, name='log_variance')(x)


class _Decoder(nn.Module):
    @nn.compact
    def __call__(self, z, train=True):
        return nn.Dense(4, name='pixels')(z).reshape(-1, 2, 2, 1)


class _Discriminator(nn.Module):
    @nn.compact
    def __call__(self, x, train=True):
        seen = nn.Dense(3, name='seen')(x.reshape(len(x), -1))
        self.sow('intermediates', 'similarity', seen)
        return nn.Dense(1, name='logit')(jnp.tanh(seen))[:, 0]


def dense(layer, x):
    return x @ np.asarray(layer['kernel'], np.float64) + np.asarray(layer['bias'])


def dim(images, key, context):
    """Each image in a light of its own."""
    return images * jax.random.uniform(key, (len(images), 1, 1, 1))


@pytest.fixture(scope='module', params=(UNCHANGED, Augmentation(dim)), ids=('plain', 'dim'))
def played(request):
    """Each player's loss of a batch, its report and its gradients; what it was played with."""
    game = vae_gan(
        _Encoder(),
        _Decoder(),
        _Discriminator(),
        priors.gaussian(2),
        losses.minimax(),
        GAMMA,
        augmentation=request.param,
    )
    image = np.tanh(np.random.default_rng(0).normal(size=(5, 2, 2, 1))).astype(np.float32)
    inputs = game.inputs({'image': jnp.asarray(image)})
    params = {
        name: module.init(jax.random.key(index), *inputs[name])['params']
        for index, (name, module) in enumerate(game.networks.items())
    }
    key = jax.random.key(9)
    said = {}
    for phase in game.phases:

        def loss(moved, phase=phase):
            networks = Networks(
                game.networks,
                {**params, **moved},
                dict.fromkeys(PLAYERS, {}),
                updatable=game.players[phase.player],
            )
            return phase.loss(networks, Context({'image': image}, key, jnp.array(0), {}))

        of = {name: params[name] for name in game.players[phase.player]}
        said[phase.player] = jax.value_and_grad(loss, has_aux=True)(of)
    return said, partial(follow, image.astype(np.float64), params, request.param.apply, key)


def follow(image, params, augment, key, draws):
    """Divergence, reconstructions' unlikeness, and logits of the three kinds: [B] each."""
    code_key, *prior_keys, show_key = jax.random.split(key, draws + 1)
    prior_key = prior_keys[0] if prior_keys else code_key
    flat = image.reshape(len(image), -1)
    mean, log_variance = (dense(params['encoder'][n], flat) for n in ('mean', 'log_variance'))
    noise = np.asarray(jax.random.normal(code_key, mean.shape), np.float64)
    z = mean + np.exp(log_variance / 2) * noise
    prior = np.asarray(jax.random.normal(prior_key, mean.shape), np.float64)
    kinds = [flat, *(np.tanh(dense(params['decoder']['pixels'], code)) for code in (z, prior))]
    shown = [np.float64(augment(kind.reshape(-1, 2, 2, 1), show_key, None)) for kind in kinds]
    seen = [dense(params['discriminator']['seen'], kind.reshape(len(kind), -1)) for kind in shown]
    logits = [dense(params['discriminator']['logit'], np.tanh(s))[:, 0] for s in seen]
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(1)
    return divergence, 0.5 * ((seen[0] - seen[1]) ** 2).sum(1), logits


def log_sigmoid(x):
    return -np.log1p(np.exp(-x))


def test_the_encoder_pays_for_its_prior_and_for_unlike_features(played):
    said, followed = played
    divergence, unlikeness, _ = followed(1)
    (value, report), _ = said['encoder']
    np.testing.assert_allclose(value, (divergence + unlikeness).mean(), rtol=1e-5)
    np.testing.assert_allclose(report.metrics['divergence'], divergence.mean(), rtol=1e-5)
    np.testing.assert_allclose(report.metrics['unlikeness'], unlikeness.mean(), rtol=1e-5)


def test_the_decoder_weighs_likeness_against_both_kinds_of_fakes(played):
    """gamma L_llike - L_GAN, of which the discriminator's words about real images are constant."""
    said, followed = played
    _, unlikeness, (_, again, sampled) = followed(2)
    fooled = (log_sigmoid(-again) + log_sigmoid(-sampled)).mean()
    (value, report), _ = said['decoder']
    np.testing.assert_allclose(value, GAMMA * unlikeness.mean() + fooled, rtol=1e-5)
    np.testing.assert_allclose(report.metrics['adversary'], fooled, rtol=1e-5)


def test_the_discriminator_tells_real_images_from_reconstructions_and_samples(played):
    said, followed = played
    _, _, (real, again, sampled) = followed(2)
    caught = (log_sigmoid(-again) + log_sigmoid(-sampled)).mean() / 2
    np.testing.assert_allclose(
        said['discriminator'][0][0], -log_sigmoid(real).mean() - caught, rtol=1e-5
    )


def test_every_weight_of_a_player_is_moved_by_its_loss(played):
    for _, gradients in played[0].values():
        for gradient in jax.tree.leaves(gradients):
            assert np.all(np.isfinite(gradient)) and np.any(gradient != 0)


def test_the_likeness_is_seen_in_the_last_convolution_before_its_normalization():
    init = jax.nn.initializers.lecun_normal()
    network = models.Discriminator(3, (4, 5), 6, 5, Unnormalized, init)
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
    variables = network.init(jax.random.key(0), image)
    networks = Networks({'d': network}, {'d': variables['params']}, {'d': {}})
    logits, sown = networks.d(image, intermediates=True)
    assert logits.shape == (2,)
    (similarity,), (features,) = sown['similarity'], sown['features']
    assert similarity.shape == (2, 2, 2, 5) and features.shape == (2, 6)
    assert similarity.min() < 0 <= features.min()  # before a ReLU, and after one


def test_a_loss_of_pairs_is_refused():
    config = configs.get_config()
    config.loss.name = 'relativistic'
    with pytest.raises(UsageError, match='two generated ones'):
        build(config)

"""The game of a generator and a discriminator, with networks small enough to know the answers."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses, priors
from gan_jax.game import Context, Networks
from gan_jax.games.adversarial.game import adversarial
from gan_jax.games.adversarial.generation import from_prior
from gan_jax.games.adversarial.judging import apart, in_two_calls, together
from gan_jax.games.adversarial.part import penalty
from gan_jax.models.layers import spectral_norm

REAL = jax.random.normal(jax.random.key(1), (6, 2, 2, 1))
NORMALIZED = pytest.mark.parametrize('normalized', (False, True))


class Generator(nn.Module):
    """z [B, 4] -> images [B, 2, 2, 1], normalised over the batch."""

    @nn.compact
    def __call__(self, z, train):
        x = nn.BatchNorm(use_running_average=not train)(nn.Dense(4)(z))
        return x.reshape(-1, 2, 2, 1)


class Discriminator(nn.Module):
    """Images -> logits [B], normalised over the batch or not."""

    normalized: bool = False

    @nn.compact
    def __call__(self, x, train=True):
        x = nn.Dense(3)(x.reshape(len(x), -1))
        if self.normalized:
            x = nn.BatchNorm(use_running_average=not train)(x)
        return nn.Dense(1)(jnp.tanh(x))[:, 0]


class Play:
    """A game at its first state, its losses evaluated without a step."""

    def __init__(self, weighted_penalties=None, normalized=False, **fields):
        self.drawn = []  # how many latents each call of the prior was asked for
        fields = {'judge': together, 'loss': losses.non_saturating(), **fields}
        self.game = adversarial(
            from_prior(Generator(), priors.Prior(self.draw_latents, truncate=None, between=None)),
            Discriminator(normalized),
            parts=tuple(penalty(*weighted) for weighted in (weighted_penalties or {}).items()),
            **fields,
        )
        inputs = self.game.inputs({'image': REAL})
        self.variables = {
            name: module.init(jax.random.key(0), *inputs[name], train=True)
            for name, module in self.game.networks.items()
        }
        self.drawn.clear()

    def draw_latents(self, key, count):
        self.drawn.append(count)
        return jax.random.normal(key, (count, 4))

    def apply(self, name, *inputs):
        """Returns what a network gives in training, whatever it would remember of it."""
        return self.game.networks[name].apply(
            self.variables[name], *inputs, train=True, mutable=['batch_stats']
        )[0]

    def lose(self, player):
        """Returns a player's loss, its report, and the networks that it left."""
        phase = next(phase for phase in self.game.phases if phase.player == player)
        stats = {
            name: {kind: tree for kind, tree in variables.items() if kind != 'params'}
            for name, variables in self.variables.items()
        }
        params = {name: variables['params'] for name, variables in self.variables.items()}
        networks = Networks(self.game.networks, params, stats, updatable=(player,))
        context = Context({'image': REAL}, jax.random.key(2), jnp.zeros((), int), {})
        value, report = phase.loss(networks, context)
        return value, report, networks


def equal(tree, other):
    return all(jax.tree.leaves(jax.tree.map(np.array_equal, tree, other)))


def test_the_discriminators_loss_is_the_adversarys_and_every_weighted_penalty():
    """Worked out from the images that the penalties were shown."""
    shown = []

    def brightness(critic, real, fake, key):
        shown.append((real, fake))
        return jnp.mean(fake) + 2

    def judgement(critic, real, fake, key):
        return jnp.mean(jnp.square(critic(real)))

    play = Play({brightness: 3.0, judgement: 0.5})
    value, report, _ = play.lose('discriminator')
    real, fake = shown[0]
    assert equal(real, REAL) and play.drawn == [len(REAL)]
    real_logits, fake_logits = (play.apply('discriminator', images) for images in (real, fake))
    penalty = 3 * (jnp.mean(fake) + 2) + 0.5 * jnp.mean(jnp.square(real_logits))
    adversary = losses.non_saturating().discriminator(real_logits, fake_logits)
    np.testing.assert_allclose(value, adversary + penalty, rtol=1e-5)
    expected = {
        'real_logit_mean': jnp.mean(real_logits),
        'real_logit_std': jnp.std(real_logits),
        'real_logit_sign': jnp.mean(jnp.sign(real_logits)),
        'fake_logit_mean': jnp.mean(fake_logits),
        'fake_logit_std': jnp.std(fake_logits),
        'penalty': penalty,
        'penalty_share': penalty / (jnp.abs(adversary) + penalty),
        'brightness': 3 * (jnp.mean(fake) + 2),
        'judgement': 0.5 * jnp.mean(jnp.square(real_logits)),
    }
    assert set(report.metrics) == set(expected)
    for name, metric in expected.items():
        np.testing.assert_allclose(report.metrics[name], metric, rtol=1e-5, err_msg=name)


def test_two_penalties_have_noise_of_their_own():
    keys = []

    def first(critic, real, fake, key):
        keys.append(jax.random.key_data(key))
        return 0.0

    def second(critic, real, fake, key):
        return first(critic, real, fake, key)

    Play({first: 1.0, second: 1.0}).lose('discriminator')
    assert not np.array_equal(*keys)


@pytest.mark.parametrize('multiple', (1, 3))
def test_the_generators_loss_is_of_as_many_images_as_it_is_asked_for(multiple):
    seen = []

    def generator_loss(real, fake):
        seen.append((real, fake))
        return jnp.mean(fake)

    loss = losses.non_saturating()._replace(generator=generator_loss)
    play = Play(loss=loss, generator_batch=multiple)
    value, _, _ = play.lose('generator')
    (real, fake), count = seen[0], multiple * len(REAL)
    assert play.drawn == [count] and len(fake) == count
    np.testing.assert_allclose(real, play.apply('discriminator', REAL), rtol=1e-5)
    assert value == jnp.mean(fake)


@NORMALIZED
def test_each_kind_is_judged_apart(normalized):
    play = Play(judge=apart, normalized=normalized)
    fake = 5 + REAL
    real_logits, fake_logits = judged(play, apart, fake)
    np.testing.assert_allclose(real_logits, play.apply('discriminator', REAL), rtol=1e-5)
    np.testing.assert_allclose(fake_logits, play.apply('discriminator', fake), rtol=1e-5)


@NORMALIZED
def test_judged_together_is_judged_apart_where_no_statistics_are_shared(normalized):
    play = Play(normalized=normalized)
    fake = 5 + REAL
    both = [jnp.concatenate(judged(play, judge, fake)) for judge in (together, apart)]
    assert np.allclose(*both, rtol=1e-4) != normalized


def test_in_two_calls_is_together():
    """Logits, gradients and the singular vectors that are left."""

    class Critic(nn.Module):
        @nn.compact
        def __call__(self, x, train=True):
            dense = spectral_norm(nn.Dense(3))
            return jnp.tanh(dense(x.reshape(len(x), -1)))[:, 0]

    fake = 5 + REAL
    variables = Critic().init(jax.random.key(0), REAL)
    stats = {kind: tree for kind, tree in variables.items() if kind != 'params'}

    def evaluate(params, judge):
        networks = Networks(
            {'critic': Critic()}, {'critic': params}, {'critic': stats}, updatable=('critic',)
        )
        logits = judge(networks.critic, (REAL,), (fake,))
        return jnp.sum(jnp.square(logits[0]) - logits[1]), (logits, networks.stats)

    one, two = (
        jax.value_and_grad(partial(evaluate, judge=judge), has_aux=True)(variables['params'])
        for judge in (together, in_two_calls)
    )
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), one, two)
    assert not equal(one[0][1][1]['critic'], stats)


def judged(play, judge, fake):
    """Returns the logits of real and of generated images."""

    def discriminate(x, train, update=False):
        return play.apply('discriminator', x)

    return judge(discriminate, (REAL,), (fake,))


@pytest.mark.parametrize('player', ('generator', 'discriminator'))
def test_a_turn_moves_the_statistics_of_its_player_alone(player):
    play = Play(normalized=True, judge=apart)
    _, _, networks = play.lose(player)
    for name, variables in play.variables.items():
        moved = not equal(networks.stats[name]['batch_stats'], variables['batch_stats'])
        assert moved == (name == player)


def test_both_players_see_the_generator_as_it_is_in_training():
    """Normalised over the batch, whatever its running statistics are."""
    shown = []

    def look(critic, real, fake, key):
        shown.append(fake)
        return 0.0

    Play({look: 1.0}).lose('discriminator')
    np.testing.assert_allclose(jnp.mean(shown[0], axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(jnp.std(shown[0], axis=0), 1, atol=1e-2)

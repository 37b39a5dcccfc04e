"""The engine plays games it knows nothing about: here, small ones with known answers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.game import Context, Game, Networks, Phase, Report
from gan_jax.models.layers import BatchNorm
from gan_jax.step import init_state, make_sampler, make_settle, make_train_step


class Point(nn.Module):
    """One weight, and a count of the calls that were kept."""

    @nn.compact
    def __call__(self, x):
        calls = self.variable('calls', 'count', lambda: jnp.zeros(()))
        weight = self.param('weight', nn.initializers.ones, ())
        if not self.is_initializing():
            calls.value += 1
        return weight * x


def product_loss(networks: Networks, context: Context):
    """x's loss in the bilinear game x y."""
    x = jnp.mean(networks.x(jnp.ones((2,)), update=True))
    return x * jnp.mean(networks.y(jnp.ones((2,)))), Report(metrics={'x': x})


def negated_loss(networks: Networks, context: Context):
    """y's loss in the bilinear game x y."""
    y = jnp.mean(networks.y(jnp.ones((2,)), update=True))
    return -y * jnp.mean(networks.x(jnp.ones((2,)))), Report()


def game(*phases: Phase, **fields) -> Game:
    return Game(
        networks={'x': Point(), 'y': Point()},
        players={'x': ('x',), 'y': ('y',)},
        phases=phases,
        inputs=lambda batch: {'x': (batch['image'],), 'y': (batch['image'],)},
        latents=lambda key, batch: {'z': batch['image']},
        draw=lambda networks, latents: {'image': networks.x(latents['z'])},
        **fields,
    )


BILINEAR = (Phase('x', 'x', product_loss), Phase('y', 'y', negated_loss))


def play(game: Game, steps: int, *, rate=0.1, batch=None, **options):
    """Returns the states of a run of plain gradient steps, the first one included."""
    optimizers = {player: optax.sgd(rate) for player in game.players}
    batch = {'image': jnp.ones((game.microbatches, 2))} if batch is None else batch
    first = {name: array[0] for name, array in batch.items()}
    state = init_state(game, optimizers, first, jax.random.key(0))
    step = jax.jit(make_train_step(game, optimizers, seed=0, **options), static_argnames='due')
    states, metrics = [state], {}
    for index in range(steps):
        state, metrics = step(state, batch, due=game.due(index))
        states.append(state)
    return states, metrics


def weight(state, name):
    return float(state.params[name]['weight'])


def test_phases_alternate_as_in_the_bilinear_game():
    """Alternating gradient steps: x <- x - r y, then y <- y + r x with the new x."""
    states, _ = play(game(*BILINEAR), 3)
    x = y = 1.0
    for state in states[1:]:
        x -= 0.1 * y
        y += 0.1 * x
        np.testing.assert_allclose([weight(state, 'x'), weight(state, 'y')], [x, y], rtol=1e-6)


def test_a_phase_with_an_interval_rests_between():
    lazy = Phase('y', 'y', negated_loss, interval=2)
    states, _ = play(game(BILINEAR[0], lazy), 3)
    moves = [weight(a, 'y') != weight(b, 'y') for a, b in zip(states, states[1:])]
    assert moves == [True, False, True]


def test_repeats_are_updates_of_one_player():
    states, _ = play(game(Phase('y', 'y', negated_loss, repeats=3)), 1)
    assert weight(states[1], 'y') == pytest.approx(1.3)  # y <- y + 0.1 x, three times


def regression(networks: Networks, context: Context):
    """Mean squared distance of the weight to the batch."""
    distance = networks.x(jnp.ones_like(context.batch['image']), update=True)
    return jnp.mean(jnp.square(distance - context.batch['image'])), Report()


def test_accumulated_microbatches_are_one_large_batch():
    values = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    many, _ = play(game(Phase('x', 'x', regression, accumulate=2)), 3, batch={'image': values})
    one, _ = play(game(Phase('x', 'x', regression)), 3, batch={'image': values.reshape(1, 4)})
    assert weight(many[-1], 'x') == pytest.approx(weight(one[-1], 'x'), rel=1e-6)


def test_repeats_read_a_microbatch_each():
    phase = Phase('x', 'x', regression, repeats=2)
    states, _ = play(game(phase), 1, batch={'image': jnp.array([[3.0, 3.0], [5.0, 5.0]])})
    first = 1 + 0.2 * (3 - 1)
    assert weight(states[1], 'x') == pytest.approx(first + 0.2 * (5 - first))


def test_statistics_move_with_kept_calls_of_the_player_alone():
    states, _ = play(game(Phase('x', 'x', product_loss, repeats=3)), 2)
    assert float(states[-1].stats['x']['calls']['count']) == 6
    assert float(states[-1].stats['y']['calls']['count']) == 0


def test_an_opponents_statistics_may_not_be_kept():
    def loss(networks, context):
        return jnp.mean(networks.y(jnp.ones((2,)), update=True)), Report()

    with pytest.raises(ValueError, match="'y' is not of the player"):
        play(game(Phase('x', 'x', loss)), 1)


def test_statistics_may_not_be_kept_within_a_gradient():
    """Inside a penalty's gradient, new statistics would be its tracers."""

    def loss(networks, context):
        return jax.grad(lambda x: jnp.sum(networks.x(x, update=True)))(jnp.ones((2,)))[0], Report()

    with pytest.raises(ValueError, match='inside a transformation'):
        play(game(Phase('x', 'x', loss)), 1)


def test_an_unknown_network_is_named():
    def loss(networks, context):
        return jnp.sum(networks.z(jnp.ones((2,)))), Report()

    with pytest.raises(AttributeError, match=r"no network 'z'; it has \['x', 'y'\]"):
        play(game(Phase('x', 'x', loss)), 1)


def drawing(networks: Networks, context: Context):
    """A loss that shows the number it drew."""
    return jnp.mean(networks.x(jnp.ones((2,)))), Report(
        metrics={'drawn': jax.random.uniform(context.key)}
    )


def test_randomness_is_a_function_of_seed_step_and_phase():
    both = game(Phase('one', 'x', drawing), Phase('two', 'x', drawing, repeats=2))
    states, metrics = play(both, 2)
    drawn = [float(metrics['one/drawn']), float(metrics['two/drawn'])]
    assert drawn[0] != drawn[1]
    optimizers = {player: optax.sgd(0.1) for player in both.players}
    resumed = make_train_step(both, optimizers, seed=0)(
        states[1], {'image': jnp.ones((2, 2))}, due=both.due(1)
    )[1]
    np.testing.assert_allclose([resumed['one/drawn'], resumed['two/drawn']], drawn, rtol=1e-6)
    other = make_train_step(both, optimizers, seed=1)(
        states[1], {'image': jnp.ones((2, 2))}, due=both.due(1)
    )[1]
    assert float(other['one/drawn']) != drawn[0]


def test_the_moving_average_follows_and_is_what_is_sampled():
    averaged = game(Phase('x', 'x', regression), ema=('x',))
    batch = {'image': jnp.full((1, 2), 3.0)}
    states, _ = play(averaged, 2, batch=batch, ema_decay=lambda step: 0.9)
    expected = 1.0
    for state in states[1:]:
        expected = 0.9 * expected + 0.1 * weight(state, 'x')
    assert float(states[-1].ema['x']['params']['weight']) == pytest.approx(expected)
    drawn = make_sampler(averaged)(states[-1], {'image': jnp.ones((2,))}, jax.random.key(0))
    np.testing.assert_allclose(drawn['image'], expected, rtol=1e-6)


def test_a_donated_state_holds_no_buffer_twice():
    averaged = game(*BILINEAR, ema=('x', 'y'))
    optimizers = {player: optax.adam(0.1) for player in averaged.players}
    batch = {'image': jnp.ones((1, 2))}
    state = init_state(averaged, optimizers, {'image': jnp.ones((2,))}, jax.random.key(0))
    step = jax.jit(
        make_train_step(averaged, optimizers, seed=0), static_argnames='due', donate_argnums=0
    )
    before = state
    state, _ = step(state, batch, due=(True, True))
    step(state, batch, due=(True, True))
    assert before.params['x']['weight'].is_deleted()


def test_a_loss_hands_state_to_the_steps_that_follow():
    def counting(networks, context):
        count = context.extra['count'] + 1
        return jnp.mean(networks.x(jnp.ones((2,)))), Report(extra={'count': count})

    fields = dict(
        extra={'count': jnp.zeros(())},
        after=lambda extra, metrics: {'count': 10 * extra['count']},
    )
    states, _ = play(game(Phase('x', 'x', counting, repeats=2), **fields), 2)
    assert [float(state.extra['count']) for state in states] == [0, 20, 220]


def test_a_step_says_whether_all_it_said_is_finite():
    _, metrics = play(game(*BILINEAR), 1)
    assert bool(metrics['finite'])
    _, metrics = play(game(*BILINEAR), 2, rate=float('inf'))
    assert not bool(metrics['finite'])


class Normalized(nn.Module):
    """A normalised point, and a statistic that it has besides."""

    @nn.compact
    def __call__(self, x, train=True):
        self.variable('calls', 'count', lambda: jnp.zeros(()))
        self.param('weight', nn.initializers.ones, ())
        return BatchNorm(affine=False)(x, train)


@pytest.mark.parametrize('ema', ((), ('x',)))
def test_standing_statistics_are_means_over_fresh_batches(ema):
    """Of each batch's mean and variance, for the networks that are sampled; nothing else moves."""
    normal = Game(
        networks={'x': Normalized()},
        players={'x': ('x',)},
        phases=BILINEAR[:1],
        inputs=lambda batch: {'x': (batch['image'],)},
        latents=lambda key, batch: {'z': 3 + 2 * jax.random.normal(key, batch['image'].shape)},
        draw=lambda networks, latents: {'image': networks.x(latents['z'], train=False)},
        ema=ema,
    )
    batch, keys = {'image': jnp.zeros((5, 2))}, jax.random.split(jax.random.key(1), 3)
    state = init_state(normal, {'x': optax.sgd(0.1)}, batch, jax.random.key(0))
    settled = jax.jit(make_settle(normal))(state, batch, keys)
    z = np.stack([normal.latents(key, batch)['z'] for key in keys])
    mean, var = z.mean(axis=1).mean(axis=0), z.var(axis=1).mean(axis=0)
    found = (settled.ema if ema else settled.stats)['x']
    np.testing.assert_allclose(found['batch_stats']['BatchNorm_0']['mean'], mean, rtol=1e-5)
    np.testing.assert_allclose(found['batch_stats']['BatchNorm_0']['var'], var, rtol=1e-5)
    assert found['calls'] == {'count': 0}
    assert settled.params == state.params
    image = make_sampler(normal)(settled, batch, keys[0])['image']
    np.testing.assert_allclose(image, (z[0] - mean) / np.sqrt(var + 1e-5), rtol=1e-3, atol=1e-4)

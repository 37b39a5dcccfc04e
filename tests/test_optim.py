"""Optimisers, schedules and what acts on weights alone, against formulas in NumPy."""

import functools

import jax
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from configs import base
from gan_jax.optim import (
    OPTIMIZERS,
    SCHEDULES,
    build_ema_decay,
    build_optimizer,
    build_schedule,
    orthogonal,
)
from gan_jax.usage import UsageError

RNG = np.random.default_rng(0)
WEIGHTS = {'kernel': RNG.normal(size=(3, 2)).astype(np.float32), 'bias': np.float32([0.5, -0.2])}
GRADIENTS = [
    {name: RNG.normal(size=weight.shape).astype(np.float32) for name, weight in WEIGHTS.items()}
    for _ in range(4)
]
RATE = 0.1


def spec_of(**fields) -> ConfigDict:
    """Returns a player's section of the config, its defaults but for these fields."""
    return ConfigDict(base.optimizer_fields(**fields))


def play(optimizer, gradients, weights=WEIGHTS):
    """Returns the weights after one update for each gradient."""
    update = jax.jit(optimizer.update)
    state = optimizer.init(weights)
    for gradient in gradients:
        updates, state = update(gradient, state, weights)
        weights = optax.apply_updates(weights, updates)
    return weights


def build(steps=100, updates_per_step=1, **fields):
    return build_optimizer(spec_of(**fields), steps, updates_per_step)


# Each takes the gradients of one weight, in order, and its first value; float64.
def sgd(w, gradients):
    for g in gradients:
        w = w - RATE * g
    return w


def momentum(w, gradients, mu=0.7):
    """PyTorch's SGD: m <- mu m + g, w <- w - rate m."""
    m = 0
    for g in gradients:
        m = mu * m + g
        w = w - RATE * m
    return w


def rmsprop(w, gradients, decay=0.99, eps=0.05):
    """PyTorch's: v starts at zero and epsilon stands outside of the root."""
    v = 0
    for g in gradients:
        v = decay * v + (1 - decay) * g**2
        w = w - RATE * g / (np.sqrt(v) + eps)
    return w


def adam(w, gradients, b1=0.5, b2=0.9, eps=0.05, decay=0.0):
    """Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2, with a decay."""
    m = v = 0
    for t, g in enumerate(gradients, 1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        w = w - RATE * (m_hat / (np.sqrt(v_hat) + eps) + decay * w)
    return w


# name -> (its formula, its fields); epsilons are large, so that their place is seen.
FORMULAS = {
    'sgd': (sgd, dict()),
    'momentum': (momentum, dict(momentum=0.7)),
    'rmsprop': (rmsprop, dict(eps=0.05)),
    'adam': (adam, dict(b1=0.5, b2=0.9, eps=0.05)),
    'adamw': (
        functools.partial(adam, decay=0.3),
        dict(b1=0.5, b2=0.9, eps=0.05, weight_decay=0.3),
    ),
}


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_an_optimiser_takes_its_papers_steps(name):
    """Four updates with different gradients end where the formula does."""
    formula, fields = FORMULAS[name]
    moved = play(build(name=name, learning_rate=RATE, **fields), GRADIENTS)
    for key, weight in WEIGHTS.items():
        gradients = [gradient[key].astype(np.float64) for gradient in GRADIENTS]
        expected = formula(weight.astype(np.float64), gradients)
        np.testing.assert_allclose(moved[key], expected, rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.parametrize('name', ('rmsprop', 'adam', 'adamw'))
def test_a_first_adaptive_step_forgets_the_gradients_size(name):
    """Adam's first step is the rate itself, RMSProp's the rate / sqrt(1 - decay)."""
    gradient = {'kernel': np.full((3, 2), 1e-3, np.float32), 'bias': np.float32([5.0, -5.0])}
    moved = play(build(name=name, learning_rate=RATE), [gradient])
    length = RATE / np.sqrt(1 - 0.99) if name == 'rmsprop' else RATE
    for key in WEIGHTS:
        expected = WEIGHTS[key] - length * np.sign(gradient[key])
        np.testing.assert_allclose(moved[key], expected, rtol=1e-3)


# schedule -> its rate at the share t of the way, as a share of the first, falling to `final`
CURVES = {
    'constant': lambda t, final: 1.0,
    'linear': lambda t, final: 1 + t * (final - 1),
    'constant_then_linear': lambda t, final: 1 + max(0, 2 * t - 1) * (final - 1),
    'cosine': lambda t, final: final + (1 - final) * (1 + np.cos(np.pi * t)) / 2,
    'exponential': lambda t, final: final**t,
}
every_schedule = pytest.mark.parametrize('name', SCHEDULES)


@every_schedule
@pytest.mark.parametrize('warmup', (0, 20))
@pytest.mark.parametrize('updates_per_step', (1, 5, 0.25))
def test_a_schedule_lasts_exactly_the_run(name, warmup, updates_per_step):
    """Start, middle and end in training steps, whatever the number of updates per step."""
    final = 0.0 if name == 'constant' else 0.1
    spec = spec_of(schedule=name, learning_rate=RATE, final_share=final, warmup_steps=warmup)
    rate = build_schedule(spec, 100, updates_per_step)
    for step in (warmup, *(warmup + (100 - warmup) * part // 4 for part in (1, 2, 3)), 100):
        expected = RATE * CURVES[name]((step - warmup) / (100 - warmup), final)
        np.testing.assert_allclose(rate(step * updates_per_step), expected, rtol=1e-5)


@every_schedule
def test_a_warm_up_rises_linearly_from_zero(name):
    """A quarter of the warm-up gives a quarter of the rate, its end all of it."""
    final = 0.0 if name == 'constant' else 0.1
    spec = spec_of(schedule=name, learning_rate=RATE, final_share=final, warmup_steps=20)
    rate = build_schedule(spec, 100, 5)
    for step, share in ((0, 0), (5, 0.25), (10, 0.5), (20, 1)):
        np.testing.assert_allclose(rate(5 * step), RATE * share, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize('name', ('linear', 'cosine'))
def test_a_schedule_may_end_at_nothing(name):
    """A final share of zero, the default, falls all the way and ends below 1e-6 of the rate."""
    rate = build_schedule(spec_of(schedule=name, learning_rate=RATE), 10, 1)
    rates = np.array([rate(step) for step in range(11)])
    assert rates[0] == pytest.approx(RATE)
    assert np.all(np.diff(rates) < 0)
    assert 0 <= rates[-1] < 1e-6 * RATE


@pytest.mark.parametrize(
    'fields, message',
    (
        (dict(schedule='exponential'), 'final_share'),
        (dict(schedule='constant', final_share=0.1), 'does not end at final_share=0.1'),
        (dict(schedule='linear', warmup_steps=10), 'warmup_steps=10 must be fewer than steps=10'),
    ),
)
def test_an_impossible_schedule_is_refused(fields, message):
    """An exponential never reaches zero, and a warm-up must leave some of the run."""
    with pytest.raises(UsageError, match=message):
        build_schedule(spec_of(learning_rate=RATE, **fields), 10, 1)


def test_a_critics_rate_does_not_decay_too_early():
    """Four steps of five updates each: the twentieth update moves the weight, the next no more."""
    optimizer = build(
        steps=4, updates_per_step=5, name='sgd', learning_rate=RATE, schedule='linear'
    )
    ones = jax.tree.map(np.ones_like, WEIGHTS)
    places = [play(optimizer, [ones] * count)['bias'][0] for count in range(22)]
    np.testing.assert_allclose(-np.diff(places), RATE * (1 - np.arange(21) / 20), atol=1e-6)


@pytest.mark.parametrize('bound', (0.5, 100.0))
def test_clipping_scales_all_of_a_players_gradients_together(bound):
    """g min(1, bound / |g|), with |g| over every weight of the player."""
    gradient = GRADIENTS[0]
    norm = np.sqrt(sum(np.sum(np.square(g)) for g in gradient.values()))
    assert 0.5 < norm < 100
    moved = play(build(name='sgd', learning_rate=RATE, clip_norm=bound), [gradient])
    for key in WEIGHTS:
        expected = WEIGHTS[key] - RATE * gradient[key] * min(1, bound / norm)
        np.testing.assert_allclose(moved[key], expected, rtol=1e-5)


@pytest.mark.parametrize('name', OPTIMIZERS)
@pytest.mark.parametrize('bound', (0.01, 0.3))
def test_clipped_weights_stay_within_their_bound(name, bound):
    """Every weight, after every update, from wherever it starts; within it nothing changes."""
    optimizer = build(name=name, learning_rate=RATE, clip_weights=bound)
    for count in range(1, len(GRADIENTS) + 1):
        moved = play(optimizer, GRADIENTS[:count])
        assert all(np.max(np.abs(weight)) <= bound + 1e-7 for weight in moved.values())
    free = play(build(name=name, learning_rate=RATE), GRADIENTS[:1])
    clipped = play(optimizer, GRADIENTS[:1])
    for key in WEIGHTS:
        np.testing.assert_allclose(clipped[key], np.clip(free[key], -bound, bound), atol=1e-7)


@pytest.mark.parametrize('l1, l2', [(0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_a_norm_loss_is_the_gradient_of_its_formula(l1, l2):
    """SGD with no other gradient descends l1 sum|w| + l2 sum w^2."""

    def norm_loss(weight):
        return l1 * np.sum(np.abs(weight)) + l2 * np.sum(weight**2)

    zeros = jax.tree.map(np.zeros_like, WEIGHTS)
    moved = play(build(name='sgd', learning_rate=RATE, l1=l1, l2=l2), [zeros])
    for key, weight in WEIGHTS.items():
        weight = weight.astype(np.float64)
        slope = np.zeros_like(weight)
        for index in np.ndindex(weight.shape):
            move = np.zeros_like(weight)
            move[index] = 1e-6
            slope[index] = (norm_loss(weight + move) - norm_loss(weight - move)) / 2e-6
        np.testing.assert_allclose(moved[key], weight - RATE * slope, rtol=1e-5)


def test_a_norm_loss_is_added_to_the_gradient():
    """The adaptive optimisers see it as part of the loss; AdamW's decay they do not."""
    total = [jax.tree.map(lambda g, w: g + 2 * 0.2 * w, GRADIENTS[0], WEIGHTS)]
    moved = play(build(name='adam', learning_rate=RATE, eps=0.05, l2=0.2), GRADIENTS[:1])
    expected = play(build(name='adam', learning_rate=RATE, eps=0.05), total)
    for key in WEIGHTS:
        np.testing.assert_allclose(moved[key], expected[key], rtol=1e-6)


def test_clipping_bounds_the_norm_losss_gradient_too():
    optimizer = build(name='sgd', learning_rate=1.0, clip_norm=1.0, l2=10.0)
    weights = {'w': np.float32([3.0, 4.0])}
    moved = play(optimizer, [{'w': np.float32([0.3, 0.4])}], weights)  # 0.5 + 2 l2 |w| before
    np.testing.assert_allclose(moved['w'], [3 - 0.6, 4 - 0.8], rtol=1e-6)


@pytest.mark.parametrize('field', ('clip_norm', 'clip_weights', 'l1', 'l2', 'warmup_steps'))
def test_zero_switches_a_part_off(field):
    """A zero leaves SGD to the last bit as it is; any other number does not."""
    plain = play(optax.sgd(RATE), GRADIENTS)
    off = play(build(name='sgd', learning_rate=RATE, **{field: 0}), GRADIENTS)
    number = 4 if field == 'warmup_steps' else 0.1
    on = play(build(name='sgd', learning_rate=RATE, **{field: number}), GRADIENTS)
    for key in WEIGHTS:
        np.testing.assert_array_equal(off[key], plain[key])
        assert not np.allclose(on[key], plain[key])


@pytest.mark.parametrize(
    'fields, nearest', [(dict(name='adan'), 'adam'), (dict(schedule='cosin'), 'cosine')]
)
def test_an_unknown_name_is_answered_with_the_nearest(fields, nearest):
    """A misspelt optimiser or schedule is a usage error."""
    with pytest.raises(UsageError, match=f'did you mean {nearest!r}'):
        build(**fields)


def test_weight_decay_that_an_optimiser_would_not_take_is_refused():
    """With the norm loss that has the same gradient, l2 sum w^2."""
    with pytest.raises(UsageError, match='adam takes no weight_decay: use adamw, or l2=0.05'):
        build(name='adam', weight_decay=0.1)


def test_orthogonal_regularisation_is_the_gradient_of_its_penalty():
    """Of beta ||W^T W * (1 - I)||^2 of every kernel but embeddings: Brock et al. 2019, eq. 3."""
    shapes = {'conv': (3, 3, 2, 5), 'dense': (4, 3), 'embedding': (4, 3), 'bias': (5,)}
    weights = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}

    def penalty(weights):
        total = 0
        for name in ('conv', 'dense'):
            w = weights[name].reshape(-1, weights[name].shape[-1])
            total += 0.3 * jax.numpy.sum(jax.numpy.square(w.T @ w * (1 - np.eye(w.shape[1]))))
        return total

    zeros = jax.tree.map(np.zeros_like, weights)
    ours, _ = jax.jit(orthogonal(0.3).update)(zeros, optax.EmptyState(), weights)
    for name, gradient in jax.grad(penalty)(weights).items():
        np.testing.assert_allclose(ours[name], gradient, rtol=1e-4, atol=1e-4, err_msg=name)


def test_orthogonal_filters_of_any_length_are_left_alone():
    filters = 7 * np.linalg.qr(RNG.normal(size=(12, 4)))[0].astype(np.float32)
    weights = {'kernel': filters.reshape(3, 4, 4)}
    zeros = jax.tree.map(np.zeros_like, weights)
    ours, _ = orthogonal(1.0).update(zeros, optax.EmptyState(), weights)
    np.testing.assert_allclose(ours['kernel'], 0, atol=1e-2)


def test_an_average_starts_late_or_grows_its_memory():
    """Copies before the start; with a ramp, half is forgotten within that share of the run."""
    late = build_ema_decay(0.9, start=3)
    np.testing.assert_allclose([late(step) for step in range(5)], [0, 0, 0, 0.9, 0.9], rtol=1e-6)
    ramp = build_ema_decay(0.999, rampup=0.05)
    assert float(ramp(99)) ** 5 == pytest.approx(0.5, rel=1e-4)  # after 100 steps, within 5
    assert float(ramp(10**6)) == pytest.approx(0.999)

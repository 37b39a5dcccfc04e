"""A run in stages: which fields change at which step, and what a stopped one goes on with."""

import jax
import numpy as np
import optax
import pytest

from gan_jax import train as training
from gan_jax.build import build_optimizers
from gan_jax.games import build_game
from gan_jax.run import load_run
from gan_jax.stages import describe, split, stage_at
from gan_jax.usage import UsageError


@pytest.fixture
def staged(tiny):
    """A run of three stages, of 10, 15 and 25 steps, whose batches and rates differ."""
    with tiny.unlocked():
        tiny.stages = dict(
            start=(0, 10, 25),
            batch_size=(16, 8, 4),
            optimizers=dict(generator=dict(learning_rate=(1e-3, 2e-3, 4e-3))),
        )
    tiny.steps = 50
    tiny.optimizers.generator.learning_rate = 4e-3
    tiny.optimizers.generator.schedule = 'linear'
    tiny.log.every, tiny.log.samples_every, tiny.checkpoint.every = 5, 5, 5
    tiny.checkpoint.keep = 100
    return tiny


def same(tree, other) -> bool:
    """Whether two trees hold the same bits."""
    return all(
        np.array_equal(one, two)
        for one, two in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True)
    )


def test_a_stage_is_the_config_with_its_own_values(staged):
    stages = split(staged)
    assert [(stage.start, stage.steps, stage.batch_size) for stage in stages] == [
        (0, 10, 16),
        (10, 25, 8),
        (25, 50, 4),
    ]
    assert stages[1].optimizers.generator.learning_rate == 2e-3
    assert stages[1].optimizers.discriminator == staged.optimizers.discriminator
    assert stages[1].is_locked and staged.batch_size == 16
    at = {step: stages.index(stage_at(stages, step)) for step in (0, 9, 10, 24, 25, 50)}
    assert at == {0: 0, 9: 0, 10: 1, 24: 1, 25: 2, 50: 2}
    assert describe(stages, stages[1]) == (
        'Stage 2 of 3 from step 10: batch_size=8, optimizers.generator.learning_rate=0.002'
    )


def test_a_shorter_run_ends_within_a_stage_which_stays_as_long_as_it_was(staged):
    staged.steps = 12
    assert [(stage.start, stage.steps) for stage in split(staged)] == [(0, 10), (10, 25)]


def test_a_run_without_stages_is_one(tiny):
    assert split(tiny) == [tiny]


@pytest.mark.parametrize(
    'column, values, message',
    (
        ('start', (5, 10, 25), r'must rise from 0 on, not \(5, 10, 25\)'),
        ('start', (0, 25, 10), 'must rise from 0 on'),
        ('start', (), 'must rise from 0 on'),
        ('batch_size', (16, 8), 'has 2 values for 3 stages'),
        ('start', (0, 10.5, 25), 'stage 2 of config.stages: .*start.*int'),
        ('batch_size', (16, 8, 0), 'stages.batch_size must be at least 1'),
    ),
)
def test_stages_that_do_not_fit_are_refused(staged, column, values, message):
    staged.stages[column] = values
    with pytest.raises(UsageError, match=message):
        split(staged)


def test_a_value_that_no_stage_has_is_refused(staged):
    """Who sets it thinks that it is what is trained with."""
    staged.batch_size = 32
    with pytest.raises(UsageError, match=r'batch_size=32 has no say.*stages.batch_size=\(16, 8, 4'):
        split(staged)


def test_a_field_that_no_config_has_is_refused(staged):
    with staged.unlocked():
        staged.stages.batchsize = (1, 2, 3)
    with pytest.raises(UsageError, match="did you mean 'batch_size'"):
        split(staged)


def test_a_run_stopped_in_a_stage_or_between_two_ends_in_the_same_bits(
    staged, tmp_path, monkeypatch
):
    """What is stored there is what the whole run had there, streamed or not."""
    staged.steps = 20  # in two stages
    expected = jax.device_get(training.train(staged, str(tmp_path / 'whole')))
    for stop, resident_mb in ((10, 1024), (14, 0)):
        staged.data.resident_mb = resident_mb
        workdir = str(tmp_path / str(stop))
        with monkeypatch.context() as patch:
            patch.setattr(
                training.Interruption,
                'requested',
                lambda self, checkpoints, call, stop=stop: call + 1 == stop,
            )
            assert int(training.train(staged, workdir).step) == stop
        assert same(jax.device_get(training.train(staged, workdir)), expected)

    states = [load_run(str(tmp_path / 'whole'), step=step).state for step in (10, 15)]
    counts = [{int(n) for _, n in optax.tree.get_all_with_path(s.opt, 'count')} for s in states]
    assert counts == [{10}, {5}]  # entering a stage renews the optimisers,
    weights = states[0].params['generator'], states[1].params['generator']
    assert all(  # and keeps what they have moved
        np.max(np.abs(one - two)) < 0.1 for one, two in zip(*map(jax.tree.leaves, weights))
    )


def test_the_rate_falls_over_a_stage_and_anew_over_the_next(staged):
    for stage, rate, length in zip(split(staged), (1e-3, 2e-3, 4e-3), (10, 15, 25)):
        optimizer = build_optimizers(stage, build_game(stage))['generator']
        weight = np.ones(1, np.float32)
        state, steps = optimizer.init(weight), []
        for _ in range(length + 1):
            update, state = optimizer.update(weight, state, weight)
            steps.append(float(np.abs(update)[0]))
        fifth = length // 5
        np.testing.assert_allclose(steps[0], rate, rtol=1e-3)
        np.testing.assert_allclose(steps[fifth], rate * (1 - fifth / length), rtol=1e-3)
        assert steps[length] < 1e-8

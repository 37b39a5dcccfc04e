"""A run in stages: which fields change at which step, and what a killed one goes on with."""

import jax
import numpy as np
import optax
import pytest

from gan_jax import train as training
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
    assert [stages.index(stage_at(stages, step)) for step in (0, 9, 10, 24, 25, 50)] == [
        0, 0, 1, 1, 2, 2,
    ]  # fmt: skip
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
    ),
)
def test_stages_that_do_not_fit_are_refused(staged, column, values, message):
    staged.stages[column] = values
    with pytest.raises(UsageError, match=message):
        split(staged)


def test_a_field_that_no_config_has_is_refused(staged):
    with staged.unlocked():
        staged.stages.batchsize = (1, 2, 3)
    with pytest.raises(UsageError, match="did you mean 'batch_size'"):
        split(staged)


@pytest.fixture
def whole(staged, tmp_path):
    """The folder of a run that nothing has interrupted, and its last state."""
    return tmp_path / 'whole', jax.device_get(training.train(staged, str(tmp_path / 'whole')))


@pytest.mark.parametrize('resident_mb', [1024, 0])
@pytest.mark.parametrize('stop', [5, 10, 20, 25, 30])
def test_a_run_stopped_anywhere_ends_in_the_same_bits(
    staged, whole, tmp_path, monkeypatch, stop, resident_mb
):
    """Within a stage and between two; what is stored there is what the whole run had there."""
    folder, expected = whole

    def requested(self, checkpoints, call):
        return call + 1 == stop

    staged.data.resident_mb = resident_mb
    with monkeypatch.context() as patch:
        patch.setattr(training.Interruption, 'requested', requested)
        stopped = training.train(staged, str(tmp_path / 'stopped'))
    assert int(stopped.step) == stop
    assert same(stopped, load_run(str(folder), step=stop).state)
    assert same(training.train(staged, str(tmp_path / 'stopped')), expected)


def test_entering_a_stage_renews_the_optimisers_alone(staged, whole):
    folder, _ = whole
    before, after = (load_run(str(folder), step=step).state for step in (10, 15))
    counts = [
        {int(count) for _, count in optax.tree.get_all_with_path(state.opt, 'count')}
        for state in (before, after)
    ]
    assert counts == [{10}, {5}]


def test_a_stages_rate_falls_over_the_stage(staged):
    """From its own rate to nothing, and anew in the next."""
    from gan_jax.build import build_optimizers
    from gan_jax.games import build_game

    for stage, rate, length in zip(split(staged), (1e-3, 2e-3, 4e-3), (10, 15, 25)):
        optimizer = build_optimizers(stage, build_game(stage))['generator']
        params = {'w': np.ones(1, np.float32)}
        state, steps = optimizer.init(params), []
        for _ in range(length + 1):
            update, state = optimizer.update(params, state, params)
            steps.append(float(np.abs(update['w'])[0]))
        np.testing.assert_allclose(steps[0], rate, rtol=1e-3)
        np.testing.assert_allclose(
            steps[length // 5], rate * (1 - (length // 5) / length), rtol=1e-3
        )
        assert steps[length] < 1e-8

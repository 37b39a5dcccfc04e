"""The loop: which steps are taken in one call, and that their results do not tell."""

import json

import jax
import numpy as np
import pytest

from gan_jax import train as training, tuning
from gan_jax.build import steps_per_call
from gan_jax.game import Game, Phase
from gan_jax.games import build_game
from gan_jax.usage import UsageError


@pytest.mark.parametrize('start, end', [(0, 30), (0, 33), (7, 30), (12, 13), (9, 9)])
def test_calls_take_every_step_once_and_five_at_every_multiple_of_five(start, end):
    calls = list(training._calls(start, end, 5))
    assert [step for call in calls for step in call] == list(range(start, end))
    whole = [call.start for call in calls if len(call) == 5]
    assert whole == [step for step in range(start, end - 4) if step % 5 == 0]
    assert all(len(call) == 1 for call in calls if call.start not in whole)


@pytest.mark.parametrize(
    'asked, intervals, together',
    [
        (1, (100, 1000, 1000), 1),
        (10, (100, 1000, 1000), 10),
        (7, (100, 1000, 1000), 5),
        (30, (100, 1000, 1000), 25),
        (10, (100, 1000, 999), 1),
        (10, (12, 18, 30), 6),
    ],
)
def test_a_call_never_reaches_over_the_end_of_an_interval(tiny, asked, intervals, together):
    tiny.steps_per_call = asked
    tiny.log.every, tiny.log.samples_every, tiny.checkpoint.every = intervals
    assert steps_per_call(tiny, build_game(tiny)) == together


def test_steps_of_a_lazy_phase_are_taken_one_by_one(tiny):
    """They are not alike."""
    tiny.steps_per_call = 10
    phases = Phase('often', 'player', None), Phase('seldom', 'player', None, interval=16)
    for some, together in (phases[:1], 10), (phases, 1):
        game = Game({}, {}, some, inputs=None, latents=None, draw=None)
        assert steps_per_call(tiny, game) == together


def test_fewer_than_no_steps_cannot_be_taken(tiny):
    tiny.steps_per_call = -1
    with pytest.raises(UsageError, match='steps_per_call=-1'):
        steps_per_call(tiny, build_game(tiny))


@pytest.mark.parametrize('resident_mb', [1024, 0])
@pytest.mark.parametrize('backend', ['cpu', 'gpu'])
def test_a_call_of_five_steps_is_five_calls(tiny, tmp_path, monkeypatch, backend, resident_mb):
    """On a CPU, and with what elsewhere is otherwise: the same batches, the same noise.

    23 steps: the last three are calls of their own.
    """
    monkeypatch.setattr(jax, 'default_backend', lambda: backend)
    monkeypatch.setattr(tuning, 'compiler_options', tuning.compiler_options.__wrapped__)
    tiny.steps, tiny.data.resident_mb = 23, resident_mb
    tiny.log.every, tiny.log.samples_every, tiny.checkpoint.every = 5, 10, 10
    ends, logs = [], []
    for together in (1, 5):
        tiny.steps_per_call = together
        workdir = tmp_path / str(together)
        ends.append(jax.device_get(training.train(tiny, str(workdir))))
        lines = [json.loads(line) for line in (workdir / 'metrics.jsonl').open()]
        logs.append({line['step']: line for line in lines})
        assert (workdir / 'samples' / '00000020.png').exists()
    one, five = ends
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), one, five)
    assert set(logs[0]) - set(logs[1]) == {1} and set(logs[1]) == {5, 10, 15, 20, 23}
    for step, said in logs[1].items():
        for name in ('discriminator/loss', 'generator/gradient_norm'):
            np.testing.assert_allclose(said[name], logs[0][step][name], rtol=1e-4)

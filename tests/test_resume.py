"""A run that is killed, stopped or short of disk ends where one that nothing happened to ends."""

import json
import math
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax.train import train
from gan_jax.usage import UsageError

DATA = {'resident': (), 'streamed': ('--config.data.resident_mb=0',)}
every_data = pytest.mark.parametrize('data', DATA)


def same_bits(tree, other) -> bool:
    """Whether two trees hold the same dtypes and the same bits."""
    return all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes()
        for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True)
    )


def metrics_of(workdir: Path) -> list[dict]:
    return [json.loads(line) for line in (workdir / 'metrics.jsonl').read_text().splitlines()]


def steps_saved(workdir: Path) -> set[int]:
    """Returns the steps of whole checkpoints."""
    return {int(path.name) for path in (workdir / 'checkpoints').glob('*') if path.name.isdigit()}


def interrupt(program, workdir: Path, data: str) -> list[tuple[str, int, str]]:
    """Kills and stops a run at one moment after the other, then lets it end.

    Returns:
      for every signal its name, the exit code and what was printed.
    """
    arguments = [f'--workdir={workdir}', '--config.steps=300', *DATA[data]]
    saving = list((workdir / 'checkpoints').glob('*tmp*'))

    def saves():
        return list((workdir / 'checkpoints').glob('*tmp*'))

    assert not saving
    moments = (
        ('while it compiles', signal.SIGKILL, lambda run: program.wait(run, 'examples of digits')),
        ('between two steps', signal.SIGKILL, lambda run: program.wait(run, 'step 40/')),
        ('during a checkpoint', signal.SIGKILL, lambda run: program.poll(run, saves)),
        ('by Ctrl-C', signal.SIGINT, lambda run: program.wait(run, 'step 120/')),
        ('by the cluster', signal.SIGTERM, lambda run: program.wait(run, 'step 200/')),
    )
    happened = []
    for name, number, wait in moments:
        with program.start(*arguments) as run:
            before = wait(run) or ''
            code, after = program.end(run, number)
            happened.append((name, code, before + after))
    program.train(workdir, *arguments[1:])
    return happened


@pytest.fixture(scope='module')
def interrupted(program, tmp_path_factory) -> dict[str, tuple[Path, list]]:
    """By kind of data: the folder of a run that was interrupted, and what happened to it."""
    folder = tmp_path_factory.mktemp('interrupted')
    with ThreadPoolExecutor() as pool:
        happened = pool.map(lambda data: interrupt(program, folder / data, data), DATA)
        return {data: (folder / data, events) for data, events in zip(DATA, happened)}


@pytest.fixture(scope='module')
def uninterrupted(program, finished, tmp_path_factory) -> dict[str, Path]:
    """By kind of data: the folder of a run to which nothing happened."""
    streamed = tmp_path_factory.mktemp('uninterrupted') / 'streamed'
    program.train(streamed, '--config.steps=300', *DATA['streamed'])
    return {'resident': finished, 'streamed': streamed}


@every_data
def test_an_interrupted_run_ends_in_the_same_bits(interrupted, uninterrupted, newest, data):
    workdir, _ = interrupted[data]
    expected, found = newest(uninterrupted[data]), newest(workdir)
    assert int(expected.step) == 300
    assert same_bits(found, expected)
    assert not same_bits(found.params, jax.tree.map(np.zeros_like, found.params))


@every_data
def test_every_logged_step_is_there_once_and_in_order(interrupted, uninterrupted, data):
    workdir, _ = interrupted[data]
    lines, expected = metrics_of(workdir), metrics_of(uninterrupted[data])
    steps = [line['step'] for line in lines]
    assert steps == sorted(set(steps))
    by_step = {line['step']: line for line in lines}
    clock = {'steps_per_second', 'images_per_second', 'data_wait_share'}
    assert [line['step'] for line in expected] == [1, *range(20, 301, 20)]
    for line in expected:
        taken = by_step[line['step']]
        assert {name: taken[name] for name in taken.keys() - clock} == {
            name: line[name] for name in line.keys() - clock
        }


@every_data
def test_a_stopped_run_saves_says_so_and_goes_on_there(interrupted, data):
    _, happened = interrupted[data]
    killed, stopped = happened[:3], happened[3:]
    assert [code for _, code, _ in killed] == [-signal.SIGKILL] * 3
    assert [code for _, code, _ in stopped] == [0, 0]
    assert all('stopped at step' in output for _, _, output in stopped)
    at = stopped[0][2].split('stopped at step ')[1].split()[0]
    assert f'going on from step {at} of 300' in stopped[1][2]

"""A run that is killed, stopped or short of disk ends where one that nothing happened to ends."""

import json
import os
import resource
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax.interruption import Interruption

KINDS = {
    'resident': (),
    'streamed': ('--config.data.resident_mb=0',),
    'in calls of five steps': ('--config.steps_per_call=5',),
}
every_kind = pytest.mark.parametrize('kind', KINDS)


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


def interrupt(program, workdir: Path, kind: str) -> list[tuple[str, int, str]]:
    """Kills and stops a run at one moment after the other, then lets it end.

    Returns:
      for every signal its name, the exit code and what was printed.
    """
    arguments = [f'--workdir={workdir}', '--config.steps=300', *KINDS[kind]]

    def saves():
        return list((workdir / 'checkpoints').glob('*tmp*'))

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
    """By kind of run: the folder of one that was interrupted, and what happened to it."""
    folder = tmp_path_factory.mktemp('interrupted')
    with ThreadPoolExecutor(2) as pool:
        happened = pool.map(lambda kind: interrupt(program, folder / kind, kind), KINDS)
        return {kind: (folder / kind, events) for kind, events in zip(KINDS, happened)}


@pytest.fixture(scope='module')
def uninterrupted(program, finished, tmp_path_factory) -> dict[str, Path]:
    """By kind of run: the folder of one to which nothing happened."""
    folder = tmp_path_factory.mktemp('uninterrupted')
    folders = {kind: folder / kind for kind in KINDS} | {'resident': finished}
    for kind, workdir in folders.items():
        if workdir != finished:
            program.train(workdir, '--config.steps=300', *KINDS[kind])
    return folders


@every_kind
def test_an_interrupted_run_ends_in_the_same_bits(interrupted, uninterrupted, newest, kind):
    workdir, _ = interrupted[kind]
    expected, found = newest(uninterrupted[kind]), newest(workdir)
    assert int(expected.step) == 300
    assert same_bits(found, expected)
    assert not same_bits(found.params, jax.tree.map(np.zeros_like, found.params))


@every_kind
def test_every_logged_step_is_there_once_and_in_order(interrupted, uninterrupted, kind):
    workdir, _ = interrupted[kind]
    lines, expected = metrics_of(workdir), metrics_of(uninterrupted[kind])
    steps = [line['step'] for line in lines]
    assert steps == sorted(set(steps))
    by_step = {line['step']: line for line in lines}
    clock = {'steps_per_second', 'images_per_second', 'data_wait_share'}
    first = 5 if '--config.steps_per_call=5' in KINDS[kind] else 1  # the first call's last
    assert [line['step'] for line in expected] == [first, *range(20, 301, 20)]
    for line in expected:
        taken = by_step[line['step']]
        assert {name: taken[name] for name in taken.keys() - clock} == {
            name: line[name] for name in line.keys() - clock
        }


@every_kind
def test_a_stopped_run_saves_says_so_and_goes_on_there(interrupted, kind):
    _, happened = interrupted[kind]
    killed, stopped = happened[:3], happened[3:]
    assert [code for _, code, _ in killed] == [-signal.SIGKILL] * 3
    assert [code for _, code, _ in stopped] == [0, 0]
    assert all('stopped at step' in output for _, _, output in stopped)
    at = stopped[0][2].split('stopped at step ')[1].split()[0]
    assert f'going on from step {at} of 300' in stopped[1][2]


def limit_files(process, size: int) -> None:
    """Lets a process write no file beyond a size: to it, as good as a full disk."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


needs_prlimit = pytest.mark.skipif(not hasattr(resource, 'prlimit'), reason='needs Linux')


@needs_prlimit
def test_a_full_disk_stops_nothing_and_costs_nothing_once_there_is_space(program, tmp_path):
    """Training goes on, says it, keeps the last checkpoint; later it saves and logs again."""
    with program.start(
        f'--workdir={tmp_path}', '--config.steps=1000000', '--config.checkpoint.every=20'
    ) as run:
        program.wait(run, 'step 60/')
        limit_files(run, 100)
        program.wait(run, 'NOT SAVED')
        program.wait(run, 'JsonLines failed')
        kept = steps_saved(tmp_path)
        full = program.wait(run, 'NOT SAVED') + program.wait(run, 'NOT SAVED')
        assert 'step' in full
        assert steps_saved(tmp_path) == kept != set()
        limit_files(run, resource.RLIM_INFINITY)
        program.poll(run, lambda: max(steps_saved(tmp_path)) > max(kept))
        code, output = program.end(run, signal.SIGTERM)
    assert code == 0, output
    last = int(output.split('stopped at step ')[1].split()[0])
    assert last in steps_saved(tmp_path)
    steps = [line['step'] for line in metrics_of(tmp_path)]
    assert steps == sorted({1, *range(20, last, 20), last})


@needs_prlimit
def test_a_last_state_that_cannot_be_saved_is_an_error(program, tmp_path):
    with program.start(f'--workdir={tmp_path}', '--config.steps=200') as run:
        program.wait(run, 'examples of digits')
        limit_files(run, 100)
        output = run.stdout.read()
        assert run.wait() == 2
    assert output.splitlines()[-1].startswith('error: the state of step 200 could not be saved')
    assert not steps_saved(tmp_path)


def test_a_diverging_run_stops_and_keeps_its_last_healthy_checkpoint(
    program, finished, tmp_path, newest
):
    workdir = tmp_path / 'run'
    shutil.copytree(finished, workdir)
    run = program.run(
        f'--workdir={workdir}',
        '--config.steps=1000',
        '--config.checkpoint.keep=1',
        '--config.checkpoint.every=10',
        '--config.optimizers.generator.learning_rate=1e30',
        '--config.optimizers.discriminator.learning_rate=1e30',
    )
    assert run.returncode == 2
    assert run.stderr.startswith('error: training has diverged by step 301 (')
    assert len(run.stderr.splitlines()) == 1
    assert max(steps_saved(workdir)) == 300
    assert same_bits(newest(workdir), newest(finished))
    last = metrics_of(workdir)[-1]  # says what broke, to whoever asks later
    assert last['step'] == 301 and last['finite'] == 0 and None in last.values()


def test_ctrl_c_on_a_terminal_does_not_take_the_readers_along(program, tmp_path):
    """It goes to every process of the group: a reader must yet deliver what is waited for."""
    with program.start(
        f'--workdir={tmp_path}',
        '--config.steps=1000000',
        '--config.data.resident_mb=0',
        '--config.data.workers=1',
    ) as run:
        program.wait(run, 'step 40/')
        os.killpg(run.pid, signal.SIGINT)
        output = run.stdout.read()
        assert run.wait() == 0
    assert 'stopped at step' in output and 'KeyboardInterrupt' not in output
    assert len(steps_saved(tmp_path)) >= 1


@pytest.fixture
def heeding_interrupts():
    """As on a terminal; a process that a shell puts in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_asked_twice_a_run_stops_at_once(heeding_interrupts):
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        assert not interruption.requested(None, 1)
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.requested(None, 1)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

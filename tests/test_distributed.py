"""Two real processes train, stop, go on and sample as one would; so do two devices and then one."""

import json
import shutil
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pytest

CLUSTER = {
    'JAX_COORDINATOR_ADDRESS': '127.0.0.1:1234',
    'JAX_NUM_PROCESSES': '2',
    'JAX_PROCESS_ID': '0',
}
PRIVATE = 0o077  # process 1 writes files that are its own, by which they are known


class Pair(NamedTuple):
    """How a command ended in each of two processes."""

    codes: list[int]
    outputs: list[str]


def run_pair(program, *arguments: str, stop_at: str = '', patch: str = '') -> Pair:
    """Runs a command in two processes; at the line `stop_at` of one, the other gets SIGTERM."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                program.start(
                    *arguments,
                    umask=PRIVATE if number else -1,
                    patch=patch,
                    JAX_COORDINATOR_ADDRESS=address,
                    JAX_NUM_PROCESSES='2',
                    JAX_PROCESS_ID=str(number),
                )
            )
            for number in range(2)
        ]
        before = ['', '']
        if stop_at:
            before[0] = program.wait(processes[0], stop_at)
            processes[1].send_signal(signal.SIGTERM)
        outputs = [said + process.stdout.read() for said, process in zip(before, processes)]
        return Pair([process.wait() for process in processes], outputs)


@pytest.mark.parametrize(
    'changed, message',
    (
        ({'JAX_PROCESS_ID': None}, 'needs JAX_PROCESS_ID'),
        ({'JAX_NUM_PROCESSES': None}, 'needs JAX_NUM_PROCESSES'),
        ({'JAX_PROCESS_ID': 'one'}, 'JAX_PROCESS_ID=one in'),
        ({'JAX_NUM_PROCESSES': 'two'}, 'JAX_NUM_PROCESSES=two in'),
    ),
)
def test_a_cluster_named_by_halves_gets_one_line(program, changed, message):
    environment = {name: value for name, value in (CLUSTER | changed).items() if value is not None}
    done = program.run('--dry_run', **environment)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith('error: ') and message in done.stderr


class Story(NamedTuple):
    """What two processes did with one run, one after the other."""

    workdir: Path
    stopped_at: int
    stopped: Pair
    resumed: Pair
    sampled: Pair
    samples: Path

    @property
    def steps(self) -> str:
        """The argument that ends a run where this one ended."""
        return f'--config.steps={self.stopped_at + 20}'


@pytest.fixture(scope='module')
def story(program, tmp_path_factory) -> Story:
    """A run that was stopped, went on for 20 steps and was sampled from."""
    folder = tmp_path_factory.mktemp('two_processes')
    workdir = f'--workdir={folder / "run"}'
    stopped = run_pair(program, workdir, '--config.steps=1000000', stop_at='step 20/')
    assert stopped.codes == [0, 0], stopped.outputs
    step = int(stopped.outputs[0].split('stopped at step ')[1].split()[0])
    resumed = run_pair(program, workdir, f'--config.steps={step + 20}')
    samples = folder / 'samples.npz'
    sampled = run_pair(program, workdir, '--mode=sample', '--num=130', f'--out={samples}')
    return Story(folder / 'run', step, stopped, resumed, sampled, samples)


@pytest.fixture(scope='module')
def alone(program, story, tmp_path_factory) -> Path:
    """The folder of the same run by one process on one device, without a stop."""
    workdir = tmp_path_factory.mktemp('alone') / 'run'
    program.train(workdir, story.steps)
    return workdir


def assert_close(state, expected) -> None:
    for found, wanted in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_both_processes_end_well_and_the_first_alone_speaks(story):
    for pair in (story.stopped, story.resumed, story.sampled):
        assert pair.codes == [0, 0], pair.outputs
        assert 'Traceback' not in pair.outputs[0] + pair.outputs[1]
        assert 'examples of digits' not in pair.outputs[1] and 'step ' not in pair.outputs[1]
    assert '2 x cpu' in story.stopped.outputs[0]
    assert f'going on from step {story.stopped_at} of' in story.resumed.outputs[0]
    assert '130 images of step' in story.sampled.outputs[0]


def test_two_processes_end_where_one_does(story, alone, newest):
    state = newest(story.workdir)
    assert int(state.step) == story.stopped_at + 20
    assert_close(state, newest(alone))


def test_two_processes_stream_as_one_does(program, story, alone, newest, tmp_path):
    pair = run_pair(program, f'--workdir={tmp_path}', story.steps, '--config.data.resident_mb=0')
    assert pair.codes == [0, 0], pair.outputs
    assert_close(newest(tmp_path), newest(alone))


def test_two_processes_draw_what_one_does(program, story, tmp_path):
    out = tmp_path / 'samples.npz'
    arguments = ('--mode=sample', '--num=130', story.steps, f'--out={out}')
    done = program.run(f'--workdir={story.workdir}', *arguments)
    assert done.returncode == 0, done.stderr
    one, two = np.load(out)['image'], np.load(story.samples)['image']
    assert one.shape == two.shape == (130, 8, 8, 1)
    assert np.abs(one.astype(int) - two).max() <= 1


def test_two_processes_score_what_one_does(program, story):
    """The second reads the first one's features of the real images, or both make them again."""
    flags = ('--mode=eval', story.steps, '--config.eval.num=200', '--config.eval.scores=fid,kid')
    flags += ('--config.eval.extractor=tests.test_evaluation:pixels',)
    workdir = f'--workdir={story.workdir}'
    pair = run_pair(program, workdir, *flags)
    assert pair.codes == [0, 0], pair.outputs
    assert 'fid200' in pair.outputs[0] and 'fid200' not in pair.outputs[1]
    (file,) = (story.workdir / 'eval').iterdir()
    two = json.loads(file.read_text())['scores']
    assert program.run(workdir, *flags).returncode == 0
    one = json.loads(file.read_text())['scores']
    for name in ('fid200', 'kid200'):
        assert one[name]['value'] == pytest.approx(two[name]['value'], rel=1e-3)


def test_process_0_alone_writes_but_for_its_part_of_a_checkpoint(story):
    """Orbax has every process write a part of the arrays."""
    files = [path for path in story.workdir.parent.rglob('*') if path.is_file()]
    by_second = {path for path in files if not path.stat().st_mode & 0o077}
    names = {path.name for path in set(files) - by_second}
    assert {'config.json', 'metrics.jsonl', 'data.png', 'samples.npz'} <= names
    assert all('checkpoints' in path.parts and 'process_1' in str(path) for path in by_second)


def test_a_run_of_two_devices_goes_on_with_one(program, story, alone, newest, tmp_path):
    two_devices = '--xla_force_host_platform_device_count=2'
    output = program.train(tmp_path, f'--config.steps={story.stopped_at}', XLA_FLAGS=two_devices)
    assert '2 x cpu' in output
    output = program.train(tmp_path, story.steps)
    assert '1 x cpu' in output and f'going on from step {story.stopped_at} of' in output
    assert_close(newest(tmp_path), newest(alone))


ONE_READS_ANOTHER_STATE = """
import jax
from gan_jax import checkpoint

checksum = checkpoint._checksum
checkpoint._checksum = lambda state: (
    checksum(state) ^ (int(state.step) == 300 and jax.process_index() == 1)
)
"""


def test_a_checkpoint_that_one_process_cannot_read_is_used_by_none(program, finished, tmp_path):
    workdir = shutil.copytree(finished, tmp_path / 'run')
    pair = run_pair(
        program, f'--workdir={workdir}', '--config.steps=210', patch=ONE_READS_ANOTHER_STATE
    )
    assert pair.codes == [0, 0], pair.outputs
    assert 'CHECKPOINT 300 CANNOT BE READ (another process cannot read it)' in pair.outputs[0]
    assert 'going on from step 200 of 210' in pair.outputs[0]

"""What a run leaves and says: its folder, metrics, lines or a progress bar; and when they fail."""

import importlib.util
import io
import json
import math
import os
import pty
import resource
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gan_jax import train
from gan_jax.games import build_game
from gan_jax.logs import Bar, JsonLines, Lines, Logs, Writer, open_logs, say

SCALARS = {'generator/loss': 0.5, 'images_per_second': 160.0, 'steps_per_second': 10.0}


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_a_runs_folder_holds(finished):
    names = {path.name for path in finished.iterdir()}
    written = {'config.json', 'environment.json', 'metrics.jsonl', 'checkpoints', 'samples'}
    assert names - {'tensorboard'} == written
    assert {path.name for path in (finished / 'checkpoints').iterdir()} == {'100', '200', '300'}
    samples = {path.name for path in (finished / 'samples').iterdir()}
    assert samples == {'data.png', '00000100.png', '00000200.png', '00000300.png'}
    for name in samples:
        with Image.open(finished / 'samples' / name) as picture:
            picture.load()
            assert min(picture.size) > 8
    config = json.loads((finished / 'config.json').read_text())
    assert config['steps'] == 300 and config['networks']['generator']['widths'] == [8]


def test_what_is_logged(finished):
    players = ('generator', 'discriminator')
    critic = ('real_logit_mean', 'real_logit_std', 'fake_logit_mean', 'fake_logit_std')
    critic += ('real_logit_sign',)
    expected = {
        'step',
        'finite',
        'steps_per_second',
        'images_per_second',
        'data_wait_share',
        *(f'{p}/{name}' for p in players for name in ('loss', 'gradient_norm', 'update_to_weight')),
        *(f'discriminator/{name}' for name in critic),
    }
    lines = lines_of(finished / 'metrics.jsonl')
    assert lines
    for line in lines:
        assert set(line) == expected
        assert all(math.isfinite(value) for value in line.values())
        assert line['images_per_second'] == pytest.approx(16 * line['steps_per_second'])
        assert 0 < line['data_wait_share'] < 1
        assert 0 < line['generator/update_to_weight'] < 1
        assert line['discriminator/real_logit_std'] > 0


def test_a_phase_that_rests_is_logged_with_its_latest(tiny, tmp_path, monkeypatch):
    """A lazy penalty, say, that is due at every second step and logged at the others."""

    def lazy_game(config):
        game = build_game(config)
        first, second = game.phases
        return replace(game, phases=(first, replace(second, interval=2)))

    monkeypatch.setattr(train, 'build_game', lazy_game)
    tiny.steps, tiny.log.every = 3, 1
    train.train(tiny, str(tmp_path))
    first, rested, third = lines_of(tmp_path / 'metrics.jsonl')
    assert (
        rested['discriminator/loss'] == first['discriminator/loss'] != third['discriminator/loss']
    )
    assert rested['generator/loss'] != first['generator/loss']


def test_a_broken_tensorflow_turns_its_part_off(tmp_path, monkeypatch, capsys):
    class Broken:
        """What an import of TensorFlow meets where its protobuf does not fit."""

        def find_spec(self, name, path=None, target=None):
            if name == 'tensorflow':
                raise TypeError('Descriptors cannot be created directly')

    monkeypatch.delitem(sys.modules, 'tensorflow', raising=False)
    monkeypatch.setattr(sys, 'meta_path', [Broken(), *sys.meta_path])
    logs = open_logs(tmp_path, 0, 10)
    logs.write(10, SCALARS)
    logs.close()
    said = capsys.readouterr().out
    assert 'TensorBoard is off: Descriptors cannot be created directly' in said
    assert 'step 10/10' in said and len(lines_of(tmp_path / 'metrics.jsonl')) == 1


def test_a_pipe_gets_plain_lines(program, tmp_path):
    done = program.run(f'--workdir={tmp_path}', '--config.steps=40')
    assert done.returncode == 0 and done.stderr == ''
    assert '\r' not in done.stdout and '\x1b' not in done.stdout
    steps = [line for line in done.stdout.splitlines() if line.startswith('step ')]
    assert [line.split()[1] for line in steps] == ['1/40', '20/40', '40/40']
    for part in ('steps/s', 'images/s', 'left', 'discriminator', 'generator'):
        assert all(part in line for line in steps)
    if importlib.util.find_spec('tensorflow') is None:
        assert done.stdout.count('TensorBoard is off') == 1


def output_on_terminal(command: list[str], environment: dict, columns: int) -> str:
    """Runs a command on a terminal of some width and returns what came to see."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    output = b''
    try:
        while part := os.read(ours, 4096):
            output += part
    except OSError:  # Linux's end of a terminal
        pass
    assert process.wait(timeout=60) == 0
    return output.decode()


def test_a_terminal_gets_a_progress_bar(program, tmp_path):
    command = program.command(f'--workdir={tmp_path}', '--config.steps=40')
    output = output_on_terminal(command, program.environment, columns=120)
    assert '100%|' in output and '40/40' in output
    assert 'images/s=' in output and 'generator=' in output
    assert 'examples of digits' in output and 'step 20/40' not in output


def test_a_terminal_without_a_width_gets_plain_lines(program, tmp_path):
    command = program.command(f'--workdir={tmp_path}', '--config.steps=20')
    output = output_on_terminal(command, program.environment, columns=0)
    assert 'step 20/20' in output and '%|' not in output


def test_the_lines_of_steps_that_are_taken_again_are_dropped(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    kept = ''.join(f'{{"step": {step}, "loss": 1.0}}\n' for step in (1, 10, 20))
    path.write_text(kept + '{"step": 30, "loss": 1.0}\n{"step": 40, "lo')
    log = JsonLines(path, start=20)
    assert path.read_text() == kept
    log.write(30, {'loss': 2.0, 'other': math.nan})
    log.close()
    assert path.read_text() == kept + '{"step": 30, "loss": 2.0, "other": null}\n'


@pytest.mark.parametrize(
    'damaged', ['{"step": 20, "loss": 1.0}', '\x00\x00\x00', '{"st', '[]', '7', '"step"', '{}']
)
def test_a_damaged_line_costs_itself_alone(tmp_path, damaged):
    """Also a whole one whose end of line is missing, which the next one must not follow."""
    path = tmp_path / 'metrics.jsonl'
    path.write_text('{"step": 10}\n' + damaged)
    log = JsonLines(path, start=20)
    log.write(30, {})
    log.close()
    assert [line['step'] for line in lines_of(path)] in ([10, 30], [10, 20, 30])


def test_lines_that_a_full_disk_refused_are_written_once_there_is_space(tmp_path, capsys):
    path = tmp_path / 'metrics.jsonl'
    logs = Logs([JsonLines(path, start=0), Lines(0, 100)])
    logs.write(10, SCALARS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, before[1]))
    try:
        logs.write(20, SCALARS)
        logs.write(30, SCALARS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().out
    assert said.count('JsonLines failed') == 2 and 'step 30/100' in said
    logs.write(40, SCALARS)
    logs.close()
    assert [line['step'] for line in lines_of(path)] == [10, 20, 30, 40]


class Broken(Writer):
    """A writer with an error of its own."""

    def write(self, step, scalars):
        raise RuntimeError('no room')


def test_a_writer_that_fails_stops_no_other(tmp_path, capsys):
    logs = Logs([Broken(), JsonLines(tmp_path / 'metrics.jsonl', start=0)])
    logs.write(10, SCALARS)
    logs.close()
    assert 'Broken failed: no room' in capsys.readouterr().out
    assert [line['step'] for line in lines_of(tmp_path / 'metrics.jsonl')] == [10]


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, 'stdout', Gone())
    say('hello')


def test_the_time_left_may_be_days(capsys):
    Lines(0, 10_000_000).write(0, SCALARS | {'steps_per_second': 10.0})
    assert '277:46:40 left' in capsys.readouterr().out


def test_the_bar_begins_where_the_run_goes_on(capsys):
    bar = Bar(50, 100)
    bar.advance(51)
    bar.write(51, SCALARS)
    bar.close()
    assert '51/100' in capsys.readouterr().err

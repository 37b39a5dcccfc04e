"""What a person types: mistakes cost one clear line and exit code 2; sampling; the dry run."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from PIL import Image

import main  # noqa: F401 (defines the flags)
from gan_jax import command_line
from gan_jax.fields import check_numbers


@pytest.fixture(scope='module', autouse=True)
def _compilation_cache(tmp_path_factory):
    """Keeps what is compiled here away from the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        before = jax.config.jax_compilation_cache_dir
        yield
        jax.config.update('jax_compilation_cache_dir', before)


@pytest.fixture
def call(program, monkeypatch, capsys):
    """Runs the command line within this process: returns the exit code, the output, the errors."""

    def run(arguments: list[str]) -> tuple[int, str, str]:
        argv = ['main.py', *arguments, '--verbosity=-1']
        monkeypatch.setattr(sys, 'argv', argv)  # config_flags reads it
        with flagsaver.flagsaver():
            try:
                command_line.parse(argv)
                code = command_line.run(flags.FLAGS)
            except SystemExit as exit:
                code = exit.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def call_tiny(program, call):
    """Runs the command line with the smallest GAN and more arguments."""
    return lambda *arguments: call(program.command(*arguments)[2:])


SYSTEMS = 'known: dcgan, dragan, gan,'

# A whole command line -> what the one line of its answer holds.
WRONG_COMMANDS = {
    '': ['which system?', '--config=configs/NAME.py', SYSTEMS],
    '--config=configs/gn.py': ["no config file 'configs/gn.py'", "did you mean 'gan'?", SYSTEMS],
    '--config=configs/base.py': ['configs/base.py', 'is no system', SYSTEMS],
    '--config=configs': ["no config file 'configs'", SYSTEMS],
    '--config=configs/gan.py:mnits': ["'mnits'", "did you mean 'mnist'?", 'known: digits, mnist'],
    '--config=configs/gan.py:': ["data set ''", 'known: digits, mnist'],
    '--config configs/gan.py --config.stepz=1': ["no field 'stepz'", "did you mean 'steps'?"],
}

# Arguments after those of the smallest GAN -> what the one line of the answer holds.
WRONG_ARGUMENTS = {
    # flags
    '--wrkdir=x': ['wrkdir', 'Did you mean: workdir'],
    '--mode=trian': ['--mode=trian', 'train|sample'],
    '--num=many': ['--num=many', 'int'],
    '--dry_run=maybe': ['--dry_run=maybe', 'boolean'],
    '--nodry_run=1': ['--nodry_run=1'],
    'train': ["'train' is no flag", '--'],
    'config.steps=5': ["'config.steps=5' is no flag"],
    # keys
    '--config.stepz=1': ["no field 'stepz'", "did you mean 'steps'?"],
    '--config.optimizer.generator.name=adam': ["did you mean 'optimizers.generator.name'?"],
    '--config.networks.generator.kernel_init.nme=x': ["'networks.generator.kernel_init.name'?"],
    '--config.zzz.qqq=1': ["no field 'zzz.qqq'", 'known: accumulate, batch_size,'],
    # types
    '--config.steps=many': ['config.steps=many'],
    '--config.steps=1.5': ['config.steps=1.5'],
    '--config.data.flip=maybe': ['config.data.flip=maybe'],
    '--config.optimizers.generator.learning_rate=fast': ['learning_rate=fast'],
    "--config.networks.generator.widths=('a',)": ['config.networks.generator.widths', 'numbers'],
    # names
    '--config.game=adversaria': ["unknown game 'adversaria'", "did you mean 'adversarial'?"],
    '--config.loss.name=hing': ["unknown loss 'hing'", "did you mean 'hinge'?"],
    '--config.prior.name=gausian': ["unknown prior 'gausian'", "did you mean 'gaussian'?"],
    '--config.optimizers.generator.name=adm': ["optimizer 'adm'", "did you mean 'adam'?"],
    '--config.optimizers.generator.schedule=cosin': ["schedule 'cosin'", "did you mean 'cosine'?"],
    '--config.networks.generator.name=mlp.Generatr': ["did you mean 'mlp.Generator'?"],
    '--config.networks.generator.name=mpl.Generator': ["unknown network 'mpl.Generator'", 'mlp'],
    '--config.networks.generator.kernel_init.name=norml': ["did you mean 'normal'?"],
    '--config.networks.discriminator.normalization=bach': ["did you mean 'batch'?"],
    '--config.networks.discriminator.weights=spectral': ["did you mean 'spectral_norm'?"],
    # numbers
    '--config.steps=-1': ['config.steps must be at least 1, not -1'],
    '--config.batch_size=0': ['config.batch_size must be at least 1, not 0'],
    '--config.critic_updates=0': ['config.critic_updates must be at least 1'],
    '--config.seed=-1': ['config.seed must be at least 0'],
    '--config.ema_decay=1.5': ['config.ema_decay must be below 1'],
    '--config.prior.size=0': ['config.prior.size must be at least 1'],
    '--config.networks.generator.widths=(0,)': ['config.networks.generator.widths must be'],
    '--config.optimizers.generator.learning_rate=-1': ['learning_rate must be at least 0'],
    '--config.optimizers.generator.learning_rate=nan': ['learning_rate must be'],
    '--config.log.every=0': ['config.log.every must be at least 1'],
    '--config.log.samples_every=0': ['config.log.samples_every must be at least 1'],
    '--config.log.grid=(2,)': ['config.log.grid must be two numbers'],
    '--config.checkpoint.every=0': ['config.checkpoint.every must be at least 1'],
    '--config.checkpoint.keep=0': ['config.checkpoint.keep must be at least 1'],
    '--config.data.size=(8,)': ['config.data.size must be two numbers'],
    '--config.data.size=(0,8)': ['config.data.size must be at least 1'],
    '--config.data.workers=-1': ['config.data.workers must be at least 0'],
    # what does not fit together
    '--config.batch_size=3': ['batch_size=3', '2 devices', 'multiple of 2'],
    '--config.batch_size=3 --dry_run': ['batch_size=3', '2 devices', 'multiple of 2'],
    '--config.accumulate=3': ['batch_size=16', 'accumulate=3', 'multiple of 6'],
    '--config.loss.name=hinge --config.loss.label_smoothing=0.1': ['hinge', 'label_smoothing'],
    '--config.penalties.r1=1 --config.networks.discriminator.normalization=batch': ["'layer'"],
    # data
    '--config.data.name=mnits': ["unknown data set 'mnits'", "did you mean 'mnist'?", 'digits'],
    '--config.data.name=folder': ["'folder' needs the folder", '--config.data.data_dir'],
    '--config.data.name=folder --config.data.data_dir=/no/such': ['no folder /no/such'],
    '--config.data.alpha=grey': ["data.alpha 'grey'", 'black, drop, white'],
    '--config.data.channels=2': ['data.channels must be 1, 3 or 4, not 2'],
    '--config.data.split=test': ["'digits' has one split, 'train'"],
    '--config.data.crop_from=(4,4)': ['data.crop_from', '(8, 8)'],
    # folders
    f'--workdir={__file__}/run': ['cannot write to the workdir', 'Not a directory'],
    '--config.checkpoint.best=generator/los': ["did you mean 'generator/loss'?"],
    # sampling
    '--mode=sample': ['no run in', '--workdir'],
    '--mode=sample --num=0': ['--num=0', 'at least one'],
    '--mode=sample --out=x.jpg': ['--out=x.jpg', '.npz or .png'],
}


def assert_one_line(code: int, errors: str, fragments: list[str]) -> None:
    assert code == 2, errors
    lines = errors.splitlines()
    assert len(lines) == 1 and lines[0].startswith('error: '), errors
    for fragment in fragments:
        assert fragment in lines[0]


@pytest.mark.parametrize('line', WRONG_COMMANDS)
def test_a_wrong_command_gets_one_line(call, line):
    code, _, errors = call(line.split())
    assert_one_line(code, errors, WRONG_COMMANDS[line])


@pytest.mark.parametrize('line', WRONG_ARGUMENTS)
def test_a_wrong_argument_gets_one_line(call_tiny, tmp_path, line):
    arguments = line.split()
    if '--workdir' not in line:
        arguments.append(f'--workdir={tmp_path / "run"}')
    code, _, errors = call_tiny(*arguments)
    assert_one_line(code, errors, WRONG_ARGUMENTS[line])
    assert not list(tmp_path.rglob('metrics.jsonl'))  # it was found before training

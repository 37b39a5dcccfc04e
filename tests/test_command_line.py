"""What a person types: mistakes cost one clear line and exit code 2; sampling; the dry run."""

import io
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import grain  # noqa: F401 (`flagsaver` forgets flags defined while it waits: Grain's)
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


def assert_one_line(code: int, errors: str, fragments: list[str]) -> None:
    assert code == 2, errors
    lines = errors.splitlines()
    assert len(lines) == 1 and lines[0].startswith('error: '), errors
    for fragment in fragments:
        assert fragment in lines[0]


SYSTEMS = 'known: acgan, beta_vae, biggan,'

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


@pytest.mark.parametrize('line', WRONG_COMMANDS)
def test_a_wrong_command_gets_one_line(call, line):
    code, _, errors = call(line.split())
    assert_one_line(code, errors, WRONG_COMMANDS[line])


@pytest.mark.parametrize('line', ['', '--config=configs/gan.py --config.stepz=1', 'train'])
def test_python_itself_adds_no_line(line):
    """As a person meets it: no traceback, no warning."""
    command = [sys.executable, 'main.py', *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert_one_line(done.returncode, done.stderr, [])
    assert done.stdout == ''


# Arguments after those of the smallest GAN -> what the one line of the answer holds.
WRONG_ARGUMENTS = {
    # flags
    '--wrkdir=x': ['wrkdir', 'Did you mean: workdir'],
    '--mode=trian': ['--mode=trian', 'train|eval|sample|report|classifier'],
    '--num=many': ['--num=many', 'int'],
    '--dry_run=maybe': ['--dry_run=maybe', 'boolean'],
    '--nodry_run=1': ['--nodry_run=1'],
    '--mode=eval --num=30': ['--num is for --mode=sample; eval goes by the config'],
    '--step=3': ['--step is for --mode=sample|eval'],
    'train': ["'train' is no flag", '--'],
    'config.steps=5': ["'config.steps=5' is no flag"],
    # keys
    '--config.stepz=1': ["no field 'stepz'", "did you mean 'steps'?"],
    '--config.optimizer.generator.name=adam': ["did you mean 'optimizers.generator.name'?"],
    '--config.networks.generator.kernel_init.nme=x': ["'networks.generator.kernel_init.name'?"],
    '--config.zzz.qqq=1': ["no field 'zzz.qqq'", 'known: accumulate, augmentation, batch_size,'],
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
    '--config.networks.discriminator.answer=logits': ["did you mean 'logit'?"],
    # numbers
    '--config.steps=-1': ['config.steps must be at least 1, not -1'],
    '--config.batch_size=0': ['config.batch_size must be at least 1, not 0'],
    '--config.critic_updates=0': ['config.critic_updates must be at least 1'],
    '--config.seed=-1': ['config.seed must be at least 0'],
    '--config.seed=4294967296': ['config.seed must be below 4294967296'],
    '--config.ema_decay=1.5': ['config.ema_decay must be below 1'],
    '--config.styles.mixing=1.5': ['config.styles.mixing must be at most 1, not 1.5'],
    '--config.loss.name=': ["unknown loss ''"],
    '--config.prior.size=0': ['config.prior.size must be at least 1'],
    '--config.networks.generator.widths=(0,)': ['config.networks.generator.widths must be'],
    '--config.networks.generator.widths=()': ['generator.widths must hold at least one number'],
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
    '--config.loss.name=hinge --config.loss.label_smoothing=0.1': [
        'hinge',
        'label_smoothing',
        'none to give',
    ],
    '--config.optimizers.generator.weight_decay=0.1': ['adam takes no weight_decay'],
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
    '--mode=sample --out=x.jpg': ['--out=x.jpg', '.npz, .png or none'],
}


@pytest.mark.parametrize('line', WRONG_ARGUMENTS)
def test_a_wrong_argument_gets_one_line(call_tiny, tmp_path, line):
    arguments = line.split()
    if '--workdir' not in line:
        arguments.append(f'--workdir={tmp_path / "run"}')
    code, _, errors = call_tiny(*arguments)
    assert_one_line(code, errors, WRONG_ARGUMENTS[line])
    assert not list(tmp_path.rglob('metrics.jsonl'))  # it was found before training


def test_too_little_memory_gets_one_line(call_tiny, monkeypatch):
    """What XLA or NumPy says, and what to do; any other error of XLA is no one's mistake."""
    kind = 'RESOURCE_EXHAUSTED: Out of memory'
    on_many = f'{kind} while trying to allocate 328 bytes.: while running replica 0 of: all'
    sayings = iter((f'{kind} allocating 328 bytes.', on_many, 'INTERNAL: else'))

    def fail(*_):
        raise RuntimeError(next(sayings))

    monkeypatch.setitem(command_line.MODES, 'train', fail)
    for said in ('Out of memory allocating 328 bytes. ', 'to allocate 328 bytes. '):
        code, _, errors = call_tiny()
        assert_one_line(code, errors, [said, '--config.accumulate'])
        assert 'replica' not in errors
    with pytest.raises(RuntimeError, match='INTERNAL'):
        call_tiny()
    monkeypatch.setitem(command_line.MODES, 'sample', lambda *_: np.empty(2**50))
    code, _, errors = call_tiny('--mode=sample', '--num=1', '--out=samples.npz')
    assert_one_line(code, errors, ['Unable to allocate', '--num'])


def test_a_data_set_that_cannot_be_had_is_said_within_ten_seconds(program, tmp_path):
    """Not prepared here, and not to be downloaded: the folder and the embedded choice are named."""
    command = program.command('--config.data.name=mnist', f'--config.data.data_dir={tmp_path}')
    proxy = {'https_proxy': 'http://127.0.0.1:9'}  # where nobody answers
    done = subprocess.run(
        [*command, f'--workdir={tmp_path / "run"}'],
        env=program.environment | proxy,
        capture_output=True,
        text=True,
        timeout=10,
    )
    expected = [str(tmp_path), '--config.data.data_dir', '--config.data.name=digits']
    assert_one_line(done.returncode, done.stderr, expected)


def write_images(folder: Path, last: bytes) -> Path:
    """Writes seven images and a last file with these bytes; returns the latter."""
    folder.mkdir()
    for number in range(7):
        Image.new('L', (8, 8), number).save(folder / f'{number}.png')
    (folder / '7.png').write_bytes(last)
    return folder / '7.png'


def png() -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(stream, 'PNG')
    return stream.getvalue()


@pytest.mark.parametrize('resident_mb', [1, 0], ids=['resident', 'streamed'])
@pytest.mark.parametrize('content', [b'', b'no image', png()[:-2000]], ids=['empty', 'text', 'cut'])
def test_an_image_that_cannot_be_read_is_named(call_tiny, tmp_path, content, resident_mb):
    bad = write_images(tmp_path / 'images', content)
    code, _, errors = call_tiny(
        '--config.data.name=folder',
        f'--config.data.data_dir={bad.parent}',
        f'--config.data.resident_mb={resident_mb}',
        f'--workdir={tmp_path / "run"}',
    )
    assert_one_line(code, errors, [str(bad)])


def test_a_folder_without_images_is_named(call_tiny, tmp_path):
    (tmp_path / 'notes.txt').write_text('none')
    code, _, errors = call_tiny(
        '--config.data.name=folder',
        f'--config.data.data_dir={tmp_path}',
        f'--workdir={tmp_path / "run"}',
    )
    assert_one_line(code, errors, [f'no images in {tmp_path}', '.png'])


CHANGES = {
    '--config.networks.generator.widths=(16,)': 'networks.generator.widths: [8] -> [16]',
    '--config.ema_decay=0': 'ema_decay: 0.9 -> 0.0',
    '--config.prior.size=5': 'prior.size: 4 -> 5',
    '--config.optimizers.generator.name=sgd': 'optimizers.generator.name: adam -> sgd',
}


ADVICE = {'train': 'give the run its own --workdir', 'sample': 'repeat the flags'}


@pytest.mark.parametrize('mode', ADVICE)
@pytest.mark.parametrize('change', CHANGES)
def test_another_architectures_run_is_refused(call_tiny, finished, change, mode):
    before = snapshot(finished)
    code, _, errors = call_tiny(f'--workdir={finished}', f'--mode={mode}', change)
    assert_one_line(code, errors, ['another architecture', CHANGES[change], ADVICE[mode]])
    assert snapshot(finished) == before


def snapshot(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Returns all that a folder holds, and when it was written."""
    files = [path for path in folder.rglob('*') if path.is_file()]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    """A copy of the finished run, for a test to change."""
    return shutil.copytree(finished, tmp_path / 'run')


@pytest.mark.parametrize('mode', ['train', 'sample'])
def test_a_run_with_none_but_broken_checkpoints_gets_one_line(program, copied, mode):
    """A process of its own, since Orbax has much to say of a checkpoint that it cannot read."""
    for step in (copied / 'checkpoints').iterdir():
        largest = max(step.rglob('*'), key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[:100])
    before = snapshot(copied)
    done = program.run(f'--workdir={copied}', f'--mode={mode}', '--config.steps=400')
    assert_one_line(done.returncode, done.stderr, ['no checkpoint in', 'can be read', 'move them'])
    assert snapshot(copied) == before


def test_a_config_that_was_cut_off_is_named(call_tiny, copied):
    (copied / 'config.json').write_text('{"steps": 30')
    code, _, errors = call_tiny(f'--workdir={copied}')
    assert_one_line(code, errors, [str(copied / 'config.json'), 'not JSON'])


def sample(call_tiny, workdir: Path, out: Path, num: int, seed: int) -> np.ndarray:
    code, output, errors = call_tiny(
        f'--workdir={workdir}', '--mode=sample', f'--num={num}', f'--seed={seed}', f'--out={out}'
    )
    assert code == 0, errors
    assert f'{num} images of step 300 in {out}' in output
    with np.load(out) as archive:
        assert archive.files == ['image']
        return archive['image']


def test_samples_are_a_function_of_the_seed(call_tiny, finished, tmp_path):
    """The same bytes for the same seed, and more images begin with the same ones."""
    before = snapshot(finished)
    first = sample(call_tiny, finished, tmp_path / 'first.npz', 300, 1)
    again = sample(call_tiny, finished, tmp_path / 'again.npz', 300, 1)
    fewer = sample(call_tiny, finished, tmp_path / 'fewer.npz', 5, 1)
    other = sample(call_tiny, finished, tmp_path / 'other.npz', 300, 2)
    assert first.shape == (300, 8, 8, 1) and first.dtype == np.uint8
    assert (tmp_path / 'first.npz').read_bytes() == (tmp_path / 'again.npz').read_bytes()
    assert np.array_equal(fewer, first[:5])
    assert len({image.tobytes() for image in [*again, *other]}) == 600
    assert snapshot(finished) == before


def test_samples_may_be_a_picture(call_tiny, copied):
    code, _, errors = call_tiny(f'--workdir={copied}', '--mode=sample', '--num=10')
    assert code == 0, errors
    with Image.open(copied / 'samples.png') as picture:
        picture.load()
        assert picture.mode == 'L' and picture.width > picture.height > 8


def test_sampling_beside_a_run_disturbs_neither(program, tmp_path):
    """The run keeps one checkpoint and replaces it again and again."""
    workdir = tmp_path / 'run'
    with program.start(
        f'--workdir={workdir}',
        '--config.steps=1000000',
        '--config.checkpoint.every=400',
        '--config.checkpoint.keep=1',
    ) as run:
        program.wait(run, 'step 400/')
        for seed in range(2):
            out = tmp_path / f'{seed}.npz'
            done = program.run(
                f'--workdir={workdir}', '--mode=sample', f'--seed={seed}', f'--out={out}'
            )
            assert done.returncode == 0 and done.stderr == '', done.stderr
            assert np.load(out)['image'].shape == (64, 8, 8, 1)
        code, output = program.end(run, signal.SIGINT)
    assert code == 0 and 'Traceback' not in output and 'NOT SAVED' not in output


def test_a_dry_run_describes_the_run_and_writes_nothing(call_tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output, errors = call_tiny('--dry_run', '--config.critic_updates=2')
    assert (code, errors) == (0, '')
    for expected in (
        'config.networks.generator.widths = (8,)',
        f'Run: 15000 steps in {Path("runs", "gan")}',
        'Phase generator: player generator moves generator every step, 16 real images',
        'Phase discriminator: player discriminator moves discriminator 2 times every step',
        '| Dense_0/kernel | (4, 8)  | float32 | 32   |',
        'Total: 616 -- 2,464 bytes',  # 4 x 8 + 8 + 8 x 64 + 64
        'Devices: 2 x cpu in 1 process(es), 8 images each',
        'Memory per device: state',
    ):
        assert expected in output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    'argument, expected',
    [('configs/gan.py', 'runs/gan'), ('/elsewhere/wgan_gp.py:cifar10', 'runs/wgan_gp-cifar10')],
)
def test_a_run_is_named_after_its_config(argument, expected):
    assert command_line.default_workdir(argument) == str(Path(expected))


def test_what_a_run_has_compiled_the_next_one_finds(program, finished, tmp_path):
    def compiled():
        return {path.name for path in (program.folder / 'cache').rglob('*-cache')}

    before = compiled()
    program.train(tmp_path, '--config.steps=300')
    assert compiled() == before != set()


def test_every_config_keeps_the_limits_of_its_numbers():
    configs = [path for path in Path('configs').glob('*.py') if path.stem != 'base']
    assert configs
    for path in configs:
        check_numbers(command_line.load_config(str(path)))

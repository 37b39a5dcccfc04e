"""Two CPU devices for every test, set before anything imports JAX; a GAN that trains in seconds.

`JAX_PLATFORMS=cuda make test` asks for another backend; what needs two devices is skipped there.
"""

import os

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
# Most of a test's time is compilation, which takes half as long without optimisation.
os.environ.setdefault(
    'XLA_FLAGS',
    '--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0 '
    '--xla_llvm_disable_expensive_passes=true',
)

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMIT = 120  # seconds that any one process may take

# The smallest of everything: it compiles in seconds and takes a thousand steps in each of them.
TINY = {
    'networks.generator.widths': (8,),
    'networks.discriminator.widths': (4, 4),
    # Of so few units, so that no two images or losses are alike.
    'networks.generator.kernel_init.stddev': 0.5,
    'networks.discriminator.kernel_init.stddev': 0.5,
    'optimizers.generator.name': 'adam',
    'optimizers.discriminator.name': 'adam',
    'optimizers.generator.learning_rate': 2e-4,
    'optimizers.discriminator.learning_rate': 2e-4,
    'prior.size': 4,
    'batch_size': 16,
    'ema_decay': 0.9,
    'log.every': 20,
    'log.samples_every': 100,
    'log.grid': (2, 2),
    'checkpoint.every': 100,
}


@pytest.fixture(scope='module', autouse=True)
def forget_programs():
    """Drops what a file's tests have compiled: each program holds parts of a process's memory map,
    of which Linux allows 65,530, and XLA crashes where there are no more.
    """
    yield
    import jax

    jax.clear_caches()


@pytest.fixture
def tiny():
    """The config of the smallest GAN, for a test to change."""
    from configs import gan

    config = gan.get_config()
    config.update_from_flattened_dict(TINY)
    return config


class Program:
    """`python main.py` with the smallest GAN, in processes of its own that use one CPU device."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {
            **os.environ,
            'JAX_PLATFORMS': 'cpu',
            'XLA_FLAGS': '',
            'PYTHONPATH': str(ROOT),
            'XDG_CACHE_HOME': str(folder / 'cache'),  # what one process compiles, all of them use
        }

    def command(self, *arguments: str, patch: str = '') -> list[str]:
        """Returns the command line; a later argument overrules an earlier one of its name.

        Args:
          patch: Python code that comes before the program's own, to make something fail.
        """
        tiny = [f'--config.{name}={value}' for name, value in TINY.items()]
        names = {argument.partition('=')[0] for argument in arguments}
        tiny = [argument for argument in tiny if argument.partition('=')[0] not in names]
        config = f'--config={ROOT / "configs" / "gan.py"}'
        main = [str(ROOT / 'main.py')]
        if patch:
            main = ['-c', f'{patch}\nimport runpy\nrunpy.run_path({main[0]!r}, None, "__main__")']
        return [sys.executable, *main, config, *tiny, *arguments]

    @contextmanager
    def start(
        self, *arguments: str, umask: int = -1, patch: str = '', **environment: str
    ) -> Iterator[subprocess.Popen]:
        """Starts a process, its errors among its output, and kills it in the end."""
        process = subprocess.Popen(
            self.command(*arguments, patch=patch),
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            umask=umask,
            start_new_session=True,  # a process group of its own, as a terminal gives it
        )
        watchdog = threading.Timer(LIMIT, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Runs a process to its end."""
        return self.execute(self.command(*arguments), **environment)

    def execute(self, command: list[str], **environment: str) -> subprocess.CompletedProcess:
        """Runs any command to its end."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    def train(self, workdir: Path, *arguments: str, **environment: str) -> str:
        """Trains to the end and returns the output."""
        done = self.run(f'--workdir={workdir}', *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @staticmethod
    def wait(process: subprocess.Popen, text: str) -> str:
        """Waits for a line of the output that holds `text`; returns what came until then."""
        lines = []
        for line in process.stdout:
            lines.append(line)
            if text in line:
                return ''.join(lines)
        raise AssertionError(f'{text!r} never came:\n{"".join(lines)}')

    @staticmethod
    def poll(process: subprocess.Popen, happened: Callable[[], object]) -> None:
        """Waits until something has happened while the process was running."""
        while not happened():
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.001)

    @staticmethod
    def end(process: subprocess.Popen, number: signal.Signals) -> tuple[int, str]:
        """Sends a signal to a process that is still running; returns its exit code and its end."""
        assert process.poll() is None
        process.send_signal(number)
        output = process.stdout.read()
        return process.wait(), output


@pytest.fixture(scope='session')
def program(tmp_path_factory) -> Program:
    """`python main.py`, to be run in processes of its own."""
    return Program(tmp_path_factory.mktemp('program'))


@pytest.fixture(scope='session')
def finished(program, tmp_path_factory) -> Path:
    """The folder of a run of 300 steps that nothing has interrupted; for reading only."""
    workdir = tmp_path_factory.mktemp('finished') / 'run'
    program.train(workdir, '--config.steps=300')
    return workdir


@pytest.fixture
def newest(tiny):
    """Returns the state in the newest checkpoint of a run, as NumPy arrays."""
    import jax
    import numpy as np

    from gan_jax import mesh as meshes
    from gan_jax.build import make_initial_state, state_like
    from gan_jax.checkpoint import Checkpoints
    from gan_jax.games import build_game

    def read(workdir: Path):
        mesh = meshes.make_mesh(jax.devices()[:1])
        like = state_like(make_initial_state(tiny, build_game(tiny), mesh), mesh)
        checkpoints = Checkpoints(workdir / 'checkpoints', read_only=True)
        state = checkpoints.restore(like)
        checkpoints.close()
        return jax.tree.map(np.asarray, state)

    return read

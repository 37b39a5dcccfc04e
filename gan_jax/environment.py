"""What a run is trained with: versions, devices and commit, one entry per start."""

import datetime
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from gan_jax.files import replacing
from gan_jax.logs import say

_LIBRARIES = ('jax', 'flax', 'optax', 'orbax-checkpoint', 'numpy')


def record_environment(workdir: Path, step: int) -> None:
    """Adds this start, at training step `step`, to environment.json, on process 0.

    A failure is said: what a run was trained with is no reason not to train.
    """
    if jax.process_index() == 0:
        file = workdir / 'environment.json'
        try:
            entries = json.loads(file.read_text()) if file.exists() else []
            with replacing(file) as partial:
                partial.write_text(json.dumps([*entries, describe(step)], indent=2) + '\n')
        except (OSError, ValueError) as error:
            say(f'{file.name} was not written: {error}')


def describe(step: int) -> dict[str, Any]:
    """Returns a start at a training step as JSON; the machine has no name in it."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        'time': now.isoformat(timespec='seconds'),
        'step': step,
        'python': platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
        'devices': f'{jax.device_count()} x {jax.devices()[0].device_kind}',
        'processes': jax.process_count(),
        'system': f'{platform.system()} {platform.machine()}, {os.cpu_count()} cores',
        'commit': _commit(),
    }


def _commit() -> str | None:
    """The commit of the checkout that the code lies in, `+` where files differ from it."""
    git = ['git', '-C', str(Path(__file__).parent)]

    def ask(*arguments: str) -> str:
        answer = subprocess.run(
            [*git, *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return answer.stdout.strip()

    try:
        changed = ask('status', '--porcelain', '--untracked-files=no')
        return ask('rev-parse', 'HEAD') + ('+' if changed else '')
    except (OSError, subprocess.SubprocessError):
        return None

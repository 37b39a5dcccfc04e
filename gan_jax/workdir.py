"""A run's folder: its paths, and the config that it was started with."""

import json
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from gan_jax.fields import flatten
from gan_jax.files import replacing
from gan_jax.logs import say
from gan_jax.usage import UsageError

# Fields that a checkpoint is of: with another value of one, it would be another run.
_ARCHITECTURE = (
    'game',
    'networks.',
    'prior.',
    'generation',
    'codes.',
    'condition.',
    'data.size',
    'data.channels',
    'pool',
)


def open_workdir(path: str, config: ConfigDict) -> Path:
    """Makes the folder, or checks that the run in it can go on with this config; records nothing.

    Raises:
      UsageError: the folder cannot be written, or holds another architecture's run.
    """
    workdir = Path(path)
    file = workdir / 'config.json'
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        (workdir / 'samples').mkdir(exist_ok=True)
        if file.exists():
            _compare(workdir, _read(file), _resolve(config), 'give the run its own --workdir')
    except OSError as error:
        raise UsageError(f'cannot write to the workdir {path!r}: {error.strerror}') from None
    return workdir


def record_config(workdir: Path, config: ConfigDict) -> None:
    """Writes config.json, which later runs in this folder are compared with.

    Raises:
      UsageError: the folder cannot be written.
    """
    if jax.process_index() == 0:
        file = workdir / 'config.json'
        try:
            with replacing(file) as partial:
                partial.write_text(json.dumps(_resolve(config), indent=2) + '\n')
        except OSError as error:
            raise UsageError(f'cannot write {str(file)!r}: {error.strerror}') from None


def check_workdir(path: str, config: ConfigDict) -> Path:
    """Returns the folder of a run to read from.

    Raises:
      UsageError: there is no such run, or it is another architecture's.
    """
    workdir = Path(path)
    file = _find(path)
    advice = f'repeat the flags that it was trained with; they are in {file}'
    _compare(workdir, _read(file), _resolve(config), advice)
    return workdir


def read_config(path: str) -> ConfigDict:
    """Returns the config that the run in a folder was last started with.

    Raises:
      UsageError: there is no run.
    """
    return ConfigDict(_as_given(_read(_find(path))))


def _as_given(value: Any) -> Any:
    """JSON has no tuples."""
    if isinstance(value, dict):
        return {name: _as_given(item) for name, item in value.items()}
    return tuple(map(_as_given, value)) if isinstance(value, list) else value


def _find(path: str) -> Path:
    file = Path(path) / 'config.json'
    if not file.exists():
        raise UsageError(f'no run in {path!r}: train first, or name its folder with --workdir')
    return file


def _resolve(config: ConfigDict) -> dict:
    return json.loads(config.to_json_best_effort())


def _read(file: Path) -> dict:
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise UsageError(f'{file} is not JSON ({error}); move it away to start anew') from None


def _compare(workdir: Path, saved: dict, current: dict, advice: str) -> None:
    """Refuses a changed architecture where there are checkpoints; says what else has changed."""
    saved, current = flatten(saved), flatten(current)
    names = sorted(name for name in {*saved, *current} if not name.startswith('eval.'))
    changed = [name for name in names if saved.get(name) != current.get(name)]
    fatal = [name for name in changed if _is_architecture(name, saved, current)]
    difference = ', '.join(
        f'{name}: {saved.get(name)} -> {current.get(name)}' for name in (fatal or changed)
    )
    checkpoints = workdir / 'checkpoints'
    if fatal and checkpoints.exists() and any(checkpoints.iterdir()):
        raise UsageError(
            f'the run in {str(workdir)!r} has another architecture ({difference}); {advice}'
        )
    if changed:
        say(f'config changed since the last start: {difference}')


def _is_architecture(name: str, saved: dict, current: dict) -> bool:
    if name == 'ema_decay':
        return bool(saved.get(name)) != bool(current.get(name))
    optimizer = name.startswith('optimizers.') and name.endswith('.name')
    return optimizer or name.startswith(_ARCHITECTURE)

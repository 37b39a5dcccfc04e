"""Times published settings that are too long for a machine: a few of their steps, by `main.py`.

    python -m benchmarks.published [--configs configs/sngan.py:cifar10,...]

Every system's `:cifar10` and `:mnist`, unless `train_systems` has run it or it grows, so that its
first steps are not like the others. The rate is the better one of the third and the fourth step,
without compilation and without what is seldom due, such as a lazy penalty; the days are of so many
steps at that rate. Writes `benchmarks/results/published.json`, whence the README's table has them.
Data sets of TFDS are looked for where TFDS_DATA_DIR says.
"""

import argparse
import itertools
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measure
from benchmarks.step_time import EMBEDDED
from benchmarks.table import PUBLISHED, name_of, system_runs
from gan_jax.analysis import record
from gan_jax.command_line import load_config
from gan_jax.stages import split
from gan_jax.usage import UsageError

DATA = 'cifar10', 'mnist'
STEPS = 5
TIMED = 3, 4  # of which a log's line is that of one step alone


def settings() -> list[str]:
    """Returns the presets that are to be timed, as configs/NAME.py:DATA."""
    found = []
    for file, data in itertools.product(EMBEDDED, DATA):
        preset = f'{file}:{data}'
        try:
            config = load_config(preset)
        except UsageError:  # it has none
            continue
        if name_of(preset) not in system_runs() and len(split(config)) == 1:
            found.append(preset)
    return found


def seconds_per_step(preset: str) -> float | None:
    """Returns the time of a training step within a run of STEPS; None: memory is too small."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, 'main.py', f'--config={preset}', f'--workdir={folder}/run']
        command += [f'--config.steps={STEPS}', '--config.log.every=1']
        ended = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if 'Out of memory' in ended.stderr or ended.returncode == -signal.SIGKILL:
            return None
        ended.check_returncode()
        history = record.read_history(Path(folder) / 'run')
        rates = dict(zip(*record.series(history, 'steps_per_second')))
    return 1 / max(rates[step] for step in TIMED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--configs', default=','.join(settings()), help='NAME.py:DATA,...')
    arguments = parser.parse_args()
    for preset in arguments.configs.split(','):
        config, seconds = load_config(preset), seconds_per_step(preset)
        timed = json.loads(PUBLISHED.read_text())['settings'] if PUBLISHED.exists() else {}
        timed[name_of(preset)] = {
            'steps': config.steps,
            'size': list(config.data.size),
            'seconds_per_step': None if seconds is None else round(seconds, 3),
            'days': None if seconds is None else round(seconds * config.steps / 86_400, 3),
            **measure.origin('published'),
        }
        print(preset, timed[name_of(preset)], flush=True)
        said = json.dumps({'settings': dict(sorted(timed.items()))}, indent=1)
        PUBLISHED.write_text(said + '\n')


if __name__ == '__main__':
    main()

"""Trains systems by the user's own command, scores and judges their samples.

    python -m benchmarks.train_systems [--configs configs/gan.py,configs/dcgan.py:mnist]
        [--runs FOLDER] [--beside 'what else the machine did']

The time is that of the whole command, with nothing compiled before. Writes `results/systems.json`
and, beside it, the last grid of each run and the curve of its losses; what other systems have there
stays. Data sets of TFDS are looked for where TFDS_DATA_DIR says. Needs matplotlib.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks import measure
from benchmarks.judge_digits import judge
from benchmarks.step_time import EMBEDDED
from benchmarks.table import name_of
from gan_jax.analysis import record
from gan_jax.command_line import load_config

SAMPLES = 2000
SCORES = 'fid,kid,precision_recall,density_coverage,modes,label_accuracy,elbo'


def train(config: str, workdir: Path, folder: Path) -> dict:
    """Returns what a run took and how its samples score; leaves its grid and curve in SHOWN.

    Args:
      workdir: the run's, new.
      folder: for what is not kept.
    """
    run = [sys.executable, 'main.py', f'--config={config}', f'--workdir={workdir}']
    environment = {**os.environ, 'JAX_COMPILATION_CACHE_DIR': str(folder / 'cache')}

    def call(*arguments: str, check: bool = True) -> None:
        subprocess.run([*run, *arguments], env=environment, stdout=subprocess.DEVNULL, check=check)

    begin = time.perf_counter()
    call()
    seconds = time.perf_counter() - begin
    # It says which scores this system cannot have, and ends in an error for those.
    call('--mode=eval', f'--config.eval.scores={SCORES}', check=False)
    evaluations = record.read_scores(workdir)
    samples = folder / 'samples.npz'
    call('--mode=sample', f'--num={SAMPLES}', f'--out={samples}')
    name = name_of(config).replace(':', '-')
    stem = name if ':' in config else f'{name}-digits'
    shutil.copy(record.sample_files(workdir).popitem()[1], measure.SHOWN / f'{stem}.png')
    draw_curve(record.read_history(workdir), measure.SHOWN / f'{stem}-curve.png')
    fields = load_config(config)
    judged = judge(np.load(samples)['image']) if fields.data.name == 'digits' else {}
    return {
        'steps': fields.steps,
        'size': list(fields.data.size),
        'seconds': round(seconds, 1),
        'evaluation': evaluations[-1] if evaluations else None,
        **judged,
    }


def draw_curve(history: record.History, file: Path) -> None:
    """Draws every phase's loss over training steps."""
    figure = Figure(figsize=(5, 2.4), layout='constrained')
    axes = figure.subplots()
    for name in record.names(history):
        if name.endswith('/loss'):
            axes.plot(*record.series(history, name), label=name.removesuffix('/loss'), linewidth=1)
    axes.set_xlabel('training steps')
    axes.set_ylabel('loss')
    axes.legend(frameon=False, fontsize='small')
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--configs', default=','.join(EMBEDDED), help='NAME.py[:DATA],...')
    parser.add_argument('--runs', type=Path, help='where new runs are kept; else nowhere')
    parser.add_argument('--beside', default='nothing', help='what else the machine did meanwhile')
    arguments = parser.parse_args()
    out = measure.SHOWN / 'systems.json'
    for config in arguments.configs.split(','):
        name = name_of(config)
        with tempfile.TemporaryDirectory() as folder:
            workdir = (arguments.runs or Path(folder)) / name.replace(':', '-')
            if workdir.exists():
                raise SystemExit(f'{workdir} holds a run, whose time nobody has measured')
            said = train(config, workdir, Path(folder))
        runs = json.loads(out.read_text())['runs'] if out.exists() else {}  # others write there too
        runs[name] = {**said, 'beside': arguments.beside, **measure.origin('train_systems')}
        print(f'{config:26} {said["steps"]:6,} steps {said["seconds"]:6.1f} s', flush=True)
        out.write_text(json.dumps({'runs': dict(sorted(runs.items()))}, indent=1) + '\n')


if __name__ == '__main__':
    main()

"""Trains every system on the embedded digits by the user's own command, and judges its samples.

    python -m benchmarks.train_digits [--configs configs/gan.py,configs/sngan.py]

The time is that of the whole command, with nothing compiled before. Writes `results/digits.json`
and the last grid of each run beside it; what other systems have there stays.
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

from benchmarks import measure
from benchmarks.judge_digits import judge
from benchmarks.step_time import EMBEDDED
from gan_jax.command_line import load_config

SAMPLES = 2000
RESULTS = measure.RESULTS.parent.parent / 'results'


def train(config: str, folder: Path) -> dict:
    """Returns what a run took and what its samples are; leaves its grid in RESULTS."""
    run = [sys.executable, 'main.py', f'--config={config}', f'--workdir={folder / "run"}']
    environment = {**os.environ, 'JAX_COMPILATION_CACHE_DIR': str(folder / 'cache')}
    begin = time.perf_counter()
    subprocess.run(run, check=True, env=environment, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    file = folder / 'samples.npz'
    sample = [*run, '--mode=sample', f'--num={SAMPLES}', f'--out={file}']
    subprocess.run(sample, check=True, env=environment, stdout=subprocess.DEVNULL)
    grids = sorted((folder / 'run' / 'samples').glob('0*.png'))
    shutil.copy(grids[-1], RESULTS / f'{Path(config).stem}-digits.png')
    steps = load_config(config).steps
    return {'steps': steps, 'seconds': round(seconds, 1), **judge(np.load(file)['image'])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--configs', default=','.join(EMBEDDED), help='NAME.py,...')
    arguments = parser.parse_args()
    out = RESULTS / 'digits.json'
    runs = json.loads(out.read_text())['runs'] if out.exists() else {}
    for config in arguments.configs.split(','):
        with tempfile.TemporaryDirectory() as folder:
            said = train(config, Path(folder))
        runs[Path(config).stem] = {**said, **measure.origin('train_digits')}
        print(
            f'{config:22} {said["steps"]:6,} steps {said["seconds"]:6.1f} s  confidence '
            f'{said["mean_confidence"]:.3f}, smallest class {said["smallest_share"]:.3f}',
            flush=True,
        )
        out.write_text(json.dumps({'runs': dict(sorted(runs.items()))}, indent=1) + '\n')


if __name__ == '__main__':
    main()

"""Shows that a step late in a run costs what an early one did, by the log of a run.

    python -m benchmarks.long_run [--steps 100000] [--config configs/gan.py] [--batch_size 8]

Trains by the user's own command, with its checkpoints and grids at their intervals, and reads the
images per second that the log has; a figure is the median of a stretch of the run.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measure

STRETCHES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=100_000)
    parser.add_argument('--config', default='configs/gan.py', help='NAME.py[:DATA]')
    parser.add_argument('--batch_size', type=int, default=8)
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'long_run.json')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        changed = f'--config.batch_size={arguments.batch_size}', f'--config.steps={arguments.steps}'
        run = [sys.executable, 'main.py', f'--config={arguments.config}', f'--workdir={folder}']
        subprocess.run([*run, *changed], check=True)
        log = (Path(folder) / 'metrics.jsonl').read_text().splitlines()
    rates = [
        (line['step'], line['images_per_second'])
        for line in map(json.loads, log)
        if 'images_per_second' in line and line['step'] > 1000
    ]
    length = -(-len(rates) // STRETCHES)
    stretches = [rates[start : start + length] for start in range(0, len(rates), length)]
    said = {
        f'{stretch[0][0]} to {stretch[-1][0]}': round(statistics.median(r for _, r in stretch), 1)
        for stretch in stretches
    }
    for steps, rate in said.items():
        print(f'steps {steps:18} {rate:9.1f} images/s')
    measure.write(arguments.out, 'long_run', {'images_per_second': said})


if __name__ == '__main__':
    main()

"""Shows that a step late in a run costs what an early one does.

    python -m benchmarks.long_run [--steps 100000] [--config configs/gan.py] [--batch_size 8]

Trains by the user's own command, with its log, checkpoints and grids. Ten times on the way the run
is made to wait while a fresh one takes its first steps: `late_to_early` is the images per second of
the run, over its steps before that moment, to those of the fresh one.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure

MOMENTS = 10
WARM, TIMED = 1000, 2000  # steps before and within what is compared


def command(arguments: argparse.Namespace, steps: int, workdir: Path) -> list[str]:
    """Returns the user's command."""
    changed = f'--config.batch_size={arguments.batch_size}', f'--config.steps={steps}'
    run = [sys.executable, 'main.py', f'--config={arguments.config}', f'--workdir={workdir}']
    return [*run, *changed]


def rates(workdir: Path) -> dict[int, float]:
    """Returns the images per second of a run's logged steps."""
    file = workdir / 'metrics.jsonl'
    lines = file.read_text().splitlines() if file.exists() else []
    said = [json.loads(line) for line in lines if line.endswith('}')]
    return {line['step']: line['images_per_second'] for line in said if 'images_per_second' in line}


def rate_before(workdir: Path, step: int) -> float:
    """Returns the median of the images per second up to a step."""
    return statistics.median(
        rate for at, rate in rates(workdir).items() if step - TIMED < at <= step
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=100_000)
    parser.add_argument('--config', default='configs/gan.py', help='NAME.py[:DATA]')
    parser.add_argument('--batch_size', type=int, default=8)
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'long_run.json')
    arguments = parser.parse_args()
    moments = {}
    with tempfile.TemporaryDirectory() as folder:
        late = Path(folder) / 'late'
        run = subprocess.Popen(command(arguments, arguments.steps, late), stdout=subprocess.DEVNULL)
        for part in range(1, MOMENTS + 1):
            moment = part * arguments.steps // MOMENTS - (part == MOMENTS) * TIMED
            while max(rates(late), default=0) < moment:
                if run.poll() is not None:
                    sys.exit(f'the run ended with code {run.returncode}')
                time.sleep(0.2)
            os.kill(run.pid, signal.SIGSTOP)
            step, early = max(rates(late)), Path(folder) / f'early-{part}'
            subprocess.run(
                command(arguments, WARM + TIMED, early), check=True, stdout=subprocess.DEVNULL
            )
            os.kill(run.pid, signal.SIGCONT)
            pair = rate_before(late, step), rate_before(early, WARM + TIMED)
            moments[step] = dict(zip(('late', 'early'), pair), late_to_early=pair[0] / pair[1])
            print(
                f'step {step:7,}: {pair[0]:8.1f} images/s, a fresh run {pair[1]:8.1f}, '
                f'ratio {pair[0] / pair[1]:.3f}',
                flush=True,
            )
        run.wait()
    ratios = [moment['late_to_early'] for moment in moments.values()]
    print(f'median ratio {statistics.median(ratios):.3f}')
    measure.write(arguments.out, 'long_run', {'images_per_second': moments})


if __name__ == '__main__':
    main()

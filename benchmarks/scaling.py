"""Times a config's training step over batch sizes and over devices.

    python -m benchmarks.scaling [--config configs/wgan_gp.py] [--batches 16,32,64,128,256]

On a CPU the devices are XLA's pretended ones, which share its cores: they show that a split batch
works and what splitting costs, and no speed-up. Each row is a process of its own, and all take
turns.
"""

import argparse
import os
from functools import partial
from pathlib import Path

from benchmarks import contest, measure, ours

DEVICES = (1, 2, 4, 8)
ROUNDS = 5
SECONDS = 1.0  # of steps in a turn, but at least one step


def main() -> None:
    import jax

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='configs/wgan_gp.py', help='NAME.py[:DATA]')
    parser.add_argument('--batches', default='16,32,64,128,256')
    parser.add_argument('--out', type=Path, help='default: benchmarks/results/')
    arguments = parser.parse_args()
    os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')  # the rows share devices
    backend = measure.backend()
    counts = [n for n in DEVICES if backend == 'cpu' or n <= jax.device_count()]
    batches = [int(size) for size in arguments.batches.split(',')]
    cases = {f'batch {size}, 1 device': (size, 1) for size in batches}
    cases |= {f'batch {max(batches)}, {n} devices': (max(batches), n) for n in counts[1:]}
    make = partial(ours.make, arguments.config)
    makers = {name: partial(make, n, batch_size=size) for name, (size, n) in cases.items()}
    results = contest.hold(makers, ROUNDS, SECONDS)
    for name, said in results.items():
        said['step_ms_per_image'] = round(said['step_ms']['median'] / cases[name][0], 3)
        step, share = said['step_ms']['median'], said['step_ms_per_image']
        print(f'{name:24} {step:9.1f} ms {share:9.3f} ms for an image', flush=True)
    out = arguments.out or measure.RESULTS / f'scaling-{backend}.json'
    measure.write(out, 'scaling', {'config': arguments.config, 'cases': results})


if __name__ == '__main__':
    main()

"""Times a config's training step over batch sizes and over devices.

    python -m benchmarks.scaling [--config configs/wgan_gp.py] [--batches 16,32,64,128,256]

On a CPU the devices are XLA's pretended ones, which share its cores: they show that a split batch
works and what splitting costs, and no speed-up. Each row is a process of its own.
"""

import argparse
import multiprocessing
import os
from pathlib import Path

from benchmarks import measure

DEVICES = (1, 2, 4, 8)
ROUNDS = 7
SECONDS = 1.0  # of steps in a round, but at least one step


def time_steps(argument: str, batch_size: int, devices: int) -> dict:
    """Returns the step's times on the first so many devices; the batch is that of all together."""
    os.environ['XLA_FLAGS'] = f'--xla_force_host_platform_device_count={devices}'
    import jax

    from benchmarks.versus_torch import make_our_step
    from gan_jax import mesh as meshes
    from gan_jax.command_line import load_config

    config = load_config(argument)
    config.batch_size = batch_size
    images = batch_size * config.critic_updates
    take = make_our_step(config, meshes.make_mesh(jax.devices()[:devices]))
    together = take(1)
    times = measure.in_turns({'call': lambda: take(1)}, ROUNDS, SECONDS)['call']
    step = measure.summary([seconds / together for seconds in times])
    return {'step_ms': step, 'images_per_second': round(1e3 * images / step['median'], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--config', default='configs/wgan_gp.py', help='NAME.py[:DATA]')
    parser.add_argument('--batches', default='16,32,64,128,256')
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'scaling.json')
    arguments = parser.parse_args()
    batches = [int(size) for size in arguments.batches.split(',')]
    cases = {f'batch {size}, 1 device': (size, 1) for size in batches}
    cases |= {f'batch {max(batches)}, {n} devices': (max(batches), n) for n in available()[1:]}
    context = multiprocessing.get_context('spawn')
    results = {}
    for name, case in cases.items():
        with context.Pool(1) as pool:
            results[name] = pool.apply(time_steps, (arguments.config, *case))
        said = results[name]
        print(
            f'{name:24} {said["step_ms"]["median"]:9.1f} ms '
            f'{said["images_per_second"]:9.1f} images/s',
            flush=True,
        )
    measure.write(arguments.out, 'scaling', {'config': arguments.config, 'cases': results})


def available() -> tuple[int, ...]:
    """Returns the numbers of devices to compare: those that there are, or on a CPU all."""
    context = multiprocessing.get_context('spawn')
    with context.Pool(1) as pool:  # this process must not take the devices
        backend, count = pool.apply(_devices)
    return tuple(n for n in DEVICES if n == 1 or n <= count or backend == 'cpu')


def _devices() -> tuple[str, int]:
    import jax

    return jax.default_backend(), jax.device_count()


if __name__ == '__main__':
    main()

"""Times what training is made of, for every config: step, samples, data, compilation, checkpoint.

    python -m benchmarks.step_time [--configs configs/gan.py,configs/sngan.py:cifar10] [--dtype ...]

Every system on the embedded data, and the cases of `versus_torch` on random images; either lie on
the device, as a training set does. Each config runs in a process of its own, its parts in turns.
`peak_share` is the arithmetic of a step's products and convolutions (`arithmetic.py`), by the
step's time, as a share of what large matrix products of the same dtype reached in the same process.
"""

import argparse
import itertools
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import measure, ours
from benchmarks.versus_torch import CASES

CONFIGS = Path(__file__).parent.parent / 'configs'
EMBEDDED = sorted(f'configs/{p.name}' for p in CONFIGS.glob('*.py') if p.stem != 'base')
EVERY_CONFIG = [*EMBEDDED, *(config for config in CASES.values() if ':' in config)]
ROUNDS = 5
SECONDS = 1.0  # of each part in a round, but at least one call
DRAWN = 128  # images of a call of the sampler
EXAMPLES = 4096  # of random images
# The side of the matrices whose product is the peak, and how many follow on one another.
PRODUCTS = {'cpu': (2048, 1)}
ELSEWHERE = 8192, 20


def time_config(argument: str, dtype: str) -> dict:
    """Returns what was measured of one config."""
    import jax
    import numpy as np

    from benchmarks import arithmetic
    from gan_jax import mesh as meshes, tuning
    from gan_jax.build import (
        DTYPES,
        make_draw,
        make_initial_state,
        make_step,
        microbatch_size,
        steps_per_call,
    )
    from gan_jax.command_line import load_config
    from gan_jax.data import open_source
    from gan_jax.data.arrays import Arrays
    from gan_jax.games import build_game

    jax.config.update('jax_enable_compilation_cache', False)
    tuning.prepare()
    config = load_config(argument)
    config.dtype = dtype
    game, mesh = build_game(config), meshes.make_mesh(jax.devices()[:1])
    state = make_initial_state(config, game, mesh)()
    size, images = microbatch_size(config), None
    if config.data.name != 'digits':
        shape = (EXAMPLES, *config.data.size, config.data.channels)
        images = Arrays(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    source = open_source(config.data, size, game.microbatches, config.seed, mesh, images)
    due, together = game.due(0), steps_per_call(config, game)
    starts = itertools.count(0, together)

    def feed():
        start = next(starts)
        return source.feed(range(start, start + together))

    here, begin = feed(), time.perf_counter()
    traced = make_step(config, game, source.batch, mesh).trace(state, here, due=due)
    steps = traced.lower().compile()
    compilation = time.perf_counter() - begin
    draw = make_draw(config, game, mesh, DRAWN)
    product, operations = make_product(DTYPES[dtype])

    def take_steps() -> None:
        nonlocal state
        state, metrics = steps(state, here)
        jax.block_until_ready((state, metrics))

    parts = {
        'step': take_steps,
        'sample': lambda: draw(state, jax.random.key(0)),
        'data': lambda: jax.block_until_ready(feed()),
        'peak': product,
    }
    times = measure.in_turns(parts, ROUNDS, SECONDS)
    source.close()
    peak = operations / statistics.median(times['peak'])
    step, data = ([taken / together for taken in times[part]] for part in ('step', 'data'))
    per_step = arithmetic.count(traced.jaxpr) / together
    reached = per_step / statistics.median(step)
    return {
        'step_ms': measure.summary(step),
        'images_per_second': round(size * game.microbatches / statistics.median(step), 1),
        'sample_ms_per_image': measure.summary([taken / DRAWN for taken in times['sample']]),
        'data_ms_per_step': measure.summary(data),
        'compilation_s': round(compilation, 2),
        **time_checkpoint(state),
        'gflops': round(per_step / 1e9, 3),
        'gflops_per_second': round(reached / 1e9, 1),
        'peak_gflops_per_second': round(peak / 1e9, 1),
        'peak_share': round(reached / peak, 3),
        'peak_memory_mb': round(ours.peak_memory() / 2**20),
    }


def make_product(dtype):
    """Returns a function that waits for matrix products, and their operations."""
    import jax
    import jax.numpy as jnp

    side, turns = PRODUCTS.get(jax.default_backend(), ELSEWHERE)
    matrix = jnp.full((side, side), 1 / side, dtype)
    function = jax.jit(lambda x: jax.lax.fori_loop(0, turns, lambda _, y: y @ x, x))
    return lambda: function(matrix).block_until_ready(), 2 * side**3 * turns


def time_checkpoint(state) -> dict[str, float]:
    """Returns what saving the state costs: the second time, when Orbax has warmed up."""
    from gan_jax.checkpoint import Checkpoints

    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder) / 'checkpoints')
        for step in range(2):
            begin = time.perf_counter()
            checkpoints.save(step, state, {})
            held_up = time.perf_counter() - begin  # the rest is written while training goes on
            checkpoints.finish()
            written = time.perf_counter() - begin
        checkpoints.close()
        size = sum(file.stat().st_size for file in Path(folder).rglob('*') if file.is_file())
    return {
        'checkpoint_mb': round(size / 2**20, 1),
        'checkpoint_s': round(written, 3),
        'checkpoint_holds_up_s': round(held_up, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--configs', default=','.join(EVERY_CONFIG), help='NAME.py[:DATA],...')
    parser.add_argument('--dtype', default='float32', help='inside networks')
    parser.add_argument('--out', type=Path, help='default: benchmarks/results/')
    arguments = parser.parse_args()
    os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')  # one process after another
    file = f'step_time-{measure.backend()}-{arguments.dtype}.json'
    out = arguments.out or measure.RESULTS / file
    context = multiprocessing.get_context('spawn')
    results = {}
    for argument in arguments.configs.split(','):
        with context.Pool(1) as pool:
            results[argument] = pool.apply(time_config, (argument, arguments.dtype))
        said = results[argument]
        print(
            f'{argument:28} step {said["step_ms"]["median"]:9.1f} ms  '
            f'{said["images_per_second"]:9.1f} images/s  compiled {said["compilation_s"]:.1f} s  '
            f'{100 * said["peak_share"]:4.0f} % of the peak',
            flush=True,
        )
        measure.write(out, 'step_time', {'dtype': arguments.dtype, 'configs': results})


if __name__ == '__main__':
    main()

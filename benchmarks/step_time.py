"""Times what training is made of, for every config: step, samples, data, compilation, checkpoint.

    python -m benchmarks.step_time [--configs configs/gan.py,configs/sngan.py:cifar10]

Each config runs in a process of its own, its parts in turns. `peak_share` is the arithmetic of a
step's products and convolutions, by the step's time, as a share of what a large matrix product
reached in the same process.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import measure

CONFIGS = Path(__file__).parent.parent / 'configs'
EVERY_CONFIG = sorted(f'configs/{p.name}' for p in CONFIGS.glob('*.py') if p.stem != 'base')
ROUNDS = 7
SECONDS = 1.0  # of each part in a round, but at least one call
DRAWN = 128  # images of a call of the sampler
SIDE = 2048  # of the matrices whose product is the peak


def time_config(argument: str) -> dict:
    """Returns what was measured of one config."""
    import jax
    import jax.numpy as jnp

    from benchmarks import arithmetic
    from gan_jax import mesh as meshes, tuning
    from gan_jax.build import make_draw, make_initial_state, make_step, microbatch_size
    from gan_jax.command_line import load_config
    from gan_jax.data import open_source
    from gan_jax.games import build_game

    jax.config.update('jax_enable_compilation_cache', False)
    tuning.prepare()
    config = load_config(argument)
    game, mesh = build_game(config), meshes.make_mesh()
    state = make_initial_state(config, game, mesh)()
    size = microbatch_size(config)
    source = open_source(config.data, size, game.microbatches, config.seed, mesh)
    feed, due = source.feed(range(1)), game.due(0)

    step = make_step(config, game, source.batch, mesh)
    operations = arithmetic.count(step.trace(state, feed, due=due).jaxpr)
    begin = time.perf_counter()
    step = step.lower(state, feed, due=due).compile()
    compilation = time.perf_counter() - begin
    draw = make_draw(config, game, mesh, DRAWN)
    matrix = jnp.ones((SIDE, SIDE), jnp.float32)
    product = jax.jit(jnp.matmul)

    def take_step() -> None:
        nonlocal state
        state, metrics = step(state, feed)
        jax.block_until_ready((state, metrics))

    parts = {
        'step': take_step,
        'sample': lambda: draw(state, jax.random.key(0)),
        'data': lambda: jax.block_until_ready(source.feed(range(1))),
        'peak': lambda: product(matrix, matrix).block_until_ready(),
    }
    times = measure.in_turns(parts, ROUNDS, SECONDS)
    source.close()
    checkpoint = time_checkpoint(state)
    seconds = {name: statistics.median(values) for name, values in times.items()}
    peak = 2 * SIDE**3 / seconds['peak']
    return {
        'step_ms': measure.summary(times['step']),
        'images_per_second': round(size * game.microbatches / seconds['step'], 1),
        'sample_ms_per_image': round(1e3 * seconds['sample'] / DRAWN, 4),
        'data_ms_per_step': measure.summary(times['data'])['median'],
        'compilation_s': round(compilation, 2),
        **checkpoint,
        'gflops': round(operations / 1e9, 3),
        'gflops_per_second': round(operations / seconds['step'] / 1e9, 1),
        'peak_gflops_per_second': round(peak / 1e9, 1),
        'peak_share': round(operations / seconds['step'] / peak, 3),
        'peak_memory_mb': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
    }


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
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'step_time.json')
    arguments = parser.parse_args()
    context = multiprocessing.get_context('spawn')
    results = {}
    for argument in arguments.configs.split(','):
        with context.Pool(1) as pool:
            results[argument] = pool.apply(time_config, (argument,))
        said = results[argument]
        print(
            f'{argument:28} step {said["step_ms"]["median"]:9.1f} ms  '
            f'{said["images_per_second"]:9.1f} images/s  compiled {said["compilation_s"]:.1f} s  '
            f'{100 * said["peak_share"]:4.0f} % of the peak',
            flush=True,
        )
    measure.write(arguments.out, 'step_time', {'configs': results})


if __name__ == '__main__':
    main()

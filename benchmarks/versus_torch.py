"""Times whole training steps against the same steps in PyTorch, in turns.

    pip install torch
    python -m benchmarks.versus_torch [--only text] [--rounds 7] [--dtype float32] [--out file]

Every contestant is a process of its own and rests while another works. A step is all the updates
that the config asks for; images lie ready on the device. A time is the median over the rounds; the
ratio is PyTorch's faster time, eager or compiled, to ours. Malloc keeps what was freed, as in our
training (`gan_jax/tuning.py`), for PyTorch as well: it is up to a fifth faster so.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks import measure

# The configs as they are, on random images.
CASES = {
    'WGAN-GP, the demo': 'configs/wgan_gp.py',
    'GAN, MNIST': 'configs/gan.py:mnist',
    'DCGAN, MNIST': 'configs/dcgan.py:mnist',
    'DCGAN, 32x32': 'configs/dcgan.py:cifar10',
    'DCGAN, 64x64': 'configs/dcgan.py:celeb_a',
    'SNGAN, CIFAR-10': 'configs/sngan.py:cifar10',
    'WGAN-GP, CIFAR-10': 'configs/wgan_gp.py:cifar10',
}
CONTESTANTS = ('ours', 'eager', 'compiled')
SECONDS = 2.0  # of steps in a turn, but at least one step


def make_our_step(config, mesh=None):
    """Returns `take(steps)`: takes so many or a few more, waits for them, returns their number."""
    import jax

    from gan_jax import mesh as meshes, tuning
    from gan_jax.build import make_initial_state, make_step, microbatch_size, steps_per_call
    from gan_jax.data import Feed
    from gan_jax.games import build_game

    tuning.prepare()
    game, mesh = build_game(config), mesh or meshes.make_mesh()
    state = make_initial_state(config, game, mesh)()
    size = microbatch_size(config), *config.data.size, config.data.channels
    images = jax.random.uniform(jax.random.key(0), (game.microbatches, *size), minval=-1.0)
    together = steps_per_call(config, game)
    shared = {'image': jax.device_put(images, meshes.split(mesh, 1))}
    feed = Feed(shared, jax.numpy.arange(together))
    call = make_step(config, game, lambda shared, own, key: shared, mesh)

    def take(steps: int) -> int:
        nonlocal state
        starts = range(0, steps, together)
        for start in starts:
            state, metrics = call(state, feed, due=game.due(start))
        jax.block_until_ready((state, metrics))
        return together * len(starts)

    return take


def make_torch_step(config, compiled: bool):
    """Returns `take(steps)` as `make_our_step` does, of PyTorch's."""
    import torch

    from benchmarks.torch_systems import System
    from gan_jax import tuning

    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    if device == 'cpu':
        tuning.keep_memory()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_float32_matmul_precision('high')
    torch.backends.cudnn.benchmark = True
    system = System(config, compiled, device)

    def take(steps: int) -> int:
        for _ in range(steps):
            system.step()
        if device == 'cuda':
            torch.cuda.synchronize()
        return steps

    return take


def work(connection: Connection, contestant: str, argument: str, dtype: str) -> None:
    """Takes steps as it is told and tells how long how many took; told none, its peak memory."""
    from gan_jax.command_line import load_config

    config = load_config(argument)
    config.dtype = dtype
    take = (
        make_our_step(config)
        if contestant == 'ours'
        else make_torch_step(config, contestant == 'compiled')
    )
    while steps := connection.recv():
        begin = time.perf_counter()
        taken = take(steps)
        connection.send((time.perf_counter() - begin, taken))
    connection.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1))


def compete(argument: str, dtype: str, rounds: int) -> dict:
    """Returns every contestant's times of a step, its first step and its peak memory."""
    context = multiprocessing.get_context('spawn')
    pipes = {}
    for name in CONTESTANTS:
        pipes[name], theirs = context.Pipe()
        context.Process(target=work, args=(theirs, name, argument, dtype), daemon=True).start()

    def tell(name: str, steps: int) -> tuple[float, int]:
        pipes[name].send(steps)
        return pipes[name].recv()

    def time_step(name: str, steps: int) -> float:
        seconds, taken = tell(name, steps)
        return seconds / taken

    first = {name: tell(name, 1)[0] for name in pipes}
    counts = {name: max(1, round(SECONDS / time_step(name, 1))) for name in pipes}
    times = {name: [] for name in pipes}
    for _ in range(rounds):
        for name, steps in counts.items():
            times[name].append(time_step(name, steps))
    memory = {name: tell(name, 0)[0] for name in pipes}
    torch_median = min(statistics.median(times[name]) for name in CONTESTANTS[1:])
    return {
        'config': argument,
        'ratio': round(torch_median / statistics.median(times['ours']), 3),
        'step_ms': {name: measure.summary(seconds) for name, seconds in times.items()},
        'first_step_s': {name: round(seconds, 2) for name, seconds in first.items()},
        'peak_memory_mb': {name: round(megabytes) for name, megabytes in memory.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', default='', help='only the cases whose name holds this text')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--dtype', default='float32', help="inside networks; PyTorch's autocast")
    parser.add_argument('--out', type=Path, help='default: benchmarks/results/')
    arguments = parser.parse_args()
    os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')  # a GPU's memory is shared
    results = {'dtype': arguments.dtype, 'cases': {}}
    out = arguments.out or measure.RESULTS / f'versus_torch-{arguments.dtype}.json'
    for name, config in CASES.items():
        if arguments.only in name:
            case = compete(config, arguments.dtype, arguments.rounds)
            results['cases'][name] = case
            medians = {who: t['median'] for who, t in case['step_ms'].items()}
            cells = '  '.join(f'{who} {ms:9.1f} ms' for who, ms in medians.items())
            print(f'{name:20}  {cells}  ratio {case["ratio"]:.2f}', flush=True)
            measure.write(out, 'versus_torch', results)  # what has been measured stays


if __name__ == '__main__':
    main()

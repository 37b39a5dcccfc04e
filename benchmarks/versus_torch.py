"""Times whole training steps against the same steps in PyTorch, in turns.

    pip install torch
    python -m benchmarks.versus_torch [--only text] [--rounds 5] [--dtype float32] [--out file]

Every contestant is a process of its own and rests while another works. A step is all the updates
that the config asks for; images lie ready on the device. A time is the median over the rounds; the
ratio is PyTorch's faster time, eager or compiled, to ours. Malloc keeps what was freed, as in our
training (`gan_jax/tuning.py`), for PyTorch as well, which is faster so.
"""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from benchmarks import contest, measure, ours
from benchmarks.contest import Contestant, process_memory

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
# PyTorch's contestants, and their mode of torch.compile.
MODES = {'eager': None, 'compiled': 'default', 'compiled, CUDA graphs': 'reduce-overhead'}
SECONDS = 2.0  # of steps in a turn, but at least one step


def make_torch(argument: str, dtype: str, device: str, mode: str | None) -> Contestant:
    """Makes PyTorch's step of a config: eager, or compiled in a mode of `torch.compile`."""
    import torch

    from benchmarks.torch_systems import System
    from gan_jax import tuning
    from gan_jax.command_line import load_config

    config = load_config(argument)
    config.dtype = dtype
    if device == 'cpu':
        tuning.keep_memory()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_float32_matmul_precision('high')
    torch.backends.cudnn.benchmark = True
    system = System(config, mode, device)

    def take(steps: int) -> int:
        for _ in range(steps):
            system.step()
        if device == 'cuda':
            torch.cuda.synchronize()
        return steps

    peak_memory = torch.cuda.max_memory_allocated if device == 'cuda' else process_memory
    return Contestant(take, peak_memory)


def compete(argument: str, dtype: str, device: str, rounds: int) -> dict:
    """Returns every contestant's times of a step, its first step and its peak memory."""
    makers = {'ours': partial(ours.make, argument, dtype=dtype)}
    makers |= {
        name: partial(make_torch, argument, dtype, device, mode)
        for name, mode in MODES.items()
        if device == 'cuda' or mode != 'reduce-overhead'  # which is CUDA's graphs
    }
    said = contest.hold(makers, rounds, SECONDS)
    if 'ours' not in said or len(said) == 1:
        sys.exit(f'{argument}: nothing to compare')
    steps = {name: result['step_ms']['median'] for name, result in said.items()}
    theirs = min(median for name, median in steps.items() if name != 'ours')
    fields = next(iter(said.values()))
    return {
        'config': argument,
        'ratio': round(theirs / steps['ours'], 3),
        **{field: {name: result[field] for name, result in said.items()} for field in fields},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', default='', help='cases whose name has this text; with --out')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--dtype', default='float32', help="inside networks; PyTorch's autocast")
    parser.add_argument('--out', type=Path, help='default: benchmarks/results/')
    arguments = parser.parse_args()
    if arguments.only and not arguments.out:
        parser.error('--only needs --out: the whole result would be overwritten with a part')
    os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')  # a GPU's memory is shared
    backend = measure.backend()
    device = 'cpu' if backend == 'cpu' else 'cuda'
    if device == 'cuda' and not torch_has_cuda():
        parser.error(f'JAX computes on {backend} here and PyTorch on a CPU: no comparison')
    results = {'dtype': arguments.dtype, 'cases': {}}
    out = arguments.out or measure.RESULTS / f'versus_torch-{backend}-{arguments.dtype}.json'
    for name, config in CASES.items():
        if arguments.only in name:
            case = compete(config, arguments.dtype, device, arguments.rounds)
            results['cases'][name] = case
            medians = {who: t['median'] for who, t in case['step_ms'].items()}
            cells = '  '.join(f'{who} {ms:9.1f} ms' for who, ms in medians.items())
            print(f'{name:20}  {cells}  ratio {case["ratio"]:.2f}', flush=True)
            measure.write(out, 'versus_torch', results)  # what has been measured stays


def torch_has_cuda() -> bool:
    """Says whether PyTorch computes on a GPU here."""
    import torch

    return torch.cuda.is_available()


if __name__ == '__main__':
    main()

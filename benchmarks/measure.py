"""What every benchmark shares: times taken in turns, and what was measured, on what and when."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / 'results'
SHOWN = RESULTS.parent.parent / 'results'  # what the README shows
PACKAGES = ('jax', 'jaxlib', 'flax', 'optax', 'torch', 'numpy', 'torch-fidelity')


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Returns the median and the quartiles of two or more times, in milliseconds."""
    low, middle, high = statistics.quantiles(seconds, method='inclusive')
    return {name: round(1e3 * t, 3) for name, t in dict(median=middle, low=low, high=high).items()}


def in_turns(
    calls: Mapping[str, Callable[[], None]], rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Returns the seconds that each call took in every round, of about so many seconds of it."""
    counts, times = {}, {name: [] for name in calls}
    for name, call in calls.items():
        call()
        begin = time.perf_counter()
        call()
        counts[name] = max(1, round(seconds / (time.perf_counter() - begin)))
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.perf_counter()
            for _ in range(counts[name]):
                call()
            times[name].append((time.perf_counter() - begin) / counts[name])
    return times


def backend() -> str:
    """Returns what JAX computes on, for names of files: cpu, gpu or tpu."""
    import jax

    return jax.default_backend()


def hardware() -> str:
    """Returns what JAX computes on, in words."""
    import jax

    if jax.default_backend() != 'cpu':
        return f'{jax.device_count()} x {jax.devices()[0].device_kind}'
    cpuinfo = Path('/proc/cpuinfo')
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(':')[1].strip() for line in lines if line.startswith('model name')]
    return f'{os.cpu_count()} cores of {models[0] if models else platform.processor()}'


def origin(module: str) -> dict:
    """Returns what makes a result comparable: the command, the day, the hardware and the code."""
    versions = {'python': platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        'command': ' '.join([f'python -m benchmarks.{module}', *sys.argv[1:]]),
        'date': datetime.date.today().isoformat(),
        'commit': commit(),
        'hardware': hardware(),
        'versions': versions,
    }


def commit() -> str:
    """Returns the commit that is checked out, or nothing outside of a repository."""
    command = ['git', 'rev-parse', '--short', 'HEAD']
    try:
        said = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True)
    except FileNotFoundError:
        return ''
    return said.stdout.strip()


def write(file: Path, module: str, results: dict) -> None:
    """Writes a result file: the results, with where they come from."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**origin(module), **results}, indent=1) + '\n')

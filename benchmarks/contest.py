"""Contestants that take training steps in turns, each a process of its own."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import NamedTuple

from benchmarks import measure


class Contestant(NamedTuple):
    """What a maker returns, in the process where it is called."""

    take: Callable[[int], int]  # takes so many steps or a few more, waits, returns their number
    peak_memory: Callable[[], int]  # bytes on the device


def process_memory() -> int:
    """Returns the most bytes that this process has held: a contestant's, on a CPU."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10


def hold(
    makers: Mapping[str, Callable[[], Contestant]], rounds: int, seconds: float
) -> dict[str, dict]:
    """Returns what each contestant took for a step, of about so many seconds of steps in a turn.

    Whoever fails leaves the contest and is not in the result.
    """
    field = {name: _Process(make) for name, make in makers.items()}
    counts, first = {}, {}
    for name, process in list(field.items()):
        try:
            first[name] = process.time_step(1)
            counts[name] = max(1, round(seconds / process.time_step(1)))
        except (EOFError, BrokenPipeError):
            print(f'{name}: failed, and is left out', flush=True)
            del field[name]
    times = {name: [] for name in field}
    for _ in range(rounds):
        for name, process in field.items():
            times[name].append(process.time_step(counts[name]))
    return {
        name: {
            'step_ms': measure.summary(times[name]),
            'first_step_s': round(first[name], 2),
            'peak_memory_mb': round(process.finish() / 2**20),
        }
        for name, process in field.items()
    }


class _Process:
    def __init__(self, make: Callable[[], Contestant]):
        context = multiprocessing.get_context('spawn')
        self._pipe, theirs = context.Pipe()
        context.Process(target=_work, args=(theirs, make), daemon=True).start()
        theirs.close()  # so that the end of the process is the end of what it says

    def time_step(self, steps: int) -> float:
        self._pipe.send(steps)
        seconds, taken = self._pipe.recv()
        return seconds / taken

    def finish(self) -> int:
        self._pipe.send(0)
        return self._pipe.recv()


def _work(connection: Connection, make: Callable[[], Contestant]) -> None:
    """Takes steps as it is told and tells how long how many took; told none, its peak memory."""
    contestant = make()
    while steps := connection.recv():
        begin = time.perf_counter()
        taken = contestant.take(steps)
        connection.send((time.perf_counter() - begin, taken))
    connection.send(contestant.peak_memory())

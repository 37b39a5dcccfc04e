"""Data sets too large to stay on the device: decoded ahead of the training step by Grain."""

import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from absl import flags
from jax import Array
from jax.sharding import Mesh

from gan_jax import mesh as meshes
from gan_jax.data.image_set import THREADS, Decoded
from gan_jax.data.order import Order
from gan_jax.data.source import Feed, Source

# Decoded batches that wait for the training step take at most this much memory.
_AHEAD_BYTES = 2**30


class Streamed(Source):
    """A data set read while training runs, each process reading its devices' part of the batch.

    Consecutive steps are read ahead by `data.workers` processes, or by threads where it is 0; a
    step out of turn, such as the first one of a resumed run, starts the stream anew there.
    """

    def __init__(self, decoded: Decoded, order: Order, data: Any, mesh: Mesh):
        super().__init__(decoded, order, data, mesh)
        self._workers = data.workers
        self._iterator = None
        self._next_step = None

    def feed(self, steps: range) -> Feed:
        """Returns the steps' examples as they are stored: uint8 [S, K, B, h, w, C]."""
        if steps.start != self._next_step:
            self.close()
            self._iterator = self._read_from(steps.start)
        self._next_step = None  # A step that fails leaves the iterator nowhere.
        batches = [next(self._iterator) for _ in steps]
        self._next_step = steps.stop
        stacked = jax.tree.map(lambda *arrays: np.stack(arrays), *batches)
        return Feed((), meshes.put_local(meshes.split(self._mesh, 2), stacked))

    def rebatch(self, microbatches: int, batch_size: int) -> None:
        """From now on a step takes so many batches of this size; what was read ahead is left."""
        self.close()
        super().rebatch(microbatches, batch_size)

    def close(self) -> None:
        """Ends the threads or processes that read ahead."""
        if self._iterator is not None:
            self._iterator.close()
        self._iterator = self._next_step = None

    def _stored(self, shared: tuple[()], examples: dict[str, Array]) -> dict[str, Array]:
        return jax.lax.with_sharding_constraint(examples, meshes.split(self._mesh, 1))

    def _read_from(self, step: int) -> Iterator[dict[str, np.ndarray]]:
        import grain  # Half a second that other data sets need not wait.

        columns = self._columns()
        bytes_of_batch = self._order.microbatches * len(columns) * np.prod(self._decoded.shape)
        ahead = int(np.clip(_AHEAD_BYTES // bytes_of_batch, 2, 16))
        # An element is a whole step, so that it does not depend on who reads it.
        read = functools.partial(_read_step, self._decoded, self._order, columns)
        steps = grain.MapDataset.range(step, sys.maxsize).map(read)
        if not self._workers:
            return iter(steps.to_iter_dataset(grain.ReadOptions(min(THREADS, ahead), ahead)))

        if not flags.FLAGS.is_parsed():  # Grain reads its flags, which only absl.app.run parses.
            flags.FLAGS.mark_as_parsed()
        each = max(1, ahead // self._workers)
        stream = steps.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=1))
        options = grain.MultiprocessingOptions(self._workers, each)
        return iter(stream.mp_prefetch(options, worker_init_fn=_begin_worker))

    def _columns(self) -> np.ndarray:
        """Returns the places along B that lie on this process's devices."""
        shape = (self._order.microbatches, self._order.batch_size)
        parts = meshes.split(self._mesh, 1).addressable_devices_indices_map(shape).values()
        return np.unique(np.concatenate([np.arange(shape[1])[part[1]] for part in parts]))


def _begin_worker(index: int, count: int) -> None:
    """Ignores signals, as training may need one more batch, and ends with the training process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def follow() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _read_step(
    decoded: Decoded, order: Order, columns: np.ndarray, step: int
) -> dict[str, np.ndarray]:
    """Returns some columns of a step's examples; runs in threads and other processes, so no JAX."""
    indices = order.indices(step)[:, columns]
    examples = decoded.read(indices.ravel())
    return {
        name: array.reshape(*indices.shape, *array.shape[1:]) for name, array in examples.items()
    }

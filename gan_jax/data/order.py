"""Which examples each training step takes."""

import functools
from typing import NamedTuple

import numpy as np


class Order(NamedTuple):
    """One endless stream of examples: the shuffled epochs laid end to end.

    An epoch holds every example once, and a batch may straddle two. The examples of a step are a
    function of the seed and the step alone: a resumed run needs no other state, and every process
    of a run, however many there are, draws the same numbers.
    """

    num_examples: int
    microbatches: int
    batch_size: int
    seed: int

    def indices(self, step: int) -> np.ndarray:
        """Returns the numbers of the step's examples, int32 [K, B]."""
        count = self.microbatches * self.batch_size
        positions = np.arange(step * count, (step + 1) * count)
        epochs, places = np.divmod(positions, self.num_examples)
        indices = np.empty(count, np.int32)
        for epoch in np.unique(epochs):
            permutation = _permutation(self.seed, int(epoch), self.num_examples)
            indices[epochs == epoch] = permutation[places[epochs == epoch]]
        return indices.reshape(self.microbatches, self.batch_size)


# A step may straddle two epochs, and reading ahead may be in the next two already.
@functools.lru_cache(maxsize=4)
def _permutation(seed: int, epoch: int, length: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(length)

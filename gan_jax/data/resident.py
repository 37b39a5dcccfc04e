"""Data sets small enough to stay on the device."""

from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh

from gan_jax import mesh as meshes
from gan_jax.data.image_set import Decoded
from gan_jax.data.order import Order
from gan_jax.data.source import Feed, Source


class Resident(Source):
    """A data set decoded once and kept whole, as uint8, on every device.

    A step costs the host nothing but its indices.
    """

    def __init__(self, decoded: Decoded, order: Order, data: Any, mesh: Mesh):
        super().__init__(decoded, order, data, mesh)
        arrays = decoded.read_many(range(len(decoded)))
        self._arrays = meshes.put(meshes.replicated(mesh), arrays)

    def feed(self, steps: range) -> Feed:
        """Returns the whole data set, which is on the device already, and the indices [S, K, B]."""
        indices = np.stack([self._order.indices(step) for step in steps])
        return Feed(self._arrays, meshes.put(meshes.split(self._mesh, 2), indices))

    def close(self) -> None:
        """Lets go of the device's memory."""
        self._arrays = {}

    def _stored(self, arrays: dict[str, Array], indices: Array) -> dict[str, Array]:
        def take(array: Array) -> Array:
            taken = array.at[indices].get(mode='promise_in_bounds')
            return jax.lax.with_sharding_constraint(taken, meshes.split(self._mesh, 1))

        return jax.tree.map(take, arrays)

"""Distances from every image to all others, of which few are in memory at a time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from gan_jax import mesh as meshes
from gan_jax.metrics.features import check_features, check_pair

_BLOCK = 1024  # rows of distances at a time, on all devices together


class Neighbours(NamedTuple):
    """The nearest of the others, the nearest first."""

    indices: np.ndarray  # [N, count]
    distances: np.ndarray  # [N, count], Euclidean, float64


def nearest(features: np.ndarray, others: np.ndarray, count: int = 1) -> Neighbours:
    """Returns the `count` nearest of the others, [M, D], to each of the features, [N, D].

    Raises:
      UsageError: fewer others than `count`, or features of different sizes.
    """
    features, others = check_pair(features, others, least=1)
    check_features(others, 'reference', least=count)

    indices, squares = by_rows(lambda squares: smallest(squares, count), features, others)
    return Neighbours(indices, np.sqrt(np.maximum(squares, 0)))  # what rounding made negative


def smallest(distances: Array, count: int) -> tuple[Array, Array]:
    """Returns where the `count` smallest of each row are, and what they are: [n, count] both.

    One by one, for a few of many: XLA's `top_k` sorts whole rows where they are of float64.
    """
    columns = jnp.arange(distances.shape[1])
    places, values = [], []
    for _ in range(count):
        value = jnp.min(distances, axis=1, keepdims=True)
        place = jnp.min(jnp.where(distances == value, columns, columns.size), axis=1, keepdims=True)
        distances = jnp.where(columns == place, jnp.inf, distances)
        places.append(place)
        values.append(value)
    return jnp.concatenate(places, axis=1), jnp.concatenate(values, axis=1)


def by_rows(function: Callable[[Array], Any], images: np.ndarray, others: np.ndarray) -> Any:
    """Returns a function of every image's squared distances to all others: [n, M] -> [n, ...].

    Block by block, each split over all devices of all processes, which all give the same images;
    the distances in memory are a block's. In float64: a distance is what is left of the squares of
    numbers far from zero.
    """
    mesh = meshes.make_mesh()
    size = -(-min(_BLOCK, len(images)) // mesh.size) * mesh.size
    apply = jax.jit(lambda block, others: function(_squared_distances(block, others)))
    parts = []
    with jax.enable_x64(True):
        others = meshes.put(meshes.replicated(mesh), np.asarray(others, np.float64))
        for start in range(0, len(images), size):
            block = np.asarray(images[start : start + size], np.float64)
            rows = len(block)
            block = np.pad(block, [(0, size - rows), (0, 0)])
            part = meshes.gather(apply(meshes.put(meshes.split(mesh, 0), block), others))
            parts.append(jax.tree.map(lambda values, rows=rows: values[:rows], part))
    return jax.tree.map(lambda *values: np.concatenate(values), *parts)


def _squared_distances(x: Array, y: Array) -> Array:
    """|x|^2 + |y|^2 - 2 x . y: [N, M]."""
    products = jnp.matmul(x, y.T, precision='highest')
    squares = (jnp.sum(jnp.square(one), axis=1) for one in (x, y))
    return jnp.add.outer(*squares) - 2 * products

"""Ways through latents: arrays [n, ...] by name, of which the floating ones move."""

from collections.abc import Callable, Mapping

import numpy as np

Latents = Mapping[str, np.ndarray]


def floating(latents: Latents) -> dict[str, np.ndarray]:
    """Returns the latents that can move; labels and other whole numbers cannot."""
    return {
        name: array for name, array in latents.items() if np.issubdtype(array.dtype, np.floating)
    }


def between(way: Callable, start: Latents, end: Latents, count: int) -> dict[str, np.ndarray]:
    """Returns `count` latents from each of `start` to its own of `end`, both included.

    way: `(a, b, t)` of flat latents, such as `linear`. Shapes: [n, ...] -> [n * count, ...]. What
    does not move stays as it is in `start`.
    """
    t = np.linspace(0, 1, count, dtype=np.float32)[None, :, None]

    def move(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        flat = (array.reshape(len(array), 1, -1) for array in (a, b))
        return np.asarray(way(*flat, t)).reshape(-1, *a.shape[1:])

    moving = {name: move(array, end[name]) for name, array in floating(start).items()}
    return {name: np.repeat(array, count, axis=0) for name, array in start.items()} | moving


def along(latents: Latents, directions: Latents, amounts: np.ndarray) -> dict[str, np.ndarray]:
    """Returns one latent moved along each direction by each amount.

    Shapes: latents [1, ...], directions [n, ...], amounts [m] -> [n * m, ...], by direction.
    """
    count = len(next(iter(directions.values()))) * len(amounts)

    def move(start: np.ndarray, direction: np.ndarray) -> np.ndarray:
        steps = np.multiply.outer(direction, amounts)  # [n, ..., m]
        return (start + np.moveaxis(steps, -1, 1).reshape(count, *start.shape[1:])).astype(
            start.dtype
        )

    moved = {name: move(latents[name], direction) for name, direction in directions.items()}
    return {name: np.repeat(array, count, axis=0) for name, array in latents.items()} | moved

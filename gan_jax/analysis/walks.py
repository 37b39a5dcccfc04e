"""One latent moved along directions: arrays [n, ...] by name."""

import numpy as np

from gan_jax.interpolation import Latents


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

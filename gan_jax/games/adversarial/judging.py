"""How a discriminator sees real and generated images: in one call, in two, or one kind at a time.

`judge(discriminate, real, fake) -> (of the real ones, of the generated ones)`: either kind is a
tuple of the images and what the discriminator is told of them, such as labels; it returns whatever
`discriminate(images, *told, train, update)` does, logits [B] or any tree of examples.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.game import Array

Kind = tuple[Array, ...]  # images [B, H, W, C] and what else the discriminator is told of them
Judge = Callable[[Callable, Kind, Kind], tuple[Any, Any]]


def together(discriminate: Callable, real: Kind, fake: Kind) -> tuple[Any, Any]:
    """Both in one call, for a network that judges every image on its own."""

    # In turns, so that of a batch split over devices no image has to move.
    def lay(one: Array, other: Array) -> Array:
        return jnp.stack([one, other], axis=1).reshape(-1, *one.shape[1:])

    def take(output: Any, kind: int) -> Any:
        return jax.tree.map(lambda leaf: leaf.reshape(-1, 2, *leaf.shape[1:])[:, kind], output)

    output = discriminate(*jax.tree.map(lay, real, fake), train=True, update=True)
    return take(output, 0), take(output, 1)


def in_two_calls(discriminate: Callable, real: Kind, fake: Kind) -> tuple[Any, Any]:
    """What `together` returns; half of the batch at a time, which more of a CPU's cache holds."""
    of_real = discriminate(*real, train=True)
    return of_real, discriminate(*fake, train=True, update=True)


def apart(discriminate: Callable, real: Kind, fake: Kind) -> tuple[Any, Any]:
    """One call for each: with batch normalisation, each has the statistics of its own kind."""
    of_real = discriminate(*real, train=True, update=True)
    return of_real, discriminate(*fake, train=True, update=True)


def in_passing(discriminate: Callable, real: Kind, fake: Kind) -> tuple[Any, Any]:
    """One call for each, of which nothing stays: in another player's turn."""
    return discriminate(*real, train=True), discriminate(*fake, train=True)

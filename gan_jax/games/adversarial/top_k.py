"""Top-k training: the generator learns of those of its images alone that look most real."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.game import Array, Context


def top_k(least: float, decay: float, every: int) -> Callable[[Array, Context], Array]:
    """Returns the choice of the k highest logits, k falling from all of a batch.

    Sinha et al. 2020, arXiv 2002.06224: k = max(decay^t, least) B, where t counts so
    many steps, an epoch in the paper. The values stay as they are and so do shapes: the gradient of
    a mean over all logits becomes that of the mean over the k.
    """

    def considered(logits: Array, context: Context) -> Array:
        batch = len(logits)
        share = jnp.maximum(decay ** (context.step // every), least)
        # Floored, as in the authors' code; what rounding took is given back before.
        k = jnp.maximum(1, jnp.floor(share * batch + 1e-4))
        rank = jnp.argsort(jnp.argsort(-logits))
        factor = jnp.where(rank < k, batch / k, 0)
        held = jax.lax.stop_gradient(logits)
        return held + factor * (logits - held)

    return considered

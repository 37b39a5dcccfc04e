"""Layers that show a discriminator its whole batch, so that it sees images that are all alike.

The logit of an image then depends on the others. Its gradient, as a penalty takes it, is that of
the sum of all logits, by how much the others' move too: as the authors of ProGAN and StyleGAN have
it. Real and generated images are judged apart.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

Array = jax.Array
Initializer = jax.nn.initializers.Initializer

# What such a layer sows, so that those who judge can know.
ACROSS_EXAMPLES = 'across_examples'


class MinibatchStddev(nn.Module):
    """One more channel, how much a group of images differs: Karras et al. 2018, section 3.

    [B, ..., C] -> [B, ..., C + 1]: over each group of neighbours in the batch the standard
    deviation of every feature, then their mean. The group is the largest up to `group_size` that
    divides the batch.
    """

    group_size: int = 4

    @nn.compact
    def __call__(self, x: Array) -> Array:
        self.sow('intermediates', ACROSS_EXAMPLES, x[:0])
        batch = len(x)
        size = max(n for n in range(1, self.group_size + 1) if batch % n == 0)
        # Neighbours, so that of a batch split over devices no image has to move.
        groups = x.astype(jnp.float32).reshape(batch // size, size, -1)
        deviations = jnp.sqrt(jnp.var(groups, axis=1) + 1e-8)
        statistic = jnp.repeat(jnp.mean(deviations, axis=1), size).astype(x.dtype)
        statistic = jnp.broadcast_to(
            statistic.reshape(batch, *(1,) * (x.ndim - 1)), (*x.shape[:-1], 1)
        )
        return jnp.concatenate([x, statistic], axis=-1)


class MinibatchDiscrimination(nn.Module):
    """How near each example is to the others of its batch: Salimans et al. 2016, section 3.2.

    Features f [B, A] -> [f, o] [B, A + kernels], with M_i = f_i T and
    o(x_i)_b = sum_j exp(-|M_ib - M_jb|_1).
    """

    kernels: int = 100  # B of the paper
    dimensions: int = 5  # C of the paper
    kernel_init: Initializer = nn.initializers.normal(0.05)  # as in the authors' code

    @nn.compact
    def __call__(self, x: Array) -> Array:
        self.sow('intermediates', ACROSS_EXAMPLES, x[:0])
        m = nn.Dense(self.kernels * self.dimensions, use_bias=False, kernel_init=self.kernel_init)(
            x
        )
        m = m.reshape(-1, self.kernels, self.dimensions)
        distances = jnp.sum(jnp.abs(m[:, None] - m[None]), axis=-1)
        return jnp.concatenate([x, jnp.sum(jnp.exp(-distances), axis=1)], axis=-1)

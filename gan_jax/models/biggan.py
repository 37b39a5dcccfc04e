"""BigGAN's generator: Brock et al. 2019, arXiv 1809.11096; its discriminator is SAGAN's."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import sagan
from gan_jax.models.layers import Array, Initializer, LinearNorm
from gan_jax.usage import UsageError


class Generator(sagan.Generator):
    """SAGAN's, to which every block is told of the class and of a chunk of z of its own.

    z [B, Z], label int [B] -> images [B, H, W, C]. The first layer sees the first chunk alone. A
    class has one vector, from which each normalisation takes its gain and bias: section 3, "shared
    embedding", and appendix B.
    """

    classes: int
    embedding: int  # size of a class's vector

    @nn.compact
    def __call__(self, z: Array, label: Array, train: bool = True) -> Array:
        blocks = len(self.multiples) - 1
        if z.shape[-1] % (blocks + 1):
            raise UsageError(
                f'prior.size={z.shape[-1]} cannot be cut into {blocks + 1} chunks, one for the '
                f'first layer and each block; a multiple of {blocks + 1} can'
            )
        first, *chunks = jnp.split(z, blocks + 1, axis=-1)
        shared = embed(label, self.classes, self.embedding, self.kernel_init).astype(z.dtype)

        def told(chunk: Array) -> Callable[[], nn.Module]:
            code = jnp.concatenate([shared, chunk], axis=-1)
            return partial(LinearNorm, self.normalization, code, self.weights, self.kernel_init)

        return self._generate(first, [told(chunk) for chunk in chunks], train)


def embed(label: Array, classes: int, size: int, kernel_init: Initializer) -> Array:
    """The vector of a class, [B] -> [B, size], from a table that all of a network shares."""
    table = nn.Dense(size, use_bias=False, kernel_init=kernel_init, name='embedding')
    return table(jax.nn.one_hot(label, classes))

"""BigGAN's generator: Brock et al. 2019, arXiv 1809.11096; its discriminator is SAGAN's."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import sagan
from gan_jax.models.layers import Array, LinearNorm
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
        shared = nn.Dense(self.embedding, use_bias=False, kernel_init=self.kernel_init)(
            jax.nn.one_hot(label, self.classes, dtype=z.dtype)
        )
        codes = [jnp.concatenate([shared, chunk], axis=-1) for chunk in chunks]
        linear = partial(LinearNorm, self.normalization, self.weights, self.kernel_init)
        return self._generate(first, [partial(linear, code) for code in codes], train)

"""BigGAN's generator: Brock et al. 2019, arXiv 1809.11096; its discriminator is SAGAN's."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models import sagan
from gan_jax.models.layers import Array, LinearNorm
from gan_jax.usage import UsageError


class Generator(sagan.Generator):
    """SAGAN's, with a chunk of z for the first layer and one for every block.

    z [B, Z], label int [B] -> images [B, H, W, C]. A class has one vector, from which, beside the
    block's chunk, each normalisation takes its gain and bias: section 3, "shared embedding".
    """

    classes: int
    embedding: int  # size of a class's vector

    @nn.compact
    def __call__(self, z: Array, label: Array, train: bool = True) -> Array:
        table = nn.Dense(
            self.embedding, use_bias=False, kernel_init=self.kernel_init, name='embedding'
        )
        shared = table(jax.nn.one_hot(label, self.classes)).astype(z.dtype)
        first, codes = self._share(z, shared)
        return self._generate(first, [self._normalization_by(code) for code in codes], train)

    def _share(self, z: Array, shared: Array) -> tuple[Array, list[Array]]:
        """What the first layer sees, and what the normalisations of each block do."""
        chunks = len(self.multiples)
        if z.shape[-1] % chunks:
            raise UsageError(
                f'prior.size={z.shape[-1]} cannot be cut into {chunks} chunks, one for the first '
                f'layer and each block; a multiple of {chunks} can'
            )
        first, *rest = jnp.split(z, chunks, axis=-1)
        return first, [jnp.concatenate([shared, chunk], axis=-1) for chunk in rest]

    def _normalization_by(self, code: Array) -> Callable[[], nn.Module]:
        return partial(LinearNorm, self.normalization, code, self.weights, self.kernel_init)

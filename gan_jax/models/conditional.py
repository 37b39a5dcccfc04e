"""How a network is told what image is meant: wrappers around networks that know of no classes.

A wrapper takes `make`, which makes the network within it; those of its fields that the wrapper
`sets` are functions. Told of classes, it is `network(x, label)`, label int32 [B].
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.layers import Array, ConditionalNorm, SelfModulatedNorm


class ConcatenatedGenerator(nn.Module):
    """The class beside z, as one number per class: Mirza and Osindero 2014, arXiv 1411.1784."""

    sets: ClassVar = set()
    make: Callable[..., nn.Module]
    classes: int

    @nn.compact
    def __call__(self, z: Array, label: Array, train: bool = True) -> Array:
        one_hot = jax.nn.one_hot(label, self.classes, dtype=z.dtype)
        return self.make()(jnp.concatenate([z, one_hot], axis=-1), train=train)


class ConditionallyNormalizedGenerator(nn.Module):
    """Gains and biases of normalisations that are the class's: Miyato and Koyama 2018."""

    sets: ClassVar = {'normalization'}
    make: Callable[..., nn.Module]
    classes: int

    @nn.compact
    def __call__(self, z: Array, label: Array, train: bool = True) -> Array:
        one_hot = jax.nn.one_hot(label, self.classes, dtype=z.dtype)
        normalization = partial(ConditionalNorm, _normalization(self.make), one_hot)
        return self.make(normalization=normalization)(z, train=train)


class SelfModulatedGenerator(nn.Module):
    """Gains and biases of normalisations that are the latents': Chen et al. 2019, section 3.1."""

    sets: ClassVar = {'normalization'}
    make: Callable[..., nn.Module]

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        normalization = partial(SelfModulatedNorm, _normalization(self.make), z)
        return self.make(normalization=normalization)(z, train=train)


def _normalization(make: Callable[..., nn.Module]) -> type[nn.Module]:
    return make(parent=None).normalization


class ConcatenatedDiscriminator(nn.Module):
    """The class beside the colours, as one image per class: Mirza and Osindero 2014."""

    sets: ClassVar = set()
    make: Callable[..., nn.Module]
    classes: int

    @nn.compact
    def __call__(self, x: Array, label: Array, train: bool = True) -> Array:
        one_hot = jax.nn.one_hot(label, self.classes, dtype=x.dtype)
        maps = jnp.broadcast_to(one_hot[:, None, None], (*x.shape[:-1], self.classes))
        return self.make()(jnp.concatenate([x, maps], axis=-1), train=train)


class ProjectionDiscriminator(nn.Module):
    """Adds the product of the class's vector and the features: Miyato and Koyama 2018, eq. 4."""

    sets: ClassVar = {'answer'}
    make: Callable[..., nn.Module]
    classes: int

    @nn.compact
    def __call__(self, x: Array, label: Array, train: bool = True) -> Array:
        one_hot = jax.nn.one_hot(label, self.classes, dtype=x.dtype)

        def answer(weights: Callable, last: nn.Dense, features: Array) -> Array:
            # y^T V phi(x) + psi(phi(x))
            embedding = nn.Dense(
                features.shape[-1], use_bias=False, kernel_init=last.kernel_init, name='embedding'
            )
            told = jnp.sum(weights(embedding)(one_hot) * features, axis=-1)
            return told + self.make(parent=None).answer(weights, last, features)

        return self.make(answer=answer)(x, train=train)


GENERATORS = {
    'concatenate': ConcatenatedGenerator,
    'normalization': ConditionallyNormalizedGenerator,
    'self_modulation': SelfModulatedGenerator,
}
DISCRIMINATORS = {'concatenate': ConcatenatedDiscriminator, 'projection': ProjectionDiscriminator}

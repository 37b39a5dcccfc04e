"""Normalisations of images by instances and groups, and of a layer's weights."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.usage import UsageError

Array = jax.Array
GROUPS = 2, 4, 8, 16, 32  # counts that have a name
Initializer = Callable[..., Array]


class InstanceNorm(nn.Module):
    """Each channel of each image by its own mean and variance: Ulyanov et al. 2016."""

    scale_init: Initializer = nn.initializers.ones
    affine: bool = True  # PyTorch's has no gains and biases by default

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        return nn.InstanceNorm(
            epsilon=1e-5,
            use_bias=self.affine,
            use_scale=self.affine,
            use_fast_variance=False,
            scale_init=self.scale_init,
        )(x)


class GroupNorm(nn.Module):
    """Groups of neighbouring channels of each image by their mean and variance: Wu and He 2018.

    Raises:
      UsageError: the channels do not make so many groups.
    """

    groups: int = 32
    scale_init: Initializer = nn.initializers.ones
    affine: bool = True

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        channels = x.shape[-1]
        if channels % self.groups:
            others = [f'group_{groups}' for groups in GROUPS if channels % groups == 0]
            raise UsageError(
                f'{channels} channels cannot be split into {self.groups} groups; '
                f'what they can have instead: {", ".join([*others, "layer", "instance"])}'
            )
        return nn.GroupNorm(
            num_groups=self.groups,
            epsilon=1e-5,
            use_bias=self.affine,
            use_scale=self.affine,
            use_fast_variance=False,
            scale_init=self.scale_init,
        )(x)


class WeightNorm(nn.Module):
    """The layer of `weight_norm`; its gains are `scale`, beside the layer's own parameters."""

    layer: nn.Module

    @nn.compact
    def __call__(self, x: Array) -> Array:
        def normalize(path, value):
            # Kernels alone: a bias has one dimension.
            if value.ndim < 2:
                return value
            axes = tuple(range(value.ndim - 1))
            norms = jnp.sqrt(jnp.sum(jnp.square(value), axes) + 1e-12)
            name = jax.tree_util.keystr(path[1:], simple=True, separator='/')
            return value * (self.param(f'{name}/scale', lambda key: norms) / norms)

        mapped = nn.map_variables(
            lambda layer: layer(x),
            trans_in_fn=lambda tree: jax.tree_util.tree_map_with_path(normalize, tree),
            init=self.is_initializing(),
        )
        return mapped(self.layer)


def weight_norm(layer: nn.Module) -> Callable[[Array], Array]:
    """A layer with w = g v / |v| for each output channel: Salimans and Kingma 2016, equation 2.

    g begins as |v|, so that the layer begins as its initialiser made it.
    """
    return WeightNorm(layer)

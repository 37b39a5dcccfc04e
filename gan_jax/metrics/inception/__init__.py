"""The Inception network of 2015 that FID, KID and the Inception Score mean.

Szegedy et al. 2015, arXiv 1512.00567, as TensorFlow's graph `inception-2015-12-05` has it: not
torchvision's. The mean of a pooling window leaves its padding out, and the last block's pooling
takes the maximum. Names are those of the PyTorch weights `pt_inception-2015-12-05`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from gan_jax.metrics.extractor import Extractor, Features
from gan_jax.metrics.inception.resize import resize_as_tensorflow_1
from gan_jax.usage import UsageError

SIDE = 299  # of the images that the network sees
CLASSES = 1008
RESIZING = f'TensorFlow 1 bilinear to {SIDE}'


class _Conv(NamedTuple):
    """A convolution, its normalisation and ReLU."""

    name: str
    features: int
    taps: int | tuple[int, int] = 1
    strides: int = 1
    padding: str = 'SAME'


Steps = tuple  # of _Conv, functions of images, and tuples of Steps: branches side by side


def _average(x: Array) -> Array:
    return nn.avg_pool(x, (3, 3), (1, 1), 'SAME', count_include_pad=False)


def _maximum(x: Array) -> Array:
    return nn.max_pool(x, (3, 3), (1, 1), 'SAME')


def _halve(x: Array) -> Array:
    return nn.max_pool(x, (3, 3), (2, 2), 'VALID')


def _block_a(pooled: int) -> Steps:
    return (
        (_Conv('branch1x1', 64),),
        (_Conv('branch5x5_1', 48), _Conv('branch5x5_2', 64, 5)),
        (
            _Conv('branch3x3dbl_1', 64),
            _Conv('branch3x3dbl_2', 96, 3),
            _Conv('branch3x3dbl_3', 96, 3),
        ),
        (_average, _Conv('branch_pool', pooled)),
    )


def _block_b() -> Steps:
    return (
        (_Conv('branch3x3', 384, 3, 2, 'VALID'),),
        (
            _Conv('branch3x3dbl_1', 64),
            _Conv('branch3x3dbl_2', 96, 3),
            _Conv('branch3x3dbl_3', 96, 3, 2, 'VALID'),
        ),
        (_halve,),
    )


def _block_c(width: int) -> Steps:
    return (
        (_Conv('branch1x1', 192),),
        (
            _Conv('branch7x7_1', width),
            _Conv('branch7x7_2', width, (1, 7)),
            _Conv('branch7x7_3', 192, (7, 1)),
        ),
        (
            _Conv('branch7x7dbl_1', width),
            _Conv('branch7x7dbl_2', width, (7, 1)),
            _Conv('branch7x7dbl_3', width, (1, 7)),
            _Conv('branch7x7dbl_4', width, (7, 1)),
            _Conv('branch7x7dbl_5', 192, (1, 7)),
        ),
        (_average, _Conv('branch_pool', 192)),
    )


def _block_d() -> Steps:
    return (
        (_Conv('branch3x3_1', 192), _Conv('branch3x3_2', 320, 3, 2, 'VALID')),
        (
            _Conv('branch7x7x3_1', 192),
            _Conv('branch7x7x3_2', 192, (1, 7)),
            _Conv('branch7x7x3_3', 192, (7, 1)),
            _Conv('branch7x7x3_4', 192, 3, 2, 'VALID'),
        ),
        (_halve,),
    )


def _block_e(pool: Callable[[Array], Array]) -> Steps:
    def fork(name: str) -> Steps:
        return (_Conv(f'{name}a', 384, (1, 3)),), (_Conv(f'{name}b', 384, (3, 1)),)

    return (
        (_Conv('branch1x1', 320),),
        (_Conv('branch3x3_1', 384), fork('branch3x3_2')),
        (
            _Conv('branch3x3dbl_1', 448),
            _Conv('branch3x3dbl_2', 384, 3),
            fork('branch3x3dbl_3'),
        ),
        (pool, _Conv('branch_pool', 192)),
    )


STEM = (
    _Conv('Conv2d_1a_3x3', 32, 3, 2, 'VALID'),
    _Conv('Conv2d_2a_3x3', 32, 3, 1, 'VALID'),
    _Conv('Conv2d_2b_3x3', 64, 3),
    _halve,
    _Conv('Conv2d_3b_1x1', 80),
    _Conv('Conv2d_4a_3x3', 192, 3, 1, 'VALID'),
    _halve,
)
BLOCKS = {
    'Mixed_5b': _block_a(32),
    'Mixed_5c': _block_a(64),
    'Mixed_5d': _block_a(64),
    'Mixed_6a': _block_b(),
    'Mixed_6b': _block_c(128),
    'Mixed_6c': _block_c(160),
    'Mixed_6d': _block_c(160),
    'Mixed_6e': _block_c(192),
    'Mixed_7a': _block_d(),
    'Mixed_7b': _block_e(_average),
    'Mixed_7c': _block_e(_maximum),
}


class _Unit(nn.Module):
    """y = relu(scale (w * x - mean) / sqrt(variance + 0.001) + bias), all of it fixed."""

    conv: _Conv

    @nn.compact
    def __call__(self, x: Array) -> Array:
        _, features, taps, strides, padding = self.conv
        taps = (taps, taps) if isinstance(taps, int) else taps
        kernel = self.param('kernel', nn.initializers.he_normal(), (*taps, x.shape[-1], features))
        zeros, ones = nn.initializers.zeros, nn.initializers.ones
        scale, variance = (self.param(name, ones, (features,)) for name in ('scale', 'variance'))
        bias, mean = (self.param(name, zeros, (features,)) for name in ('bias', 'mean'))
        order = ('NHWC', 'HWIO', 'NHWC')
        y = lax.conv_general_dilated(
            x, kernel, (strides, strides), padding, dimension_numbers=order
        )
        return nn.relu((y - mean) * (scale * lax.rsqrt(variance + 1e-3)) + bias)


def _take(steps: Steps, x: Array) -> Array:
    for step in steps:
        if isinstance(step, _Conv):
            x = _Unit(step, name=step.name)(x)
        elif isinstance(step, tuple):
            x = jnp.concatenate([_take(branch, x) for branch in step], axis=-1)
        else:
            x = step(x)
    return x


class _Block(nn.Module):
    branches: Steps

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return _take((self.branches,), x)


class Inception(nn.Module):
    """uint8 images [B, H, W, 3] -> Features; what lies between with `nn.capture_intermediates`."""

    @nn.compact
    def __call__(self, images: Array) -> Features:
        x = resize_as_tensorflow_1(images.astype(jnp.float32), (SIDE, SIDE))
        x = _take(STEM, (x - 128) / 128)
        for name, branches in BLOCKS.items():
            x = _Block(branches, name=name)(x)
        pooled = jnp.mean(x, axis=(1, 2))
        return Features(pooled, nn.Dense(CLASSES, use_bias=False, name='fc')(pooled))


def extractor(variables: Mapping) -> Extractor:
    """Returns the network as FID, KID and the Inception Score mean it.

    Features are 2048 pooled ones and 1008 logits without the last bias.
    """
    return Extractor('inception-2015', Inception().apply, variables, RESIZING)


def from_torch(weights: Mapping[str, np.ndarray]) -> Mapping:
    """Returns the network's variables from the arrays of a PyTorch state by their names.

    Raises:
      UsageError: an array that is missing or of another shape.
    """
    shapes = jax.eval_shape(
        Inception().init, jax.random.key(0), jax.ShapeDtypeStruct((1, 8, 8, 3), jnp.uint8)
    )
    names = {
        'kernel': 'conv.weight',
        'scale': 'bn.weight',
        'bias': 'bn.bias',
        'mean': 'bn.running_mean',
        'variance': 'bn.running_var',
    }

    def load(path: tuple, like: jax.ShapeDtypeStruct) -> np.ndarray:
        *modules, leaf = (key.key for key in path[1:])
        name = 'fc.weight' if modules == ['fc'] else '.'.join([*modules, names[leaf]])
        if name not in weights:
            raise UsageError(f'the weights have no array {name!r}')
        array = np.asarray(weights[name], np.float32)
        array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
        if array.shape != like.shape:
            raise UsageError(f'the array {name!r} of the weights has the shape of another network')
        return array

    return jax.tree_util.tree_map_with_path(load, shapes)

"""TensorFlow's own names of the Inception network's weights.

They are those of `classify_image_graph_def.pb` within inception-2015-12-05.tgz, as torch-fidelity's
`utils/util_convert_inception_weights.py` lists them. Convolutions are numbered within their scopes.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from gan_jax.metrics.inception import from_torch
from gan_jax.usage import UsageError

_STEM = {'': ('Conv2d_1a_3x3', 'Conv2d_2a_3x3', 'Conv2d_2b_3x3', 'Conv2d_3b_1x1', 'Conv2d_4a_3x3')}
_A = {
    '': ('branch1x1',),
    'tower/': ('branch5x5_1', 'branch5x5_2'),
    'tower_1/': ('branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3'),
    'tower_2/': ('branch_pool',),
}
_B = {
    '': ('branch3x3',),
    'tower/': ('branch3x3dbl_1', 'branch3x3dbl_2', 'branch3x3dbl_3'),
}
_C = {
    '': ('branch1x1',),
    'tower/': tuple(f'branch7x7_{n}' for n in range(1, 4)),
    'tower_1/': tuple(f'branch7x7dbl_{n}' for n in range(1, 6)),
    'tower_2/': ('branch_pool',),
}
_D = {
    'tower/': ('branch3x3_1', 'branch3x3_2'),
    'tower_1/': tuple(f'branch7x7x3_{n}' for n in range(1, 5)),
}
_E = {
    '': ('branch1x1',),
    'tower/': ('branch3x3_1',),
    'tower/mixed/': ('branch3x3_2a', 'branch3x3_2b'),
    'tower_1/': ('branch3x3dbl_1', 'branch3x3dbl_2'),
    'tower_1/mixed/': ('branch3x3dbl_3a', 'branch3x3dbl_3b'),
    'tower_2/': ('branch_pool',),
}
_BLOCKS = {
    'Mixed_5b': _A,
    'Mixed_5c': _A,
    'Mixed_5d': _A,
    'Mixed_6a': _B,
    'Mixed_6b': _C,
    'Mixed_6c': _C,
    'Mixed_6d': _C,
    'Mixed_6e': _C,
    'Mixed_7a': _D,
    'Mixed_7b': _E,
    'Mixed_7c': _E,
}
_LEAVES = {
    'batchnorm/gamma': 'bn.weight',
    'batchnorm/beta': 'bn.bias',
    'batchnorm/moving_mean': 'bn.running_mean',
    'batchnorm/moving_variance': 'bn.running_var',
}


def from_tensorflow(constants: Mapping[str, np.ndarray]) -> Mapping:
    """Returns the network's variables from the constants of TensorFlow's graph by their names.

    Raises:
      UsageError: a constant that is missing or of another shape.
    """

    def constant(name: str, dimensions: int) -> np.ndarray:
        if name not in constants:
            raise UsageError(f'the graph has no constant {name!r}')
        array = constants[name]
        if array.ndim != dimensions:
            raise UsageError(f'the constant {name!r} of the graph has the shape of another network')
        return array

    weights = {'fc.weight': constant('softmax/weights', 2).T}
    for theirs, ours in _convolutions():
        kernel = constant(f'{theirs}/conv2d_params', 4)
        weights[f'{ours}.conv.weight'] = kernel.transpose(3, 2, 0, 1)
        for leaf, name in _LEAVES.items():
            weights[f'{ours}.{name}'] = constant(f'{theirs}/{leaf}', 1)
    return from_torch(weights)


def _convolutions() -> Iterator[tuple[str, str]]:
    """The names of each convolution and its normalisation: TensorFlow's and PyTorch's."""
    yield from _within(_STEM)
    for number, (block, scopes) in enumerate(_BLOCKS.items()):
        for theirs, ours in _within(scopes):
            yield f'{_numbered("mixed", number)}/{theirs}', f'{block}.{ours}'


def _within(scopes: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for scope, names in scopes.items():
        for number, name in enumerate(names):
            yield scope + _numbered('conv', number), name


def _numbered(name: str, number: int) -> str:
    return f'{name}_{number}' if number else name

"""Writes augment.npz: what the authors' own code makes of images that tests/test_augment.py draws.

    python -m pip install torch numpy scipy
    git clone https://github.com/NVlabs/stylegan2-ada-pytorch
    git clone https://github.com/mit-han-lab/data-efficient-gans
    python tests/reference/make_augment.py stylegan2-ada-pytorch data-efficient-gans

ADA's pipeline is asked for one percentile of every random number, DiffAugment is handed numbers in
place of those it would draw. Only outputs are stored, as [B, H, W, C].
"""

import importlib
import sys
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import torch

GEOMETRY = {
    'flip': 'xflip',
    'quarter_turn': 'rotate90',
    'integer_translation': 'xint',
    'scale': 'scale',
    'rotation': 'rotate',
    'anisotropic_scale': 'aniso',
    'fractional_translation': 'xfrac',
}
COLOURS = {
    'brightness': 'brightness',
    'contrast': 'contrast',
    'luma_flip': 'lumaflip',
    'hue': 'hue',
    'saturation': 'saturation',
}
OTHERS = {'bands': 'imgfilter', 'cutout': 'cutout'}
NAMES = GEOMETRY | COLOURS | OTHERS
GROUPS = {name: [name] for name in NAMES} | {
    'geometry': [*GEOMETRY],
    'colours': [*COLOURS],
    'all': [*NAMES],
}
# Image-space filters reach far: they need a larger image.
SHAPES = {name: (1, 10, 12, 3) for name in [*GEOMETRY, *COLOURS, 'geometry', 'colours', 'cutout']}
SHAPES |= {'bands': (1, 24, 24, 3), 'all': (1, 24, 24, 3)}
SHAPES |= {'geometry of grey': (1, 9, 9, 1), 'colours of grey': (1, 9, 9, 1)}
PERCENTILES = (0.37, 0.8)


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns the uniform float32 array of a name."""
    return np.random.RandomState(zlib.crc32(name.encode())).uniform(size=shape).astype(np.float32)


def images(*shape: int) -> torch.Tensor:
    return torch.from_numpy(2 * draw('images', *shape) - 1).permute(0, 3, 1, 2)


def ada(pipe) -> dict[str, torch.Tensor]:
    arrays = {}
    for name, shape in SHAPES.items():
        names = GROUPS[name.partition(' ')[0]]
        augment = pipe(**{NAMES[one]: 1 for one in names})
        for percentile in PERCENTILES:
            output = augment(images(*shape), debug_percentile=percentile)
            arrays[f'ada, {name}, {percentile}'] = output
    return arrays


def diffaugment(module) -> dict[str, torch.Tensor]:
    arrays = {}
    for kind, shape in dict(rgb=(3, 13, 16, 3), grey=(3, 16, 16, 1)).items():
        for policy in ('color', 'translation', 'cutout', 'color,translation,cutout'):
            with handed_out(torch.from_numpy(draw('numbers', 7, shape[0]))):
                output = module.DiffAugment(images(*shape), policy)
            arrays[f'diffaugment, {kind}, {policy}'] = output
    return arrays


def handed_out(numbers: torch.Tensor):
    """Has PyTorch's random functions return rows of numbers, one a call."""
    rows = iter(numbers)

    def rand(*size, **options):
        return next(rows).reshape(size)

    def randint(low, high, size, **options):
        return torch.floor(next(rows) * (high - low)).long().reshape(size) + low

    return mock.patch.multiple(torch, rand=rand, randint=randint)


def main(stylegan: str, data_efficient: str) -> None:
    sys.path[:0] = [stylegan, data_efficient]
    arrays = ada(importlib.import_module('training.augment').AugmentPipe)
    arrays |= diffaugment(importlib.import_module('DiffAugment_pytorch'))
    np.savez_compressed(
        Path(__file__).with_name('augment.npz'),
        **{name: value.permute(0, 2, 3, 1).numpy() for name, value in arrays.items()},
    )


if __name__ == '__main__':
    main(*sys.argv[1:])

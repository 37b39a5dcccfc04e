"""Writes inception.npz: what torch-fidelity's Inception makes of images with weights drawn here.

    pip install torch torchvision torch-fidelity==0.4.0
    python tests/reference/make_inception.py

Weights are drawn by `draw`, which the test calls too: only features are stored, of every depth that
torch-fidelity offers. The real weights are 96 MB and may not be redistributed here.
"""

import zlib
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / 'inception.npz'


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns an array of PyTorch's state by its name, such that numbers keep their size."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith('running_var'):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) == 1:
        return (name.endswith('bn.weight') + 0.1 * random.normal(size=shape)).astype(np.float32)
    return (random.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5).astype(np.float32)


def draw_state() -> dict[str, np.ndarray]:
    """Returns PyTorch's state, of the names and shapes that our own network asks for."""
    import flax
    import jax

    from gan_jax.metrics.inception import Inception

    like = jax.eval_shape(Inception().init, jax.random.key(0), images()['small'])
    names = dict(kernel='conv.weight', scale='bn.weight', bias='bn.bias')
    names |= dict(mean='bn.running_mean', variance='bn.running_var')
    state = {'fc.weight': draw('fc.weight', like['params'].pop('fc')['kernel'].shape[::-1])}
    for path, leaf in flax.traverse_util.flatten_dict(like['params'], sep='.').items():
        *modules, last = path.split('.')
        name = '.'.join([*modules, names[last]])
        shape = [leaf.shape[d] for d in (3, 2, 0, 1)] if last == 'kernel' else leaf.shape
        state[name] = draw(name, tuple(shape))
    return state


def images() -> dict[str, np.ndarray]:
    """Returns uint8 images [2, H, W, 3] smaller and larger than the network's."""
    random = np.random.default_rng(0)
    sizes = {'small': (32, 32), 'large': (310, 301)}
    return {name: random.integers(0, 256, (2, *s, 3), np.uint8) for name, s in sizes.items()}


def make_network(depths):
    """Returns torch-fidelity's network with drawn weights, which gives features of these depths."""
    import torch
    from torch_fidelity import feature_extractor_inceptionv3 as module

    module.load_state_dict_from_url = lambda *_, **__: {}
    module.FeatureExtractorInceptionV3.load_state_dict = lambda *_: None
    network = module.FeatureExtractorInceptionV3('inception', depths)
    for name, array in {
        **dict(network.named_parameters()),
        **dict(network.named_buffers()),
    }.items():
        if array.ndim:
            array.data = torch.from_numpy(draw(name, tuple(array.shape)))
    return network.eval()


def main() -> None:
    import torch
    from torch_fidelity.interpolate_compat_tensorflow import (
        interpolate_bilinear_2d_like_tensorflow1x as resize,
    )

    depths = ['64', '192', '768', '2048', 'logits_unbiased']
    network = make_network(depths)
    stored = {}
    for name, batch in images().items():
        x = torch.from_numpy(batch).permute(0, 3, 1, 2)
        with torch.no_grad():
            for depth, features in zip(depths, network(x)):
                stored[f'{name}_{depth}'] = features.numpy()
        resized = resize(x.float(), size=(299, 299), align_corners=False)
        stored[f'{name}_resized'] = resized[0, :, ::23, ::29].permute(1, 2, 0).numpy()
    np.savez_compressed(FILE, **stored)


if __name__ == '__main__':
    main()

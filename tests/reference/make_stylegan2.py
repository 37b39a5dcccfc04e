"""Writes stylegan2.npz: what the authors' own networks and losses say, for tests/test_stylegan2.py.

    git clone https://github.com/NVlabs/stylegan2-ada-pytorch
    python -m pip install torch numpy scipy
    python tests/reference/make_stylegan2.py stylegan2-ada-pytorch

Only outputs and gradients are stored. Weights and inputs are drawn by `draw`, which the test has
too, from the names of Flax's variables, and are put into the authors' networks here.
"""

import sys
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, sys.argv[1])

import torch
from training.loss import StyleGAN2Loss
from training.networks import Discriminator, Generator

SIZE, COLOURS, Z, W, BATCH, CLASSES = 16, 3, 5, 6, 8, 4
CHANNELS = {4: 8, 8: 8, 16: 4}
# The test's groups of four images are neighbours, the authors' lie `BATCH / 4` apart.
ORDER = np.arange(BATCH).reshape(-1, 4).T.ravel()


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name: N(0, 1), smaller biases, a mapping network's larger."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    noise *= {'bias': 0.1, 'noise': 0.5}.get(name.rpartition('/')[2], 1.0)
    slow = name.startswith('mapping') or '_Direction' in name
    return (noise * (100 if slow and '_Embedding' not in name else 1)).astype(np.float32)


def dense(name: str) -> dict[str, tuple]:
    return {f'{name}/kernel': ('weight', (1, 0)), f'{name}/bias': ('bias', (0,))}


def conv(name: str) -> dict[str, tuple]:
    return {f'{name}/kernel': ('weight', (3, 2, 0, 1)), f'{name}/bias': ('bias', (0,))}


def told(name: str, kernel: str) -> dict[str, tuple]:
    """A layer with a style: its dense layer's variables and its own."""
    style = dense(f'{name}/EqualizedDense_0')
    style = {key: (f'affine.{own}', order) for key, (own, order) in style.items()}
    return style | conv(f'{name}{kernel}')


def mapping_names() -> dict[str, tuple]:
    """Returns Flax's name -> (the authors' name, the order of Flax's dimensions in theirs)."""
    return {
        key: (f'fc{index}.{own}', order)
        for index in range(2)
        for key, (own, order) in dense(f'EqualizedDense_{index}').items()
    }


def label_names(layers: int, embedding: str) -> dict[str, tuple]:
    """As `mapping_names`, of a mapping network that is told labels."""
    names = {key: (f'embed.{own}', order) for key, (own, order) in dense(embedding).items()}
    for index in range(layers):
        for key, (own, order) in dense(f'EqualizedDense_{index}').items():
            names[key] = f'fc{index}.{own}', order
    return names


def synthesis_names() -> dict[str, tuple]:
    """As `mapping_names`."""
    names, layer = {'constant': ('b4.const', (2, 0, 1))}, 0
    for image, size in enumerate(CHANNELS):
        for own in ('conv0', 'conv1')[size == 4 :]:
            name = f'_StyledConv_{layer}'
            layers = told(name, '') | {f'{name}/noise': ('noise_strength', ())}
            names |= {
                key: (f'b{size}.{own}.{rest}', order) for key, (rest, order) in layers.items()
            }
            layer += 1
        for key, (rest, order) in told(f'_ToImage_{image}', '/EqualizedConv_0').items():
            names[key] = f'b{size}.torgb.{rest}', order
    return names


def discriminator_names(architecture: str) -> dict[str, tuple]:
    """As `mapping_names`."""
    order = ['b16.fromrgb']
    for size in (16, 8):
        order += [f'b{size}.conv0', f'b{size}.conv1']
        if architecture == 'skip':
            order.append(f'b{size // 2}.fromrgb')
    names = {}
    for index, own in enumerate([*order, 'b4.conv']):
        for key, (rest, turn) in conv(f'EqualizedConv_{index}').items():
            names[key] = f'{own}.{rest}', turn
    if architecture == 'resnet':
        for index, size in enumerate((16, 8)):
            names[f'_Kernel_{index}/kernel'] = f'b{size}.skip.weight', (3, 2, 0, 1)
    for index, own in enumerate(('b4.fc', 'b4.out')):
        for key, (rest, turn) in dense(f'EqualizedDense_{index}').items():
            names[key] = f'{own}.{rest}', turn
    return names


def flax_order(array: np.ndarray, own: str, order: tuple[int, ...]) -> np.ndarray:
    """Turns an array of the authors' into Flax's dimensions."""
    if own == 'b4.fc.weight':  # [out, C H W] -> [H W C, out]
        return array.reshape(len(array), -1, 4, 4).transpose(2, 3, 1, 0).reshape(-1, len(array))
    # Flax's dimensions are the authors' turned back: (3, 2, 0, 1) takes HWIO to OIHW.
    return array.transpose(np.argsort(order)) if order else array


def own_order(array: np.ndarray, own: str, order: tuple[int, ...]) -> np.ndarray:
    """The inverse of `flax_order`."""
    if own == 'b4.fc.weight':
        channels = len(array) // 16
        turned = array.reshape(4, 4, channels, -1).transpose(3, 2, 0, 1)
        return turned.reshape(len(turned), -1)
    return array.transpose(order) if order else array


def load(module: torch.nn.Module, network: str, names: dict[str, tuple]) -> None:
    """Puts the drawn weights into a network; every parameter has to have a name."""
    parameters = dict(module.named_parameters())
    assert {own for own, _ in names.values()} == {*parameters}
    for key, (own, order) in names.items():
        shape = flax_order(np.empty(parameters[own].shape), own, order).shape
        drawn = own_order(draw(f'{network}/{key}', shape), own, order)
        parameters[own].data = torch.from_numpy(np.ascontiguousarray(drawn))


def gradients(module: torch.nn.Module, names: dict[str, tuple]) -> dict[str, np.ndarray]:
    """Returns the gradients of parameters that have any, by Flax's names, and forgets them."""
    parameters = dict(module.named_parameters())
    found = {}
    for key, (own, order) in names.items():
        gradient = parameters[own].grad
        if gradient is not None:
            found[f'gradient/{key}'] = flax_order(gradient.numpy().copy(), own, order)
    module.zero_grad(set_to_none=True)
    return found


def tensor(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(draw(name, shape))


def turned(images: np.ndarray) -> np.ndarray:
    """[B, H, W, C] -> [B, C, H, W]."""
    return images.transpose(0, 3, 1, 2)


class Noise:
    """In the place of torch.randn: the noise of the layers, first to last, again and again."""

    def __init__(self):
        self.layer = 0

    def __call__(self, shape, **options):
        layer, self.layer = self.layer, (self.layer + 1) % 5
        images, _, size, _ = shape
        return torch.from_numpy(turned(draw(f'layer {layer}', (images, size, size, 1))))


def said(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f'{name}/{key}': array for key, array in arrays.items()}


def generator() -> dict[str, np.ndarray]:
    """Styles, images and path lengths, and their gradients."""
    width = dict(channel_base=64, channel_max=8)
    network = Generator(Z, 0, W, SIZE, COLOURS, dict(num_layers=2), width).train()
    load(network.mapping, 'mapping', mapping_names())
    load(network.synthesis, 'synthesis', synthesis_names())
    z = tensor('z', BATCH, Z)
    arrays = {}
    with mock.patch('torch.randn', Noise()):
        styles = network.mapping(z, None)
        images = network.synthesis(styles)
    towards = torch.from_numpy(turned(draw('towards', (BATCH, SIZE, SIZE, COLOURS))))
    (images * towards).sum().backward()
    arrays['mapping/styles'] = styles[:, 0].detach().numpy()
    arrays['mapping/average'] = network.mapping.w_avg.numpy().copy()
    network.eval()
    arrays['mapping/truncated'] = (
        network.mapping(z, None, truncation_psi=0.7)[:, 0].detach().numpy()
    )
    network.train()
    arrays['synthesis/images'] = images.detach().numpy().transpose(0, 2, 3, 1)
    arrays |= said('mapping', gradients(network.mapping, mapping_names()))
    arrays |= said('synthesis', gradients(network.synthesis, synthesis_names()))

    loss = StyleGAN2Loss('cpu', network.mapping, network.synthesis, None, None, 0.0)
    loss.pl_batch_shrink, loss.pl_mean = 1, torch.tensor(0.5)
    with mock.patch('torch.randn', Noise()), mock.patch('torch.randn_like', lambda x: towards):
        loss.accumulate_gradients('Greg', None, None, z, z, True, 1)
    arrays['path length/mean'] = loss.pl_mean.numpy()
    arrays |= said('path length/mapping', gradients(network.mapping, mapping_names()))
    return arrays | said('path length/synthesis', gradients(network.synthesis, synthesis_names()))


def discriminator(architecture: str) -> dict[str, np.ndarray]:
    """Logits, and the gradients of logits and of R1."""
    network = Discriminator(
        0, SIZE, COLOURS, architecture, 64, 8, epilogue_kwargs=dict(mbstd_group_size=4)
    )
    names = discriminator_names(architecture)
    load(network, 'discriminator', names)
    images = torch.from_numpy(turned(draw('images', (BATCH, SIZE, SIZE, COLOURS)))[ORDER])
    logits = network(images, None)
    (logits[:, 0] * tensor('judgement', BATCH)[ORDER]).sum().backward()
    arrays = {'logits': logits.detach().numpy()[np.argsort(ORDER), 0]}
    arrays |= gradients(network, names)
    loss = StyleGAN2Loss('cpu', None, None, network, r1_gamma=1.0)
    loss.accumulate_gradients('Dreg', images, images, images, images, True, 1)
    return said(architecture, arrays) | said(f'{architecture}, r1', gradients(network, names))


def conditional() -> dict[str, np.ndarray]:
    """Styles and logits of labels."""
    label = torch.eye(CLASSES)[torch.arange(BATCH) % CLASSES]
    mapping = Generator(Z, CLASSES, W, SIZE, COLOURS, dict(num_layers=2)).mapping
    load(mapping, 'mapping, label', label_names(2, '_Embedding_0/EqualizedDense_0'))
    network = Discriminator(
        CLASSES, SIZE, COLOURS, 'orig', 64, 8, epilogue_kwargs=dict(mbstd_group_size=4)
    )
    names = {
        f'_Direction_0/{key}': (f'mapping.{own}', order)
        for key, (own, order) in label_names(8, '_Embedding_0/EqualizedDense_0').items()
    }
    load(network, 'discriminator, label', discriminator_names('orig') | names)
    images = torch.from_numpy(turned(draw('images', (BATCH, SIZE, SIZE, COLOURS)))[ORDER])
    logits = network(images, label[ORDER])
    return {
        'mapping, label': mapping(tensor('z', BATCH, Z), label)[:, 0].detach().numpy(),
        'logits, label': logits.detach().numpy()[np.argsort(ORDER), 0],
    }


def main() -> None:
    arrays = generator() | conditional()
    for architecture in ('orig', 'resnet', 'skip'):
        arrays |= discriminator(architecture)
    np.savez_compressed(Path(__file__).with_name('stylegan2.npz'), **arrays)


if __name__ == '__main__':
    main()

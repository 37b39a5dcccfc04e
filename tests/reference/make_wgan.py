"""Writes wgan.npz: what the authors' own PyTorch networks make of weights drawn here.

    git clone https://github.com/martinarjovsky/WassersteinGAN
    python -m pip install torch numpy
    python tests/reference/make_wgan.py WassersteinGAN

Their critic is high for what is generated and ours for what is real, so that its last layer is
turned to the negative; then the losses of their main.py, mean(real) - mean(fake) and mean(fake),
are ours. Weights, by Flax's names, and inputs are drawn by `draw` and `weight`, which the test
calls too. Images are stored [B, H, W, C]. Everything is computed in float64.
"""

import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / 'wgan.npz'
BATCH, SIZE, LATENTS = 4, 32, 6
WIDTHS = (4, 8, 16)  # the largest image first


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns standard normal numbers, float32, by their name."""
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype('f4')


def weight(name: str, *shape: int) -> np.ndarray:
    """Returns a weight by its name: a kernel keeps the size of what it is applied to."""
    return draw(name, *shape) / np.float32(np.sqrt(np.prod(shape[:-1])))


def same(array: np.ndarray) -> np.ndarray:
    return array


def convolution(kernel: np.ndarray) -> np.ndarray:
    """[F, C, h, w] -> [h, w, C, F]."""
    return kernel.transpose(2, 3, 1, 0)


def transposed(kernel: np.ndarray) -> np.ndarray:
    """[C, F, h, w] -> [h, w, C, F]."""
    return kernel.transpose(2, 3, 0, 1)


def from_latents(kernel: np.ndarray) -> np.ndarray:
    """[Z, C, h, w] -> [Z, h w C]."""
    return kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)


def logit(kernel: np.ndarray) -> np.ndarray:
    """[1, C, h, w] -> [h w C, 1], of the other sign."""
    return -convolution(kernel).reshape(-1, 1)


def generator_layers(widths: tuple[int, ...]) -> list[tuple[str, Callable]]:
    """Returns our names in the order of their layers with weights."""
    layers = [('Dense_0', from_latents), ('BatchNorm_0', same)]
    for level in range(len(widths) - 1):
        layers += [(f'ConvTranspose_{level}', transposed), (f'BatchNorm_{level + 1}', same)]
    return [*layers, (f'ConvTranspose_{len(widths) - 1}', transposed)]


def critic_layers(widths: tuple[int, ...]) -> list[tuple[str, Callable]]:
    layers = [('Conv_0', convolution)]
    for level in range(1, len(widths)):
        layers += [(f'Conv_{level}', convolution), (f'BatchNorm_{level - 1}', same)]
    return [*layers, ('Dense_0', logit)]


def weights_of(network, player: str, layers: list[tuple[str, Callable]]):
    """Yields (Flax's name, weight, theirs -> ours) of a network."""
    theirs = [layer for layer in network.main if hasattr(layer, 'weight')]
    for layer, (name, turn) in zip(theirs, layers, strict=True):
        normalizes = layer.bias is not None
        yield f'{player}/{name}/{"scale" if normalizes else "kernel"}', layer.weight, turn
        if normalizes:
            yield f'{player}/{name}/bias', layer.bias, same


def load_drawn(name: str, parameter, turn: Callable) -> None:
    """Gives a parameter its drawn value."""
    shape = tuple(parameter.shape)
    signed = turn(1 + np.arange(np.prod(shape)).reshape(shape))  # where each number is from
    value = np.empty(signed.size)
    value[np.abs(signed.ravel()) - 1] = (np.sign(signed) * weight(name, *signed.shape)).ravel()
    parameter.data.copy_(parameter.data.new_tensor(value.reshape(shape)))


def main(folder: str) -> None:
    import torch

    sys.path.insert(0, folder)
    from models import dcgan

    torch.set_default_dtype(torch.float64)
    shared = (SIZE, LATENTS, 3, WIDTHS[0], 1)
    generator, critic = dcgan.DCGAN_G(*shared), dcgan.DCGAN_D(*shared)
    weights = [
        *weights_of(generator, 'generator', generator_layers(WIDTHS)),
        *weights_of(critic, 'discriminator', critic_layers(WIDTHS)),
    ]
    for each in weights:
        load_drawn(*each)
    z = torch.tensor(draw('z', BATCH, LATENTS, 1, 1)).double()
    real = torch.tensor(draw('real', BATCH, SIZE, SIZE, 3)).double().permute(0, 3, 1, 2)
    fake = generator(z)
    losses = {
        'generator': critic(generator(z)),
        'discriminator': critic(real) - critic(fake.detach()),
    }
    arrays = {
        'images': fake.detach().permute(0, 2, 3, 1),
        'logits': -critic.main(real).detach().ravel(),
        **{f'{player} loss': loss.item() for player, loss in losses.items()},
    }
    for name, parameter, turn in weights:
        (gradient,) = torch.autograd.grad(losses[name.split('/')[0]], parameter, retain_graph=True)
        arrays[f'gradient/{name}'] = turn(gradient.numpy())
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

"""Writes translators.npz: what the authors' code says of what tests/test_translators.py tests.

    git clone https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix
    python -m pip install torch torchvision
    python tests/reference/make_translators.py pytorch-CycleGAN-and-pix2pix

Their networks get weights and images drawn by `draw`, which the test has too, from the names of
Flax's variables. Stored are, of each network, its outputs, the gradient of their product with drawn
numbers by the images, and its product with drawn numbers by each weight; and the losses of the
first training steps of both models, which show the order of their updates too.
"""

import sys
import types
import zlib
from argparse import Namespace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name: kernels of unit gain, gains near 1, small images."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    kind = name.rpartition('/')[2]
    if kind == 'kernel':
        noise /= np.sqrt(np.prod(shape[:-1]))
    elif kind == 'bias':
        noise *= 0.1
    elif kind == 'scale':
        noise = 1 + 0.1 * noise
    elif kind == 'images':
        noise = np.tanh(noise)
    return noise.astype(np.float32)


def images(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """[B, H, W, C] as it is drawn, [B, C, H, W] as it is returned."""
    drawn = draw(f'{name}/images', shape).astype(np.float64)
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous()


def probe(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Returns drawn numbers to multiply a tensor with."""
    return torch.from_numpy(draw(f'{name}/probe', tuple(tensor.shape)))


# How PyTorch's dimensions are got from Flax's, and back.
_ORDERS = {
    nn.Conv2d: ('Conv', (3, 2, 0, 1), (2, 3, 1, 0)),
    nn.ConvTranspose2d: ('ConvTranspose', (2, 3, 0, 1), (2, 3, 0, 1)),
    nn.BatchNorm2d: ('InstanceNorm', (0,), (0,)),
}


def weights(network: nn.Module, prefix: str):
    """Yields each parameter, its name in Flax and its dimensions' order there."""
    counts = {}
    for module in network.modules():
        if type(module) not in _ORDERS or module.weight is None:
            continue
        kind, order, back = _ORDERS[type(module)]
        number = counts[kind] = counts.get(kind, -1) + 1
        kernel, inside = ('kernel', '') if len(order) > 1 else ('scale', '/InstanceNorm_0')
        yield module.weight, f'{prefix}/{kind}_{number}{inside}/{kernel}', order, back
        if module.bias is not None:
            yield module.bias, f'{prefix}/{kind}_{number}{inside}/bias', (0,), (0,)


def draw_weights(network: nn.Module, prefix: str) -> None:
    """Gives every parameter the numbers of its name."""
    for parameter, name, order, back in weights(network, prefix):
        shape = tuple(parameter.permute(back).shape)
        parameter.data = torch.from_numpy(draw(name, shape)).permute(order).double().contiguous()


def describe(network: nn.Module, name: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Returns what is stored of a network: it sees one image at a time, as in training."""
    draw_weights(network, name)
    x = images(name, shape).requires_grad_()
    output = torch.cat([network(one[None]) for one in x]).permute(0, 2, 3, 1)
    (output * probe(name, output)).sum().backward()
    slopes = {
        weight: float((parameter.grad.permute(back) * probe(weight, parameter.permute(back))).sum())
        for parameter, weight, _, back in weights(network, name)
    }
    return {
        f'{name}, output': output.detach().numpy(),
        f'{name}, gradient': x.grad.permute(0, 2, 3, 1).numpy(),
        f'{name}, slopes': np.array([slopes[weight] for weight in sorted(slopes)]),
    }


OPTIONS = dict(
    isTrain=True, gpu_ids=[], checkpoints_dir='', name='', preprocess='', direction='AtoB',
    input_nc=3, output_nc=3, ngf=2, ndf=2, netD='basic', n_layers_D=3, no_dropout=True,
    netG='', init_type='normal', init_gain=0.02, lr=0.01, beta1=0.5, pool_size=50,
)  # fmt: skip


def take_steps(model, networks: dict[str, nn.Module], losses: list[str]) -> np.ndarray:
    """Returns the losses of three training steps of one image each."""
    for name, network in networks.items():
        draw_weights(network, name)
    said = []
    for step in range(3):
        pair = {side: images(f'{side}{step}', (1, 32, 32, 3)) for side in 'AB'}
        model.set_input({**pair, 'A_paths': '', 'B_paths': ''})
        model.optimize_parameters()
        said.append([getattr(model, f'loss_{name}').item() for name in losses])
    return np.array(said)


def main(repository: str) -> None:
    """Runs the authors' networks and models."""
    sys.path.insert(0, repository)
    sys.modules.setdefault('wandb', types.ModuleType('wandb'))
    from models import networks
    from models.cycle_gan_model import CycleGANModel
    from models.pix2pix_model import Pix2PixModel

    instance = networks.get_norm_layer('instance')
    batch = partial(nn.BatchNorm2d, affine=True)
    resnet = networks.ResnetGenerator(3, 3, 2, instance, n_blocks=2)
    arrays = {
        **describe(resnet, 'resnet', (2, 16, 16, 3)),
        **describe(networks.UnetGenerator(3, 3, 5, 2, batch), 'unet', (2, 32, 32, 3)),
        **describe(networks.NLayerDiscriminator(3, 2, 3, instance), 'patchgan', (2, 32, 32, 3)),
    }
    # The least of both models.
    networks.define_G = lambda *_: networks.ResnetGenerator(3, 3, 2, instance, n_blocks=1)
    cyclegan = CycleGANModel(
        Namespace(
            **OPTIONS,
            norm='instance',
            gan_mode='lsgan',
            lambda_A=10.0,
            lambda_B=10.0,
            lambda_identity=0.5,
        )
    )
    arrays['cyclegan'] = take_steps(
        cyclegan,
        {
            'to_other': cyclegan.netG_A,
            'to_image': cyclegan.netG_B,
            'other_discriminator': cyclegan.netD_A,
            'image_discriminator': cyclegan.netD_B,
        },
        ['G', 'D_A', 'D_B'],
    )
    networks.define_G = lambda *_: networks.UnetGenerator(3, 3, 5, 2, batch)
    pix2pix = Pix2PixModel(Namespace(**OPTIONS, norm='batch', gan_mode='vanilla', lambda_L1=100.0))
    arrays['pix2pix'] = take_steps(
        pix2pix,
        {'translator': pix2pix.netG, 'discriminator': pix2pix.netD},
        ['G', 'D', 'G_L1'],
    )
    np.savez_compressed(
        Path(__file__).with_name('translators.npz'),
        **{name: array.astype(np.float32) for name, array in arrays.items()},
    )


if __name__ == '__main__':
    main(*sys.argv[1:])

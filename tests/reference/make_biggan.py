"""Writes biggan.npz: what BigGAN-PyTorch, the authors', makes of the networks of test_biggan.py.

    git clone https://github.com/ajbrock/BigGAN-PyTorch
    python -m pip install torch numpy
    python tests/reference/make_biggan.py BigGAN-PyTorch

Weights and inputs are drawn by `draw`, which the test has too, from the names of Flax's variables;
here every layer is told which of those are its own. What is stored of a gradient is its product
with a drawn array, one number for each parameter. Images are [B, H, W, C].
"""

import argparse
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

CLASSES, BATCH = 3, 4


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name: kernels of unit gain, gains near 1, variances above."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    kind = name.rpartition('/')[2]
    if kind == 'kernel':
        noise /= np.sqrt(np.prod(shape[:-1]))
    elif kind in ('bias', 'mean'):
        noise *= 0.1
    elif kind == 'scale':
        noise = 1 + 0.1 * noise
    elif kind == 'var':
        noise = 1 + np.abs(noise)
    return noise.astype(np.float32)


def tensor(name: str, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.asarray(draw(name, shape))).double()


class Scope:
    """A Flax module within which layers are numbered by their kind, in the order of their calls.

    `products` are functions of no arguments: by Flax's name of a parameter, its gradient's product
    with a drawn array.
    """

    def __init__(self, path: str = '', products: dict | None = None):
        self.path, self.counts = path, {}
        self.products = {} if products is None else products

    def next(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, -1) + 1
        return f'{kind}_{self.counts[kind]}'

    def within(self, name: str) -> 'Scope':
        return Scope(f'{self.path}{name}/', self.products)

    def own(self, parameter: torch.nn.Parameter, name: str, order: tuple[int, ...], less=0) -> None:
        """Sets a parameter to the drawn array of Flax's, `order` of whose dimensions are its own.

        less: what the authors' code adds to its parameter and Flax's has already.
        """
        path = f'params/{self.path}{name}'
        back = np.argsort(order)
        shape = tuple(np.array(parameter.shape)[back]) if order else ()
        parameter.data = tensor(path, *shape).permute(order).contiguous() - less
        probe = tensor(f'probe/{path}', *shape).permute(order)
        self.products[path] = lambda: torch.sum(parameter.grad * probe)

    def layer(self, module, kind: str, name: str = '') -> None:
        """A convolution or a dense layer, spectrally normalised where it has a vector."""
        name = name or self.next(kind)
        order = (3, 2, 0, 1) if module.weight.ndim == 4 else (1, 0)
        self.own(module.weight, f'{name}/kernel', order)
        if getattr(module, 'bias', None) is not None:
            self.own(module.bias, f'{name}/bias', (0,))
        if hasattr(module, 'u0'):
            vector = f'spectral/{self.path}{self.next("SpectralNorm")}/{name}/kernel/u'
            module.u0.data = tensor(vector, *module.u0.shape)

    def table(self, module, name: str, less: float = 0) -> None:
        """An embedding, in Flax a dense layer of classes as one-hot."""
        self.own(module.weight, f'{name}/kernel', (0, 1), less)

    def batch_statistics(self, module, name: str) -> None:
        for buffer, kind in ((module.stored_mean, 'mean'), (module.stored_var, 'var')):
            buffer.data = tensor(f'batch_stats/{self.path}{name}/{kind}', len(buffer))

    def linear_norm(self, module) -> None:
        scope = self.within(self.next('LinearNorm'))
        scope.batch_statistics(module, 'BatchNorm_0')
        scope.layer(module.gain, 'Dense', 'scale')
        scope.layer(module.bias, 'Dense', 'bias')

    def conditional_norm(self, module) -> None:
        scope = self.within(self.next('ConditionalNorm'))
        scope.batch_statistics(module, 'BatchNorm_0')
        scope.table(module.gain, 'scale', less=1)
        scope.table(module.bias, 'bias')

    def batch_norm(self, module) -> None:
        name = self.next('BatchNorm')
        self.batch_statistics(module, name)
        self.own(module.gain, f'{name}/scale', (0,))
        self.own(module.bias, f'{name}/bias', (0,))

    def attention(self, module) -> None:
        scope = self.within(self.next('SelfAttention'))
        names = {'query': 'theta', 'key': 'phi', 'value': 'g', 'output': 'o'}
        for name, theirs in names.items():
            scope.layer(getattr(module, theirs), 'Conv', name)
        scope.own(module.gamma, 'gamma', ())


def load_generator(net, scope: Scope, norm) -> Scope:
    """norm: how a normalisation within a block is loaded."""
    scope.layer(net.linear, 'Dense')
    for block, *attention in net.blocks:
        norm(block.bn1)
        scope.layer(block.conv1, 'UpsampleConv')
        norm(block.bn2)
        scope.layer(block.conv2, 'Conv')
        scope.layer(block.conv_sc, 'UpsampleConv')
        for module in attention:
            scope.attention(module)
    batch_norm, _, convolution = net.output_layer
    scope.batch_norm(batch_norm)
    scope.layer(convolution, 'Conv')
    return scope


def load_shared_generator(net, load) -> Scope:
    scope = Scope()
    scope.table(net.shared, 'embedding')
    return load(net, scope, scope.linear_norm)


def load_class_generator(net) -> Scope:
    scope = Scope('Generator_0/')
    return load_generator(net, scope, scope.conditional_norm)


def load_deep_generator(net, scope: Scope, norm) -> Scope:
    scope.layer(net.linear, 'Dense')
    for blocks in net.blocks:
        for module in blocks:
            if hasattr(module, 'theta'):
                scope.attention(module)
                continue
            second = 'UpsampleConv' if module.upsample else 'Conv'
            for index, kind in enumerate(('Conv', second, 'Conv', 'Conv'), 1):
                norm(getattr(module, f'bn{index}'))
                scope.layer(getattr(module, f'conv{index}'), kind)
    batch_norm, _, convolution = net.output_layer
    scope.batch_norm(batch_norm)
    scope.layer(convolution, 'Conv')
    return scope


def load_answer(net, scope: Scope) -> Scope:
    scope.layer(net.embed, 'Dense', 'embedding')
    scope.layer(net.linear, 'Dense')
    return scope


def load_discriminator(net) -> Scope:
    scope = Scope('Discriminator_0/')
    for index, (block, *attention) in enumerate(net.blocks):
        last = 'ConvPool' if block.downsample else 'Conv'
        scope.layer(block.conv1, 'Conv')
        scope.layer(block.conv2, last)
        if block.learnable_sc:
            scope.layer(block.conv_sc, last if index else 'Conv')
        for module in attention:
            scope.attention(module)
    return load_answer(net, scope)


def load_deep_discriminator(net) -> Scope:
    scope = Scope('Discriminator_0/')
    scope.layer(net.input_conv, 'Conv')
    for blocks in net.blocks:
        for module in blocks:
            if hasattr(module, 'theta'):
                scope.attention(module)
                continue
            for index in range(1, 5):
                scope.layer(getattr(module, f'conv{index}'), 'Conv')
            if module.learnable_sc:
                scope.layer(module.conv_sc, 'Conv')
    return load_answer(net, scope)


def results(name: str, make, load, judge, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Returns a network's output in training and in evaluation, and its gradients' products.

    judge: (network, x) -> output, whose product with a drawn array is differentiated.
    """
    arrays = {}
    for mode in ('train', 'eval'):
        net = make()
        scope = load(net)
        x.grad = None
        output = judge(net.train(mode == 'train'), x)
        arrays[f'{name}, {mode}'] = output
        torch.sum(output * tensor('probe/output', *output.shape)).backward()
        if mode == 'train':
            paths = sorted(scope.products)
            arrays[f'{name}, gradients'] = torch.stack([scope.products[path]() for path in paths])
            arrays[f'{name}, gradient of its input'] = x.grad
    arrays = {name: value.detach().numpy().astype(np.float32) for name, value in arrays.items()}
    return {**arrays, f'{name}, parameters': np.array(paths)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('repository')
    sys.path.insert(0, parser.parse_args().repository)
    torch.set_default_dtype(torch.float64)
    import BigGAN
    import BigGANdeep

    common = dict(resolution=64, n_classes=CLASSES)  # four blocks; the sizes are smaller by far
    generators = dict(G_ch=2, G_attn='16', bottom_width=1, no_optim=True, **common)
    discriminators = dict(D_ch=4, D_attn='16', **common)
    shared = dict(hier=True, shared_dim=5)
    z = tensor('z', BATCH, 10).requires_grad_()
    images = tensor('images', BATCH, 16, 16, 3).requires_grad_()
    label = torch.arange(BATCH) % CLASSES

    def generate(net, z):
        return net(z, net.shared(label)).permute(0, 2, 3, 1)

    def judge(net, x):
        return net(x.permute(0, 3, 1, 2), label)[:, 0]

    arrays = {
        **results(
            'sagan.Generator',
            lambda: BigGAN.Generator(dim_z=10, G_shared=False, **generators),
            load_class_generator,
            generate,
            z,
        ),
        **results(
            'biggan.Generator',
            lambda: BigGAN.Generator(dim_z=10, **shared, **generators),
            lambda net: load_shared_generator(net, load_generator),
            generate,
            z,
        ),
        **results(
            'biggan_deep.Generator',
            lambda: BigGANdeep.Generator(dim_z=10, **shared, **generators),
            lambda net: load_shared_generator(net, load_deep_generator),
            generate,
            z,
        ),
        **results(
            'sagan.Discriminator',
            lambda: BigGAN.Discriminator(**discriminators),
            load_discriminator,
            judge,
            images,
        ),
        **results(
            'biggan_deep.Discriminator',
            lambda: BigGANdeep.Discriminator(**discriminators),
            load_deep_discriminator,
            judge,
            images,
        ),
    }
    np.savez_compressed(Path(__file__).with_name('biggan.npz'), **arrays)


if __name__ == '__main__':
    main()

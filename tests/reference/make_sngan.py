"""Writes sngan.npz: what the authors' own Chainer code makes of weights drawn here.

    python -m pip install chainer==7.8.1 "numpy<1.24" "setuptools<70"
    git clone https://github.com/pfnet-research/sngan_projection
    git clone https://github.com/pfnet-research/chainer-gan-lib
    python tests/reference/make_sngan.py sngan_projection chainer-gan-lib

The first has the residual pair, and the updater that plays one step of either pair: the generator's
turn, then the discriminator's, whose singular vectors move whenever it is called. The second has
the standard CNNs, of which two things are turned into what the paper's table 3 and ours have: the
slope, 0.1, and the first batch normalisation, which here is of channels. In both, what is added to
a batch's variance is our 1e-5 instead of Chainer's 2e-5. What they compute by a kernel for GPUs,
the length of a vector, NumPy does.

Weights, by Flax's names, and inputs are drawn by `draw` and `weight`, which the test calls too.
Images are stored [B, H, W, C].
"""

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

FILE = Path(__file__).parent / 'sngan.npz'
BATCH, GENERATED = 4, 6  # images of the discriminator's turn, of either kind; of the generator's
BASE, SIZE, LATENTS = 2, 16, 6
WIDTH = 5  # of the residual pair
WIDTHS = (2, 4, 8, 16)  # of the CNNs, the largest image first


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns standard normal numbers, float32, by their name."""
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype('f4')


def weight(name: str, *shape: int) -> np.ndarray:
    """Returns a weight by its name: a kernel keeps the size of its input, a bias is small."""
    inputs = 400 if name.endswith('bias') else np.prod(shape[:-1])
    return draw(name, *shape) / np.float32(np.sqrt(inputs))


# Theirs -> ours.


def same(array: np.ndarray) -> np.ndarray:
    return array


def convolution(kernel: np.ndarray) -> np.ndarray:
    """[F, C, h, w] -> [h, w, C, F]."""
    return kernel.transpose(2, 3, 1, 0)


def transposed(kernel: np.ndarray) -> np.ndarray:
    """[C, F, h, w] -> [h, w, C, F]."""
    return kernel.transpose(2, 3, 0, 1)


def turned_around(kernel: np.ndarray) -> np.ndarray:
    """A transposed convolution without strides is one by its kernel, turned around."""
    return transposed(kernel)[::-1, ::-1]


def pixels(array: np.ndarray) -> np.ndarray:
    """[C h w, ...] -> [h w C, ...]."""
    by_channel = array.reshape(-1, BASE * BASE, *array.shape[1:])
    return by_channel.swapaxes(0, 1).reshape(array.shape)


def from_latents(kernel: np.ndarray) -> np.ndarray:
    """[C h w, Z] -> [Z, h w C]."""
    return pixels(kernel).T


def from_features(kernel: np.ndarray) -> np.ndarray:
    """[1, C h w] -> [h w C, 1]."""
    return pixels(kernel.T)


def transpose(kernel: np.ndarray) -> np.ndarray:
    return kernel.T


Layers = dict[str, tuple[str, Callable, Callable]]  # theirs: ours, turns of kernel and bias


def residual_generator() -> Layers:
    layers = {'l1': ('Dense_0', from_latents, pixels)}
    for block in range(3):
        theirs = f'block{block + 2}'
        layers[f'{theirs}/c1'] = f'UpsampleConv_{2 * block}', convolution, same
        layers[f'{theirs}/c2'] = f'Conv_{block}', convolution, same
        layers[f'{theirs}/c_sc'] = f'UpsampleConv_{2 * block + 1}', convolution, same
        layers[f'{theirs}/b1'] = f'BatchNorm_{2 * block}', same, same
        layers[f'{theirs}/b2'] = f'BatchNorm_{2 * block + 1}', same, same
    return layers | {'b5': ('BatchNorm_6', same, same), 'c5': ('Conv_3', convolution, same)}


def residual_discriminator() -> Layers:
    names = {
        'block1': dict(c1='Conv_0', c2='ConvPool_0', c_sc='Conv_1'),
        'block2': dict(c1='Conv_2', c2='ConvPool_1', c_sc='ConvPool_2'),
        'block3': dict(c1='Conv_3', c2='Conv_4'),
        'block4': dict(c1='Conv_5', c2='Conv_6'),
    }
    layers = {
        f'{block}/{theirs}': (ours, convolution, same)
        for block, convolutions in names.items()
        for theirs, ours in convolutions.items()
    }
    return layers | {'l5': ('Dense_0', transpose, same)}


def cnn_generator() -> Layers:
    layers = {'l0': ('Dense_0', from_latents, pixels), 'bn0/norm': ('BatchNorm_0', same, same)}
    for level in range(1, len(WIDTHS)):
        layers[f'dc{level}'] = f'ConvTranspose_{level - 1}', transposed, same
        layers[f'bn{level}'] = f'BatchNorm_{level}', same, same
    return layers | {f'dc{len(WIDTHS)}': ('Conv_0', turned_around, same)}


def cnn_discriminator() -> Layers:
    names = ('c0_0', 'c0_1', 'c1_0', 'c1_1', 'c2_0', 'c2_1', 'c3_0')
    layers = {theirs: (f'Conv_{index}', convolution, same) for index, theirs in enumerate(names)}
    return layers | {'l4': ('Dense_0', from_features, same)}


def load_drawn(network, player: str, layers: Layers) -> None:
    """Gives every weight and singular vector of a network its drawn value."""
    for path, parameter in network.namedparams():
        name, turn = ours(player, layers, path)
        places = turn(np.arange(parameter.size).reshape(parameter.shape))
        parameter.data.ravel()[places.ravel()] = weight(name, *places.shape).ravel()
    for path, link in network.namedlinks():
        if hasattr(link, 'eps'):
            link.eps = 1e-5
        if hasattr(link, 'u'):
            name = f'{player}/{layers[path[1:]][0]}/u'
            link.u = draw(name, 1, link.W.shape[0])


def ours(player: str, layers: Layers, path: str) -> tuple[str, Callable]:
    """Returns Flax's name of their parameter '/LAYER/KIND', and what turns it into ours."""
    layer, kind = path[1:].rsplit('/', 1)
    name, of_kernel, of_bias = layers[layer]
    kind = {'W': 'kernel', 'b': 'bias', 'gamma': 'scale', 'beta': 'bias'}[kind]
    return f'{player}/{name}/{kind}', of_kernel if kind == 'kernel' else of_bias


def prepare(residual: str, cnn: str):
    """Returns Chainer, their updater's module, and both pairs of networks, as it calls them."""
    import chainer
    from chainer import functions, links

    sys.path[:0] = [residual, cnn, str(Path(cnn) / 'common')]
    import updater
    from common import net
    from dis_models.snresnet_32 import SNResNetProjectionDiscriminator
    from gen_models.resnet_32 import ResNetGenerator
    from source.functions import max_sv

    max_sv._l2normalize = lambda v, eps: v / (np.sqrt(np.sum(v * v)) + eps)
    leaky_relu = functions.leaky_relu
    paper = dict(leaky_relu=lambda x: leaky_relu(x, 0.1))
    net.F = SimpleNamespace(**{**vars(functions), **paper})

    class ByChannel(chainer.Chain):
        """Batch normalisation of the projected image, which they have flat."""

        def __init__(self):
            super().__init__()
            with self.init_scope():
                self.norm = links.BatchNormalization(WIDTHS[-1])

        def __call__(self, x):
            return self.norm(x.reshape(len(x), WIDTHS[-1], BASE, BASE)).reshape(x.shape)

    class Called(chainer.Chain):
        """A network as the updater calls it: a generator with a number, either with no label."""

        def __init__(self, network, call):
            super().__init__()
            self.call = call
            with self.init_scope():
                self.network = network

        def __call__(self, argument, y=None):
            return self.call(argument)

    def latents(count: int) -> np.ndarray:
        return draw(f'z {count}', count, LATENTS)

    generator = ResNetGenerator(ch=WIDTH, dim_z=LATENTS, bottom_width=BASE)
    discriminator = SNResNetProjectionDiscriminator(ch=WIDTH)
    load_drawn(generator, 'generator', residual_generator())
    load_drawn(discriminator, 'discriminator', residual_discriminator())
    pairs = {
        'resnet': (
            Called(generator, lambda count: generator(count, z=latents(count))),
            Called(discriminator, discriminator),
            (residual_generator(), residual_discriminator()),
        )
    }
    settings = dict(bottom_width=BASE, ch=WIDTHS[-1])
    cnn_of_generator = net.DCGANGenerator(n_hidden=LATENTS, **settings)
    cnn_of_generator.bn0 = ByChannel()
    cnn_of_discriminator = net.SNDCGANDiscriminator(**settings)
    load_drawn(cnn_of_generator, 'generator', cnn_generator())
    load_drawn(cnn_of_discriminator, 'discriminator', cnn_discriminator())
    pairs['sndcgan'] = (
        Called(cnn_of_generator, lambda count: cnn_of_generator(latents(count))),
        Called(cnn_of_discriminator, cnn_of_discriminator),
        (cnn_generator(), cnn_discriminator()),
    )
    return chainer, updater, pairs


def play(chainer, updater, generator, discriminator) -> dict[str, float]:
    """Takes one of their training steps, at a rate of zero, and returns both losses."""
    optimizers = {}
    for name, network in (('opt_gen', generator), ('opt_dis', discriminator)):
        optimizers[name] = chainer.optimizers.SGD(lr=0).setup(network)
    real = draw('real', BATCH, SIZE, SIZE, 3).transpose(0, 3, 1, 2)
    player = updater.Updater(
        iterator=chainer.iterators.SerialIterator([(image, 0) for image in real], BATCH),
        optimizer=optimizers,
        models=dict(gen=generator, dis=discriminator),
        n_dis=1,
        loss_type='hinge',
        conditional=False,
        n_gen_samples=GENERATED,
    )
    observed = {}
    with chainer.reporter.Reporter().scope(observed):
        player.update_core()
    return {name: value.item() for name, value in observed.items()}


def main(residual: str, cnn: str) -> None:
    chainer, updater, pairs = prepare(residual, cnn)
    arrays = {}
    for kind, (generator, discriminator, layers) in pairs.items():
        images = generator(BATCH)
        arrays[f'{kind}/images'] = images.array.transpose(0, 2, 3, 1)
        losses = play(chainer, updater, generator, discriminator)
        arrays[f'{kind}/generator loss'] = losses['loss_gen']
        arrays[f'{kind}/discriminator loss'] = losses['loss_dis']
        for player, network, theirs in zip(
            ('generator', 'discriminator'), (generator, discriminator), layers
        ):
            for path, parameter in network.network.namedparams():
                name, turn = ours(player, theirs, path)
                arrays[f'{kind}/gradient/{name}'] = turn(parameter.grad)
            for path, link in network.network.namedlinks():
                if hasattr(link, 'u'):
                    arrays[f'{kind}/u/{theirs[path[1:]][0]}'] = link.u
    for name, array in arrays.items():
        arrays[name] = np.asarray(array, np.float32)
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(*sys.argv[1:])

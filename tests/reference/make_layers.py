"""Writes layers.npz: what PyTorch makes of the layers and networks that tests/test_layers.py tests.

    python -m pip install torch numpy
    python tests/reference/make_layers.py

Only outputs are stored. Weights and inputs are drawn by `draw`, which the test has too, from the
names of Flax's variables; here every layer is told which of those are its own. Images are stored as
[B, H, W, C], so that a network's input is turned before its first convolution and back at its end.
"""

import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings('ignore', category=FutureWarning)  # of torch.nn.utils.spectral_norm
torch.set_default_dtype(torch.float64)


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name: kernels of unit gain, gains near 1, variances above."""
    # RandomState, unlike default_rng, is promised to draw the same numbers for ever.
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
    return torch.from_numpy(draw(name, shape)).double()


def turned(images: torch.Tensor) -> torch.Tensor:
    """[B, H, W, C] -> [B, C, H, W]."""
    return images.permute(0, 3, 1, 2)


def turned_back(images: torch.Tensor) -> torch.Tensor:
    """[B, C, H, W] -> [B, H, W, C]."""
    return images.permute(0, 2, 3, 1)


class Layers:
    """Calls of PyTorch's layers with the weights of Flax's variables.

    Flax numbers the layers of each kind in the order in which they are called, and so does this:
    the first `Conv` is Conv_0. A spectrally normalised layer is also the next SpectralNorm.
    """

    def __init__(self, train: bool = True):
        self.train = train
        self.counts = {}

    def next(self, kind: str) -> str:
        self.counts[kind] = self.counts.get(kind, -1) + 1
        return f'{kind}_{self.counts[kind]}'

    def _run(self, layer, kernel, name, x, bias=True, spectral=False):
        layer.weight.data = kernel
        if bias:
            layer.bias.data = tensor(f'params/{name}/bias', len(layer.bias))
        if spectral:
            vector = f'spectral/{self.next("SpectralNorm")}/{name}/kernel/u'
            layer = nn.utils.spectral_norm(layer)
            layer.weight_u.data = tensor(vector, 1, len(layer.weight_u))[0]
        return layer(x)

    def dense(self, x, features, bias=True, spectral=False):
        name = self.next('Dense')
        kernel = tensor(f'params/{name}/kernel', x.shape[1], features)
        layer = nn.Linear(x.shape[1], features, bias)
        return self._run(layer, kernel.T, name, x, bias, spectral)

    def project(self, z, height, width, features, bias=True):
        """A dense layer whose outputs are the pixels of an image, row by row, channels last."""
        x = self.dense(z, height * width * features, bias)
        return turned(x.reshape(-1, height, width, features))

    def conv(self, x, features, size=3, stride=1, padding=None, kind='Conv', **options):
        """A convolution; its padding is `size // 2`, or (left, right) along both axes."""
        name = self.next(kind)
        left, right = (size // 2, size // 2) if padding is None else padding
        kernel = tensor(f'params/{name}/kernel', size, size, x.shape[1], features)
        layer = nn.Conv2d(x.shape[1], features, size, stride, bias=options.get('bias', True))
        x = F.pad(x, (left, right, left, right))
        return self._run(layer, kernel.permute(3, 2, 0, 1), name, x, **options)

    def conv_pool(self, x, features, size=3, **options):
        return F.avg_pool2d(self.conv(x, features, size, kind='ConvPool', **options), 2)

    def upsample_conv(self, x, features, size=3, **options):
        x = F.interpolate(x, scale_factor=2, mode='nearest')
        return self.conv(x, features, size, kind='UpsampleConv', **options)

    def transposed(self, x, features, size, bias=True):
        """Twice the size: an odd kernel leaves a row and a column to PyTorch's output padding."""
        name = self.next('ConvTranspose')
        kernel = tensor(f'params/{name}/kernel', size, size, x.shape[1], features)
        layer = nn.ConvTranspose2d(
            x.shape[1],
            features,
            size,
            2,
            padding=(size - 1) // 2,
            output_padding=size % 2,
            bias=bias,
        )
        return self._run(layer, kernel.permute(2, 3, 0, 1), name, x, bias)

    def pixel_shuffle(self, x, features, size, bias=True):
        """A convolution, then PyTorch's PixelShuffle.

        The channels of the convolution are, here, (feature, row, column) and in Flax's (row,
        column, feature): its weights are put into PyTorch's order.
        """
        name = f'{self.next("PixelShuffle")}/Conv_0'
        order = np.arange(4 * features).reshape(4, features).T.ravel()
        kernel = tensor(f'params/{name}/kernel', size, size, x.shape[1], 4 * features)
        y = F.conv2d(x, kernel[..., order].permute(3, 2, 0, 1), padding=size // 2)
        if bias:
            y = y + tensor(f'params/{name}/bias', 4 * features)[order][:, None, None]
        return nn.PixelShuffle(2)(y)

    def batch_norm(self, x):
        name, size = self.next('BatchNorm'), x.shape[1]
        return F.batch_norm(
            x,
            tensor(f'batch_stats/{name}/mean', size),
            tensor(f'batch_stats/{name}/var', size),
            tensor(f'params/{name}/scale', size),
            tensor(f'params/{name}/bias', size),
            training=self.train,
            eps=1e-5,
        )

    def layer_norm(self, x):
        """Over all of an image with a gain for each channel: PyTorch's GroupNorm of one group."""
        name, size = f'{self.next("LayerNorm")}/LayerNorm_0', x.shape[1]
        scale, bias = (tensor(f'params/{name}/{kind}', size) for kind in ('scale', 'bias'))
        return F.group_norm(x, 1, scale, bias, eps=1e-5)


def flat(x: torch.Tensor) -> torch.Tensor:
    return turned_back(x).reshape(len(x), -1)


def resnet_generator(layers, z):
    x = layers.project(z, 2, 2, 6)
    for _ in range(2):
        residual = F.relu(layers.batch_norm(x))
        residual = layers.upsample_conv(residual, 6)
        residual = F.relu(layers.batch_norm(residual))
        residual = layers.conv(residual, 6)
        x = layers.upsample_conv(x, 6, 1) + residual
    x = F.relu(layers.batch_norm(x))
    return turned_back(torch.tanh(layers.conv(x, 3)))


def resnet_first_block(layers, x, spectral):
    residual = F.relu(layers.conv(x, 6, spectral=spectral))
    residual = layers.conv_pool(residual, 6, spectral=spectral)
    return residual + layers.conv(F.avg_pool2d(x, 2), 6, 1, spectral=spectral)


def sngan_discriminator(layers, images):
    """Spectrally normalised, pooled by a sum, without a last bias."""
    x = resnet_first_block(layers, turned(images), True)
    residual = layers.conv(F.relu(x), 6, spectral=True)
    residual = layers.conv_pool(F.relu(residual), 6, spectral=True)
    x = residual + layers.conv_pool(x, 6, 1, spectral=True)
    residual = layers.conv(F.relu(x), 6, spectral=True)
    x = layers.conv(F.relu(residual), 6, spectral=True) + x
    return layers.dense(F.relu(x).sum((2, 3)), 1, bias=False, spectral=True)[:, 0]


def wgan_gp_critic(layers, images):
    """Layer normalisation, pooled by a mean; the first block has no normalisation."""
    x = resnet_first_block(layers, turned(images), False)
    residual = layers.conv(F.relu(layers.layer_norm(x)), 6)
    residual = layers.conv_pool(F.relu(layers.layer_norm(residual)), 6)
    x = residual + layers.conv_pool(x, 6, 1)
    x = F.relu(layers.layer_norm(x))
    return layers.dense(x.mean((2, 3)), 1)[:, 0]


def dcgan_generator(layers, z, up, size):
    """A layer that is normalised has no bias."""
    x = F.relu(layers.batch_norm(layers.project(z, 2, 2, 6, bias=False)))
    x = F.relu(layers.batch_norm(up(x, 4, size, bias=False)))
    return turned_back(torch.tanh(up(x, 3, size)))


def dcgan_discriminator(layers, images, size, padding):
    """The paddings are TensorFlow's SAME: with a stride of 2, an odd row goes to the far side."""
    x = F.leaky_relu(layers.conv(turned(images), 4, size, 2, padding), 0.2)
    x = layers.batch_norm(layers.conv(x, 6, size, 2, padding, bias=False))
    return layers.dense(flat(F.leaky_relu(x, 0.2)), 1)[:, 0]


def mlp_generator(layers, z):
    x = F.relu(layers.dense(F.relu(layers.dense(z, 6)), 7))
    return 2 * torch.sigmoid(layers.dense(x, 8 * 8 * 3)).reshape(-1, 8, 8, 3) - 1


def maxout_discriminator(layers, images):
    """Its authors' images are in [0, 1]; a unit's pieces follow each other."""
    x = (images.reshape(len(images), -1) + 1) / 2
    for units in (4, 5):
        x = layers.dense(x, 3 * units).unflatten(1, (units, 3)).amax(2)
    return layers.dense(x, 1)[:, 0]


def sndcgan_generator(layers, z):
    x = F.relu(layers.batch_norm(layers.project(z, 2, 2, 6)))
    for features in (5, 4):
        x = F.relu(layers.batch_norm(layers.transposed(x, features, 4)))
    return turned_back(torch.tanh(layers.conv(x, 3)))


def sndcgan_discriminator(layers, images):
    x = turned(images)
    for features, following in ((4, 5), (5, 6)):
        x = F.leaky_relu(layers.conv(x, features, spectral=True), 0.1)
        x = F.leaky_relu(layers.conv(x, following, 4, 2, (1, 1), spectral=True), 0.1)
    x = F.leaky_relu(layers.conv(x, 6, spectral=True), 0.1)
    return layers.dense(flat(x), 1, spectral=True)[:, 0]


def infogan_generator(layers, z):
    """As in the authors' code: every unit of the second layer is normalised by itself."""
    x = F.relu(layers.batch_norm(layers.dense(z, 7, bias=False)))
    x = F.relu(layers.batch_norm(layers.dense(x, 2 * 2 * 6, bias=False)))
    x = turned(x.reshape(-1, 2, 2, 6))
    x = F.relu(layers.batch_norm(layers.transposed(x, 3, 4, bias=False)))
    return turned_back(2 * torch.sigmoid(layers.transposed(x, 3, 4)) - 1)


def infogan_discriminator(layers, images):
    """Its authors' images are in [0, 1]."""
    x = F.leaky_relu(layers.conv(turned((images + 1) / 2), 4, 4, 2, (1, 1)), 0.01)
    x = layers.batch_norm(layers.conv(x, 8, 4, 2, (1, 1), bias=False))
    x = layers.batch_norm(layers.dense(flat(F.leaky_relu(x, 0.01)), 7, bias=False))
    return layers.dense(F.leaky_relu(x, 0.01), 1)[:, 0]


def infogan_recognizer(layers, features):
    x = F.leaky_relu(layers.batch_norm(layers.dense(features, 6, bias=False)), 0.01)
    return layers.dense(x, 5)


def acgan_discriminator(layers, images):
    """Without dropout; of the paper's table 2, whose every other convolution halves the image."""
    x = F.leaky_relu(layers.conv(turned(images), 4, 3, 2, (0, 1)), 0.2)
    for features, stride, padding in ((5, 1, (1, 1)), (6, 2, (0, 1)), (7, 1, (1, 1))):
        x = layers.batch_norm(layers.conv(x, features, 3, stride, padding, bias=False))
        x = F.leaky_relu(x, 0.2)
    return layers.dense(flat(x), 1)[:, 0]


def networks(train: bool) -> dict[str, torch.Tensor]:
    """Returns each network's output at the drawn weights and inputs."""
    z, images = tensor('z', 2, 5), tensor('images', 4, 8, 8, 3)

    def up(name, size):
        layers = Layers(train)
        return dcgan_generator(layers, z, getattr(layers, name), size)

    return {
        'resnet.Generator': resnet_generator(Layers(train), z),
        'resnet.Discriminator, sngan': sngan_discriminator(Layers(train), images),
        'resnet.Discriminator, wgan_gp': wgan_gp_critic(Layers(train), images),
        'dcgan.Generator, transposed 4': up('transposed', 4),
        'dcgan.Generator, transposed 5': up('transposed', 5),
        'dcgan.Generator, nearest 5': up('upsample_conv', 5),
        'dcgan.Generator, pixel_shuffle 3': up('pixel_shuffle', 3),
        'dcgan.Discriminator, 4': dcgan_discriminator(Layers(train), images, 4, (1, 1)),
        'dcgan.Discriminator, 5': dcgan_discriminator(Layers(train), images, 5, (1, 2)),
        'mlp.Generator': mlp_generator(Layers(train), z),
        'mlp.MaxoutDiscriminator': maxout_discriminator(Layers(train), images),
        'sndcgan.Generator': sndcgan_generator(Layers(train), z),
        'sndcgan.Discriminator': sndcgan_discriminator(Layers(train), images),
        'infogan.Generator': infogan_generator(Layers(train), tensor('z', 4, 5)),
        'infogan.Discriminator': infogan_discriminator(Layers(train), images),
        'infogan.Recognizer': infogan_recognizer(Layers(train), tensor('z', 4, 5)),
        'acgan.Discriminator': acgan_discriminator(Layers(train), images),
    }


def batch_norm() -> dict[str, torch.Tensor]:
    """Two training calls of nn.BatchNorm2d with its own defaults, then one in evaluation."""
    layer = nn.BatchNorm2d(3)
    layer.weight.data = tensor('params/scale', 3)
    layer.bias.data = tensor('params/bias', 3)
    outputs = {}
    for index in range(2):
        x = turned(2 * tensor(f'batch {index}', 4, 3, 3, 3) + 1)
        outputs[f'train {index}'] = turned_back(layer(x))
    outputs |= {'mean': layer.running_mean.clone(), 'var': layer.running_var.clone()}
    outputs['eval'] = turned_back(layer.eval()(turned(tensor('batch 0', 4, 3, 3, 3))))
    return outputs


def layer_norm() -> torch.Tensor:
    """nn.GroupNorm of one group: over all of an image, with a gain and bias for each channel."""
    layer = nn.GroupNorm(1, 4)
    layer.weight.data = tensor('params/LayerNorm_0/scale', 4)
    layer.bias.data = tensor('params/LayerNorm_0/bias', 4)
    return turned_back(layer(turned(tensor('features', 2, 4, 4, 4))))


def spectral_norm() -> dict[str, torch.Tensor]:
    """The outputs of a normalised convolution at its first, second and fiftieth call."""
    kernel = tensor('params/Conv_0/kernel', 3, 3, 4, 5)
    layer = nn.Conv2d(4, 5, 3, padding=1)
    layer.weight.data = kernel.permute(3, 2, 0, 1)
    layer.bias.data = tensor('params/Conv_0/bias', 5)
    layer = nn.utils.spectral_norm(layer)
    layer.weight_u.data = tensor('spectral/SpectralNorm_0/Conv_0/kernel/u', 1, 5)[0]
    x = turned(tensor('features', 2, 4, 4, 4))
    calls = {call: turned_back(layer(x)) for call in range(1, 51)}
    return {f'call {call}': calls[call] for call in (1, 2, 50)}


def main() -> None:
    arrays = {
        **{f'batch norm, {name}': value for name, value in batch_norm().items()},
        **{f'spectral norm, {name}': value for name, value in spectral_norm().items()},
        'layer norm': layer_norm(),
        'pixel shuffle': turned_back(nn.PixelShuffle(2)(turned(tensor('shuffled', 2, 3, 2, 12)))),
    }
    arrays |= {f'{name}, train': value for name, value in networks(train=True).items()}
    arrays |= {f'{name}, eval': value for name, value in networks(train=False).items()}
    np.savez_compressed(
        Path(__file__).with_name('layers.npz'),
        **{name: value.detach().numpy().astype(np.float32) for name, value in arrays.items()},
    )


if __name__ == '__main__':
    main()

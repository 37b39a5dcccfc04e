"""Writes wgan_gp.npz: what the authors' own TensorFlow code makes of weights drawn here.

    pip install tensorflow-cpu
    git clone https://github.com/igul222/improved_wgan_training
    python tests/reference/make_wgan_gp.py improved_wgan_training

Their `gan_cifar_resnet.py`, without classes and narrower, from its first line to its optimisers.
It is of Python 2, of TensorFlow 1 and for GPUs: a few words of it are rewritten in a copy, version
2 runs it through its compatibility module, and what a CPU does not convolve, channels first, is
turned. Stored are outputs of both networks, both losses, the gradient penalty and all gradients.
Weights, by Flax's names, and inputs are drawn by `draw`, which the test calls too. Images are
stored [B, H, W, C].
"""

import contextlib
import re
import sys
import tempfile
import zlib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

FILE = Path(__file__).parent / 'wgan_gp.npz'
BATCH, WIDTH, LATENTS, SIZE = 4, 5, 128, 32
SETTINGS = dict(BATCH_SIZE=BATCH, N_GPUS=1, DIM_G=WIDTH, DIM_D=WIDTH)
SETTINGS |= dict(CONDITIONAL=False, ACGAN=False)


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns float32 numbers by their name: kernels of unit gain, gains near 1, else N(0, 1)."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith('kernel'):
        noise /= np.sqrt(np.prod(shape[:-1]))
    elif name.endswith(('bias', 'scale')):
        noise = name.endswith('scale') + 0.1 * noise
    return noise.astype('f4')


def draw_pixels() -> np.ndarray:
    """Returns real images, integers from 0 to 255: [B, H, W, C]."""
    return (draw('real', BATCH, SIZE, SIZE, 3) * 50 + 128).clip(0, 255).astype('i4')


def draw_shares() -> np.ndarray:
    """Returns where between real and generated images the penalty looks, in 0 .. 1: [B, 1]."""
    return 1 / (1 + np.exp(-draw('mixing', BATCH, 1)))


def channels_first(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2)


def channels_last(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 2, 3, 1)


def names() -> dict[str, str]:
    """Returns their layers' names -> ours, which count the layers of a kind as they are called."""
    found = {'Generator.Input': 'Dense_0', 'Generator.OutputN': 'BatchNorm_6'}
    found |= {'Generator.Output': 'Conv_3'}
    for block in range(3):
        of_block = dict(N1=f'BatchNorm_{2 * block}', N2=f'BatchNorm_{2 * block + 1}')
        of_block |= dict(Conv1=f'UpsampleConv_{2 * block}', Conv2=f'Conv_{block}')
        of_block |= dict(Shortcut=f'UpsampleConv_{2 * block + 1}')
        found |= {f'Generator.{block + 1}.{layer}': ours for layer, ours in of_block.items()}
    of_blocks = (
        dict(Conv1='Conv_0', Conv2='ConvPool_0', Shortcut='Conv_1'),
        dict(Conv1='Conv_2', Conv2='ConvPool_1', Shortcut='ConvPool_2'),
        dict(Conv1='Conv_3', Conv2='Conv_4'),
        dict(Conv1='Conv_5', Conv2='Conv_6'),
    )
    for block, layers in enumerate(of_blocks):
        found |= {f'Discriminator.{block + 1}.{layer}': ours for layer, ours in layers.items()}
    return found | {'Discriminator.Output': 'Dense_0'}


KINDS = dict(W='kernel', b='bias', Filters='kernel', Biases='bias', scale='scale', offset='bias')


def our_name(name: str) -> str:
    """Returns NETWORK/LAYER/KIND of a parameter of theirs."""
    layer, kind = name.rsplit('.', 1)
    return f'{layer.partition(".")[0].lower()}/{names()[layer]}/{KINDS[kind]}'


def is_base(name: str) -> bool:
    """Whether a parameter makes the small image, whose channels come first for them."""
    return name.startswith('Generator.Input.')


def turned(name: str, array: np.ndarray) -> np.ndarray:
    """Ours -> theirs."""
    if is_base(name):
        return array.reshape(-1, 4, 4, WIDTH).transpose(0, 3, 1, 2).reshape(array.shape)
    return array


def turned_back(name: str, array: np.ndarray) -> np.ndarray:
    """Theirs -> ours."""
    if is_base(name):
        return array.reshape(-1, WIDTH, 4, 4).transpose(0, 2, 3, 1).reshape(array.shape)
    return array


def make_shim():
    """Returns TensorFlow as of version 1, and a module of it as their code is to see it."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    def last(images):
        return tf.transpose(images, (0, 2, 3, 1))

    def first(images):
        return tf.transpose(images, (0, 3, 1, 2))

    def batch_norm(x, scale, offset, epsilon, data_format):
        y, mean, variance = tf.nn.fused_batch_norm(last(x), scale, offset, epsilon=epsilon)
        return first(y), mean, variance

    latents = iter(range(100))
    shim = ModuleType('tensorflow')
    shim.__dict__.update(tf.__dict__)
    shim.device = lambda name: contextlib.nullcontext()
    shim.nn = SimpleNamespace(**{name: getattr(tf.nn, name) for name in ('relu', 'bias_add')})
    shim.nn.conv2d = lambda input, filter, strides, padding, data_format: first(
        tf.nn.conv2d(last(input), filter, [1, strides[2], strides[3], 1], padding)
    )
    shim.nn.bias_add = lambda x, bias, data_format='NHWC': (
        first(last(x) + bias) if data_format == 'NCHW' else x + bias
    )
    shim.nn.fused_batch_norm = batch_norm
    shim.random_normal = lambda shape: tf.constant(draw(f'z {next(latents)}', *shape))

    def uniform(shape, minval=0.0, maxval=1.0):
        """The shares; neither noise in the data nor classes are ours."""
        shares = list(shape) == [BATCH, 1]
        return tf.constant(draw_shares() if shares else np.zeros(shape, 'f4'))

    shim.random_uniform = uniform
    sys.modules['tensorflow'] = shim
    unused = ('save_images', 'cifar10', 'inception_score', 'plot')
    for name in ('sklearn', 'sklearn.datasets', *(f'tflib.{name}' for name in unused)):
        sys.modules[name] = ModuleType(name)
    return tf


def modern(text: str) -> str:
    """Returns Python 2's words as Python 3's: print, xrange and whole divisions."""
    text = re.sub(r'^(\s*)print (.*)$', r'\1print(\2)', text, flags=re.MULTILINE)
    text = re.sub(r'(BATCH_SIZE ?|:?len\(DEVICES\))/( ?len|2)', r'\1//\2', text)
    return text.replace('xrange', 'range')


def run_authors(folder: str) -> dict:
    """Returns the names of their module, as it is before its optimisers are made."""
    with tempfile.TemporaryDirectory() as copy:
        for path in Path(folder).glob('tflib/**/*.py'):
            target = Path(copy) / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(modern(path.read_text()))
        sys.path.insert(0, copy)
        text = modern((Path(folder) / 'gan_cifar_resnet.py').read_text())
        text = text[: text.index('    gen_opt = ')]
        for name, value in SETTINGS.items():
            text = re.sub(rf'^{name} = .*$', f'{name} = {value}', text, flags=re.MULTILINE)
        module = {}
        exec(compile(text, 'gan_cifar_resnet.py', 'exec'), module)
    return module


def main(folder: str) -> None:
    tf = make_shim()
    authors = run_authors(folder)
    pixels = channels_first(draw_pixels()).reshape(BATCH, -1)
    feed = {authors['all_real_data_int']: pixels, authors['all_real_labels']: np.zeros(BATCH)}
    images = authors['Generator'](BATCH, None, noise=tf.constant(draw('z', BATCH, LATENTS)))
    logits, _ = authors['Discriminator'](authors['all_real_data'], None)
    values = {
        'images': images,
        'logits': logits,
        'generator loss': authors['gen_cost'],
        'discriminator loss': authors['disc_cost'],
        'penalty': authors['gradient_penalty'],
    }
    costs = dict(generator=authors['gen_cost'], discriminator=authors['disc_cost'])
    arrays = {}
    with tf.Session() as session:
        for name, parameter in sorted(authors['lib']._params.items()):
            if 'moving' not in name:
                shape = parameter.shape.as_list()
                ours = our_name(name)
                parameter.load(turned(name, draw(ours, *shape)), session)
                (gradient,) = tf.gradients(costs[ours.partition('/')[0]], [parameter])
                values[f'gradient, {ours}'] = name, gradient
        for key, value in values.items():
            name, value = value if isinstance(value, tuple) else ('', value)
            arrays[key] = turned_back(name, session.run(value, feed))
    arrays['images'] = channels_last(arrays['images'].reshape(BATCH, 3, SIZE, SIZE))
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

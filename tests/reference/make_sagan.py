"""Writes sagan.npz: what the authors' own TensorFlow code makes of weights drawn here.

    pip install tensorflow-cpu
    git clone https://github.com/brain-research/self-attention-gan
    python tests/reference/make_sagan.py self-attention-gan

Their networks for ImageNet at 128x128 pixels, attention at 32x32, but narrower. The code is of
TensorFlow 1: version 2 runs it through its compatibility module, and what it has of tf.contrib is
made here. Stored are every 16th pixel of generated images, logits, both hinge losses, and of every
gradient its product with a drawn array. Weights, by Flax's names, and inputs are drawn by `draw`,
which the test calls too. Singular vectors are those that power iterations end at, so that one more
leaves them as they are: theirs lets gradients through the iteration, which is nothing there.
"""

import sys
import zlib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

FILE = Path(__file__).parent / 'sagan.npz'
BATCH, CLASSES, LATENTS, SIZE, APART = 3, 4, 8, 128, 16
WIDTHS = dict(generator=2, discriminator=4)
LABELS = np.arange(BATCH)


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns float32 numbers by their name: kernels of unit gain, gains near 1, else N(0, 1)."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith(('scale', 'scale/kernel')):
        noise = 1 + 0.1 * noise
    elif name.endswith(('bias', 'bias/kernel')):
        noise *= 0.1
    elif name.endswith('kernel'):
        noise /= np.sqrt(np.prod(shape[:-1]))
    return np.float32(noise)


def singular(kernel: np.ndarray) -> np.ndarray:
    """Returns what power iterations end at, of a kernel as a matrix [..., C_out]: [1, C_out]."""
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), full_matrices=False)[2][:1]


def names() -> dict[str, str]:
    """Returns their scopes -> ours, which count the layers of a kind as they are called."""
    attention = dict(theta='query', phi='key', g='value', attn='output')
    found = {'g_snh0': 'generator/Generator_0/Dense_0', 'g_bn': 'generator/Generator_0/BatchNorm_0'}
    found['g_snconv_last'] = 'generator/Generator_0/Conv_5'
    found['d_sn_linear'] = 'discriminator/Discriminator_0/Dense_0'
    for block in range(5):
        layers = dict(snconv1=f'UpsampleConv_{2 * block}', snconv2=f'Conv_{block}')
        layers |= dict(snconv3=f'UpsampleConv_{2 * block + 1}')
        layers |= {f'cbn_{index}': f'ConditionalNorm_{2 * block + index}' for index in range(2)}
        for layer, ours in layers.items():
            found[f'g_block{block + 1}/{layer}'] = f'generator/Generator_0/{ours}'
    blocks = {'d_optimized_block1': ('Conv_0', 'ConvPool_0', 'Conv_1')}
    for block in range(2, 6):
        pooled = 2 * block - 3
        blocks[f'd_block{block}'] = f'Conv_{block}', f'ConvPool_{pooled}', f'ConvPool_{pooled + 1}'
    blocks['d_block6'] = 'Conv_6', 'Conv_7'
    for block, layers in blocks.items():
        for index, ours in enumerate(layers, start=1):
            found[f'{block}/sn_conv{index}'] = f'discriminator/Discriminator_0/{ours}'
    for initial, network in (
        ('g', 'generator/Generator_0'),
        ('d', 'discriminator/Discriminator_0'),
    ):
        for theirs, ours in attention.items():
            found[f'{initial}_non_local/sn_conv_{theirs}'] = f'{network}/SelfAttention_0/{ours}'
    return found


def our_name(name: str) -> str:
    """Returns NETWORK/LAYER/KIND of a variable of theirs."""
    if name == 'd_embedding/embedding_map':
        return 'discriminator/Discriminator_0/embedding/kernel'
    layer, kind = name.rsplit('/', 1)
    if kind == 'sigma_ratio':
        network = {'g': 'generator/Generator_0', 'd': 'discriminator/Discriminator_0'}[layer[0]]
        return f'{network}/SelfAttention_0/gamma'
    kinds = dict(
        w='kernel', Matrix='kernel', biases='bias', gamma='scale', beta='bias', bias='bias'
    )
    by_class = '/kernel' if 'cbn' in layer else ''
    return f'{names()[layer]}/{kinds[kind]}{by_class}'


def turned(name: str, array: np.ndarray) -> np.ndarray:
    """Ours -> theirs, whose vectors of classes are rows, and the other way round."""
    return array.T if name.endswith('embedding_map') else array


def make_tensorflow(folder: str):
    """Returns TensorFlow as of version 1, and their two files of networks."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    def batch_norm(x, decay, epsilon, scale, is_training, scope):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            gamma = tf.get_variable('gamma', [x.shape[-1]], initializer=tf.ones_initializer())
            beta = tf.get_variable('beta', [x.shape[-1]], initializer=tf.zeros_initializer())
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    shim = ModuleType('tensorflow')
    shim.__dict__.update(tf.__dict__)
    layers = dict(xavier_initializer=tf.glorot_uniform_initializer, batch_norm=batch_norm)
    shim.contrib = SimpleNamespace(layers=SimpleNamespace(**layers))
    shim.layers = SimpleNamespace(
        max_pooling2d=lambda inputs, pool_size, strides: tf.nn.max_pool(
            inputs, pool_size, strides, 'VALID'
        )
    )
    sys.modules['tensorflow'] = shim
    sys.path.insert(0, folder)
    import discriminator
    import generator

    return tf, generator, discriminator


def main(folder: str) -> None:
    tf, generator, discriminator = make_tensorflow(folder)
    labels = tf.constant(LABELS)
    real = tf.constant(draw('real', BATCH, SIZE, SIZE, 3))
    z = tf.constant(draw('z', BATCH, LATENTS))
    images = generator.generator_test(z, labels, WIDTHS['generator'], CLASSES)

    def judge(images):
        width = WIDTHS['discriminator']
        return discriminator.discriminator_test(images, labels, width, CLASSES, 'NO_OPS')[:, 0]

    logits, fake_logits = judge(real), judge(images)
    hinges = tf.nn.relu(1 - logits), tf.nn.relu(1 + fake_logits)
    losses = {
        'generator': -tf.reduce_mean(fake_logits),
        'discriminator': sum(map(tf.reduce_mean, hinges)),
    }
    values = {'images': images[:, ::APART, ::APART], 'logits': logits}
    values |= {f'{name} loss': value for name, value in losses.items()}
    weights = {}
    with tf.Session() as session:
        for variable in tf.trainable_variables():
            name = variable.op.name.removeprefix('model/')
            ours = our_name(name)
            drawn = draw(ours, *turned(name, np.empty(variable.shape, 'i1')).shape)
            variable.load(turned(name, drawn), session)
            weights[name] = variable, ours, drawn
        for vector in tf.global_variables():
            scope, _, kind = vector.op.name.removeprefix('model/').rpartition('/')
            if kind == 'u':
                (kernel,) = (
                    drawn
                    for name, (_, ours, drawn) in weights.items()
                    if name.startswith(f'{scope}/') and ours.endswith('kernel')
                )
                vector.load(singular(kernel), session)
        for player, loss in losses.items():
            moved = [(v, ours) for v, ours, _ in weights.values() if ours.startswith(player)]
            gradients = tf.gradients(loss, [variable for variable, _ in moved])
            for gradient, (_, ours) in zip(gradients, moved):
                values[f'gradient, {ours}'] = tf.convert_to_tensor(gradient)
        arrays = session.run(values)
    for name, (_, ours, drawn) in weights.items():
        gradient = turned(name, arrays[f'gradient, {ours}'])
        direction = draw(f'direction {ours}', *drawn.shape)
        arrays[f'gradient, {ours}'] = np.sum(gradient * direction)
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

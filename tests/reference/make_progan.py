"""Writes progan.npz: what the authors' own TensorFlow code makes of weights drawn here.

    pip install tensorflow-cpu
    git clone https://github.com/tkarras/progressive_growing_of_gans
    python tests/reference/make_progan.py progressive_growing_of_gans

Their code is of TensorFlow 1 and for GPUs: version 2 runs it through its compatibility module, and
what a CPU does not convolve, channels first, is turned. Outputs are stored at several levels of
detail, in training a whole number plus how much of the level below is left; at one of them, the
gradients of both losses too. Weights, by Flax's names, and inputs are drawn by `draw`, which the
test calls too. Images are stored [B, H, W, C].
"""

import sys
import zlib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

FILE = Path(__file__).parent / 'progan.npz'
SIZE, CHANNELS, LATENTS, WIDTH, MOST, BATCH = 16, 3, 8, 64, 8, 8
DETAILS = (2.0, 1.75, 1.0, 0.4, 0.0)  # levels below the last
GROUPS = 2  # of four images each, whose deviation the discriminator sees


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns standard normal numbers, float32, by their name."""
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype('f4')


def channels_first(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2)


def channels_last(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 2, 3, 1)


def grouped(batch: np.ndarray) -> np.ndarray:
    """Neighbours, which are a group here, far apart: theirs takes every GROUPS-th image."""
    return batch.reshape(GROUPS, -1, *batch.shape[1:]).swapaxes(0, 1).reshape(batch.shape)


def ungrouped(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(-1, GROUPS, *batch.shape[1:]).swapaxes(0, 1).reshape(batch.shape)


def same(array):
    return array


def from_latents(kernel: np.ndarray) -> np.ndarray:
    """[4, 4, C, F] -> [C, F 4 4]."""
    return kernel.transpose(2, 3, 0, 1).reshape(kernel.shape[2], -1)


def from_features(kernel: np.ndarray) -> np.ndarray:
    """[4 4 C, F] -> [C 4 4, F]."""
    return kernel.reshape(16, -1, kernel.shape[-1]).swapaxes(0, 1).reshape(kernel.shape)


def transposed(kernel: np.ndarray) -> np.ndarray:
    """A transposed convolution turns its kernel around and has the output's channels first."""
    return kernel[::-1, ::-1].swapaxes(2, 3)


# Theirs -> ours, and how ours is turned into theirs.
def generator_names():
    names = {'4x4/Dense': ('latent_4x4', from_latents), '4x4/Conv': ('conv_4x4', same)}
    for level, size in enumerate(('4x4', '8x8', '16x16')):
        names[f'ToRGB_lod{2 - level}'] = (f'to_rgb_{size}', same)
        if level:
            names[f'{size}/Conv0_up'] = (f'upsample_{size}', transposed)
            names[f'{size}/Conv1'] = (f'conv_{size}', same)
    return names


def discriminator_names():
    names = {
        '4x4/Conv': ('conv_4x4', same),
        '4x4/Dense0': ('dense', from_features),
        '4x4/Dense1': ('logit', same),
    }
    for level, size in enumerate(('4x4', '8x8', '16x16')):
        names[f'FromRGB_lod{2 - level}'] = (f'from_rgb_{size}', same)
        if level:
            names[f'{size}/Conv0'] = (f'conv_{size}', same)
            names[f'{size}/Conv1_down'] = (f'pool_{size}', same)
    return names


def turned_back(turn, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undoes what `turn` does to an array of a shape."""
    places = turn(np.arange(array.size).reshape(shape))
    result = np.empty(array.size, array.dtype)
    result[places.ravel()] = array.ravel()
    return result.reshape(shape)


def make_shim():
    """Returns TensorFlow as of version 1, and a module of it that convolves channels first."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()

    def last(sizes):
        return [sizes[index] for index in (0, 2, 3, 1)]

    def turned(function, images):
        return tf.transpose(function(tf.transpose(images, (0, 2, 3, 1))), (0, 3, 1, 2))

    shim = ModuleType('tensorflow')
    shim.__dict__.update(tf.__dict__)
    shim.nn = SimpleNamespace(
        relu=tf.nn.relu,
        softplus=tf.nn.softplus,
        conv2d=lambda x, w, strides, padding, data_format: turned(
            lambda x: tf.nn.conv2d(x, w, last(strides), padding), x
        ),
        conv2d_transpose=lambda x, w, shape, strides, padding, data_format: turned(
            lambda x: tf.nn.conv2d_transpose(x, w, last(shape), last(strides), padding), x
        ),
        depthwise_conv2d=lambda x, w, strides, padding, data_format: turned(
            lambda x: tf.nn.depthwise_conv2d(x, w, last(strides), padding), x
        ),
        avg_pool=lambda x, ksize, strides, padding, data_format: turned(
            lambda x: tf.nn.avg_pool(x, last(ksize), last(strides), padding), x
        ),
    )
    shim.random_normal = lambda shape: tf.constant(grouped(draw('z', *shape)))
    sys.modules['tensorflow'] = shim
    return tf, shim


def prepare_tensorflow(folder: str):
    """Returns TensorFlow and their networks, losses and loop, which find in it what they import."""
    tf, shim = make_shim()
    shim.random_uniform = lambda *_, **__: tf.constant(grouped(mixing_shares()))
    sys.modules['tfutil'] = SimpleNamespace(
        lerp=lambda a, b, t: a + (b - a) * t, autosummary=lambda name, value: value
    )
    sys.modules['misc'] = SimpleNamespace(adjust_dynamic_range=lambda images, *_: images)
    sys.modules['dataset'] = sys.modules['config'] = SimpleNamespace()
    sys.path.insert(0, folder)
    import loss
    import networks
    import train

    return tf, networks, loss, train


def mixing_shares() -> np.ndarray:
    """Where between real and generated images the gradient penalty looks, in 0 .. 1."""
    return 1 / (1 + np.exp(-draw('mixing', BATCH, 1, 1, 1)))


def make_pair(tf, networks):
    """Returns their generator and discriminator, as their losses know them."""
    options = dict(num_channels=CHANNELS, resolution=SIZE, fmap_base=WIDTH, fmap_max=MOST)
    options |= dict(label_size=0, structure='linear')

    def within(scope, function):
        def call(*inputs, **_):
            with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
                return function(*inputs, **options)

        return call

    def generator(z, labels, **options):
        return networks.G_paper(z, labels, latent_size=LATENTS, **options)

    return (
        SimpleNamespace(
            input_shapes=[[None, LATENTS]], get_output_for=within('generator', generator)
        ),
        SimpleNamespace(
            output_shapes=[[None, 1], [None, 0]],
            get_output_for=within('discriminator', networks.D_paper),
        ),
    )


def load_drawn(tf, session):
    """Gives every variable its drawn value.

    Returns:
      the variables of levels of detail; {'NETWORK/LAYER/KIND': (variable, turn, our shape)}.
    """
    names = dict(generator=generator_names(), discriminator=discriminator_names())
    details, weights = [], {}
    for variable in tf.global_variables():
        network, name = variable.op.name.split('/', 1)
        if name == 'lod':
            details.append(variable)
            continue
        layer, kind = name.rsplit('/', 1)
        ours, turn = names[network][layer]
        turn, kind = (turn, 'kernel') if kind == 'weight' else (same, 'bias')
        shape = variable.shape.as_list()
        if turn is from_latents:
            shape = [4, 4, LATENTS, shape[1] // 16]
        elif turn is transposed:
            shape = [*shape[:2], shape[3], shape[2]]
        name = f'{network}/{ours}/{kind}'
        variable.load(turn(draw(name, *shape)), session)
        weights[name] = variable, turn, shape
    return details, weights


def main(folder: str) -> None:
    tf, networks, loss, train = prepare_tensorflow(folder)
    generator, discriminator = make_pair(tf, networks)
    none = tf.zeros([BATCH, 0])
    real = tf.constant(channels_first(grouped(draw('real', BATCH, SIZE, SIZE, CHANNELS))))
    images = generator.get_output_for(tf.constant(draw('z', BATCH, LATENTS)), none)
    logits = discriminator.get_output_for(real)[0]
    optimizer = SimpleNamespace(apply_loss_scaling=same, undo_loss_scaling=same)
    data = SimpleNamespace(get_random_labels_tf=lambda count: none)
    game = generator, discriminator, optimizer, data, BATCH
    losses = {
        'generator': loss.G_wgan_acgan(*game),
        'discriminator': loss.D_wgangp_acgan(*game, real, none),
        'discriminator, 750': loss.D_wgangp_acgan(*game, real, none, wgan_target=750.0),
    }
    arrays = {}
    with tf.Session() as session:
        details, weights = load_drawn(tf, session)
        for lod in DETAILS:
            for variable in details:
                variable.load(lod, session)
            arrays[f'images, {lod}'] = channels_last(session.run(images))
            arrays[f'logits, {lod}'] = ungrouped(session.run(logits)[:, 0])
            size = SIZE // 2 ** int(lod)
            seen = channels_first(draw(f'real {size}', BATCH, size, size, CHANNELS))
            faded = train.process_reals(tf.constant(seen), tf.constant(lod), False, None, None)
            arrays[f'faded, {lod}'] = channels_last(session.run(faded))
            for name, value in losses.items():
                arrays[f'{name} loss, {lod}'] = np.mean(session.run(value))
        for variable in details:
            variable.load(0.4, session)
        for name, (variable, turn, shape) in sorted(weights.items()):
            (gradient,) = tf.gradients(tf.reduce_mean(losses[name.split('/')[0]]), [variable])
            value = session.run(tf.convert_to_tensor(gradient))
            arrays[f'gradient, {name}'] = turned_back(turn, value, shape)
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

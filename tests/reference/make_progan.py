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


def prepare_tensorflow(folder: str):
    """Returns their networks, losses and loop, which find what they import of TensorFlow 1."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    shim = ModuleType('tensorflow')
    shim.__dict__.update(tf.__dict__)
    shim.nn = SimpleNamespace(
        conv2d=lambda x, w, strides, padding, data_format: tf.transpose(
            tf.nn.conv2d(
                tf.transpose(x, (0, 2, 3, 1)), w, [strides[i] for i in (0, 2, 3, 1)], padding
            ),
            (0, 3, 1, 2),
        ),
        conv2d_transpose=lambda x, w, shape, strides, padding, data_format: tf.transpose(
            tf.nn.conv2d_transpose(
                tf.transpose(x, (0, 2, 3, 1)),
                w,
                [shape[i] for i in (0, 2, 3, 1)],
                [strides[i] for i in (0, 2, 3, 1)],
                padding,
            ),
            (0, 3, 1, 2),
        ),
        avg_pool=lambda x, ksize, strides, padding, data_format: tf.transpose(
            tf.nn.avg_pool(
                tf.transpose(x, (0, 2, 3, 1)),
                [ksize[i] for i in (0, 2, 3, 1)],
                [strides[i] for i in (0, 2, 3, 1)],
                padding,
            ),
            (0, 3, 1, 2),
        ),
        relu=tf.nn.relu,
    )
    drawn = {'random_normal': draw('z', BATCH, LATENTS), 'random_uniform': mixing_shares()}
    shim.random_normal = lambda shape: tf.constant(grouped(drawn['random_normal']))
    shim.random_uniform = lambda *_, **__: tf.constant(grouped(drawn['random_uniform']))
    sys.modules['tensorflow'] = shim
    lerp = SimpleNamespace(lerp=lambda a, b, t: a + (b - a) * t, autosummary=lambda name, x: x)
    sys.modules['tfutil'] = lerp
    sys.modules['misc'] = SimpleNamespace(adjust_dynamic_range=lambda x, *_: x)
    sys.modules['dataset'] = sys.modules['config'] = SimpleNamespace()
    sys.path.insert(0, folder)
    import loss
    import networks
    import train

    return tf, networks, loss, train


def mixing_shares() -> np.ndarray:
    """Where between real and generated images the gradient penalty looks, in 0 .. 1."""
    return 1 / (1 + np.exp(-draw('mixing', BATCH, 1, 1, 1)))


def main(folder: str) -> None:
    tf, networks, loss, train = prepare_tensorflow(folder)
    options = dict(
        num_channels=CHANNELS,
        resolution=SIZE,
        label_size=0,
        fmap_base=WIDTH,
        fmap_max=MOST,
        structure='linear',
    )
    none = tf.zeros([BATCH, 0])
    scopes = dict(
        generator=lambda z, _: networks.G_paper(z, none, latent_size=LATENTS, **options),
        discriminator=lambda images: networks.D_paper(images, **options),
    )

    def play(name):
        def call(*inputs, **_):
            with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
                return scopes[name](*inputs)

        return call

    shapes = dict(
        generator=SimpleNamespace(input_shapes=[[None, LATENTS]], get_output_for=play('generator')),
        discriminator=SimpleNamespace(
            output_shapes=[[None, 1], [None, 0]], get_output_for=play('discriminator')
        ),
    )
    G, D = shapes['generator'], shapes['discriminator']
    real = tf.constant(channels_first(grouped(draw('real', BATCH, SIZE, SIZE, CHANNELS))))
    images = G.get_output_for(tf.constant(draw('z', BATCH, LATENTS)), none)
    logits = D.get_output_for(real)[0]
    opt = SimpleNamespace(apply_loss_scaling=same, undo_loss_scaling=same)
    data = SimpleNamespace(get_random_labels_tf=lambda count: none)
    losses = {
        'generator': loss.G_wgan_acgan(G, D, opt, data, BATCH),
        'discriminator': loss.D_wgangp_acgan(G, D, opt, data, BATCH, real, none),
        'discriminator, 750': loss.D_wgangp_acgan(
            G, D, opt, data, BATCH, real, none, wgan_target=750.0
        ),
    }
    names = dict(generator=generator_names(), discriminator=discriminator_names())
    arrays = {}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        lods = []
        found = {network: {} for network in names}
        for variable in tf.global_variables():
            network, name = variable.op.name.split('/', 1)
            if name == 'lod':
                lods.append(variable)
                continue
            layer, kind = name.rsplit('/', 1)
            ours, turn = names[network][layer]
            turn, kind = (turn, 'kernel') if kind == 'weight' else (same, 'bias')
            theirs = variable.shape.as_list()
            shape = theirs
            if turn is from_latents:
                shape = [4, 4, LATENTS, theirs[1] // 16]
            elif turn is transposed:
                shape = [*theirs[:2], theirs[3], theirs[2]]
            variable.load(turn(draw(f'{network}/{ours}/{kind}', *shape)), session)
            found[network][f'{ours}/{kind}'] = variable, turn, shape
        for lod in DETAILS:
            for variable in lods:
                variable.load(lod, session)
            arrays[f'images, {lod}'] = channels_last(session.run(images))
            arrays[f'logits, {lod}'] = ungrouped(session.run(logits)[:, 0])
            small = SIZE // 2 ** int(lod)
            seen = channels_first(draw(f'real {small}', BATCH, small, small, CHANNELS))
            faded = train.process_reals(tf.constant(seen), tf.constant(lod), False, None, None)
            arrays[f'faded, {lod}'] = channels_last(session.run(faded))
            for name, value in losses.items():
                arrays[f'{name} loss, {lod}'] = np.mean(session.run(value))
        for variable in lods:
            variable.load(0.4, session)
        for network in names:
            variables = {name: found[network][name] for name in sorted(found[network])}
            mean = tf.reduce_mean(losses[network])
            gradients = tf.gradients(mean, [variable for variable, _, _ in variables.values()])
            values = session.run([tf.convert_to_tensor(g) for g in gradients])
            for (name, (_, turn, shape)), value in zip(variables.items(), values):
                arrays[f'gradient, {network}/{name}'] = turned_back(turn, value, shape)
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

"""Writes stylegan.npz: what the authors' own TensorFlow code makes of weights drawn here.

    pip install tensorflow-cpu
    git clone https://github.com/NVlabs/stylegan
    python -m tests.reference.make_stylegan stylegan

As `make_progan.py`, but in float64. Their networks are those of structure 'fixed', which do not
grow, and noise is one and the same for all images. Stored are outputs, both losses and the
gradients of all weights.
"""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

from tests.reference import make_progan
from tests.reference.make_progan import (
    BATCH,
    channels_first,
    channels_last,
    from_features,
    grouped,
    make_shim,
    same,
    turned_back,
    ungrouped,
)

FILE = Path(__file__).parent / 'stylegan.npz'
SIZE, CHANNELS, LATENTS, STYLES, MAPPED, WIDTH, MOST = 16, 3, 8, 6, 2, 64, 8
SIZES = 4, 8, 16
LAYERS = '4x4/Const', '4x4/Conv', '8x8/Conv0_up', '8x8/Conv1', '16x16/Conv0_up', '16x16/Conv1'


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns normal numbers, float32, by their name.

    Of these draws no unit is so near 0 that rounding decides on which side a rectifier sees it.
    """
    scale = 100 if name.startswith('mapping') else 1  # it takes a hundredth of its weights
    return make_progan.draw(f'stylegan {name}', *shape) * scale


def names() -> dict[str, tuple[str, object]]:
    """Returns theirs -> ours, and how ours is turned into theirs."""
    known = {}
    for index in range(MAPPED):
        known[f'mapping/Dense{index}'] = f'mapping/EqualizedDense_{index}', same
    for index, layer in enumerate(LAYERS):
        conv = f'/EqualizedConv_{index - 1}' if index else ''
        known[f'synthesis/{layer}'] = f'synthesis{conv}', same
        known[f'synthesis/{layer}/Noise'] = f'synthesis/_Told_{index}', same
        known[f'synthesis/{layer}/StyleMod'] = f'synthesis/_Told_{index}/EqualizedDense_0', same
    known['synthesis/ToRGB_lod0'] = f'synthesis/EqualizedConv_{len(LAYERS) - 1}', same
    convs = ['FromRGB_lod0']
    convs += [f'{n}x{n}/{layer}' for n in SIZES[:0:-1] for layer in ('Conv0', 'Conv1_down')]
    for index, layer in enumerate((*convs, '4x4/Conv')):
        known[f'discriminator/{layer}'] = f'discriminator/EqualizedConv_{index}', same
    known['discriminator/4x4/Dense0'] = 'discriminator/EqualizedDense_0', from_features
    known['discriminator/4x4/Dense1'] = 'discriminator/EqualizedDense_1', same
    return known


def wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64)


def constant(array: np.ndarray) -> np.ndarray:
    """[4, 4, C] -> [1, C, 4, 4]."""
    return array.transpose(2, 0, 1)[None]


def prepare_tensorflow(folder: str):
    """Returns TensorFlow and their networks and losses, which find in it what they import."""
    tf, shim = make_shim()
    shim.float32 = tf.float64  # what they convert to

    def get_variable(name, shape=(), initializer=None, trainable=True):
        first = initializer if shape else tf.constant_initializer(initializer)
        return tf.get_variable(name, shape, tf.float64, first, trainable=trainable)

    shim.get_variable = get_variable
    shim.random_normal = lambda shape: tf.constant(grouped(wide(draw('z', *shape))))
    tflib = ModuleType('dnnlib.tflib')
    tflib.autosummary = SimpleNamespace(autosummary=lambda name, value: value)
    sys.modules['dnnlib'] = SimpleNamespace(tflib=tflib, EasyDict=dict)
    sys.modules['dnnlib.tflib'] = tflib
    sys.modules['dnnlib.tflib.autosummary'] = tflib.autosummary
    sys.path.insert(0, folder)
    from training import loss, networks_stylegan

    return tf, networks_stylegan, loss


def make_pair(tf, networks):
    """Returns their generator and discriminator, as their losses know them."""
    options = dict(num_channels=CHANNELS, resolution=SIZE, fmap_base=WIDTH, fmap_max=MOST)
    options |= dict(structure='fixed', latent_size=LATENTS, dlatent_size=STYLES, label_size=0)
    options |= dict(mapping_layers=MAPPED, mapping_fmaps=STYLES, dlatent_broadcast=len(LAYERS))
    # They make a shape of use_noise, which is True there.
    options |= dict(dtype='float64', use_noise=1, randomize_noise=False)

    def within(scope, function, *inputs):
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            return function(*inputs, **options)

    def generate(z, labels, **_):
        styles = within('mapping', networks.G_mapping, z, labels)
        return within('synthesis', networks.G_synthesis, styles)

    def judge(images, labels, **_):
        return within('discriminator', networks.D_basic, images, labels)

    return (
        SimpleNamespace(input_shapes=[[None, LATENTS]], get_output_for=generate),
        SimpleNamespace(get_output_for=judge),
    )


def load_drawn(tf, session):
    """Gives every variable its drawn value; returns {ours: (variable, turn, our shape)}."""
    known, weights = names(), {}
    for variable in tf.global_variables():
        theirs = variable.op.name
        layer, kind = theirs.rsplit('/', 1)
        shape = variable.shape.as_list()
        if kind == 'lod':
            variable.load(0.0, session)
            continue
        if kind.startswith('noise'):
            variable.load(draw(kind, *shape), session)
            continue
        ours, turn = known[layer]
        weight = 'noise' if layer.endswith('Noise') else 'kernel'
        kind = {'weight': weight, 'const': 'constant'}.get(kind, kind)
        turn = constant if kind == 'constant' else turn if kind == 'kernel' else same
        shape = [*shape[2:], shape[1]] if turn is constant else shape
        name = f'{ours}/{kind}'
        variable.load(turn(draw(name, *shape)), session)
        weights[name] = variable, turn, shape
    return weights


def main(folder: str) -> None:
    tf, networks, loss = prepare_tensorflow(folder)
    generator, discriminator = make_pair(tf, networks)
    none = tf.zeros([BATCH, 0])
    pixels = wide(draw('real', BATCH, SIZE, SIZE, CHANNELS))
    real = tf.constant(channels_first(grouped(pixels)))
    images = generator.get_output_for(tf.constant(wide(draw('z', BATCH, LATENTS))), none)
    logits = discriminator.get_output_for(real, none)
    scaling = SimpleNamespace(apply_loss_scaling=same, undo_loss_scaling=same)
    data = SimpleNamespace(get_random_labels_tf=lambda count: none)
    game = generator, discriminator, scaling, data, BATCH
    losses = {
        'generator': tf.reduce_mean(loss.G_logistic_nonsaturating(*game)),
        'discriminator': tf.reduce_mean(loss.D_logistic_simplegp(*game, real, none)),
    }
    arrays = {}
    with tf.Session() as session:
        weights = load_drawn(tf, session)
        arrays['images'] = channels_last(session.run(images))
        arrays['logits'] = ungrouped(session.run(logits)[:, 0])
        for name, value in losses.items():
            arrays[f'{name} loss'] = session.run(value)
        for name, (variable, turn, shape) in sorted(weights.items()):
            player = 'discriminator' if name.startswith('discriminator') else 'generator'
            (gradient,) = tf.gradients(losses[player], [variable])
            value = session.run(tf.convert_to_tensor(gradient))
            arrays[f'gradient, {name}'] = turned_back(turn, value, shape)
    np.savez_compressed(FILE, **{name: np.float32(array) for name, array in arrays.items()})


if __name__ == '__main__':
    main(sys.argv[1])

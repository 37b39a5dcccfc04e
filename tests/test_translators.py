"""The translators and PatchGAN against the authors' code, with the same weights and images.

`reference/make_translators.py` writes what PyTorch says, in float64. Weights and images are drawn
on both sides by `draw`, from the names of Flax's variables.
"""

import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import build_network
from gan_jax.usage import UsageError

with np.load(Path(__file__).parent / 'reference' / 'translators.npz') as archive:
    AUTHORS = dict(archive)


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name, as `make_translators.py` draws it."""
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


def drawn(tree, prefix, suffix=''):
    """Returns a tree of which every leaf is drawn from its own name."""

    def draw_leaf(path, leaf):
        name = jax.tree_util.keystr(path, simple=True, separator='/')
        return draw(f'{prefix}/{name}{suffix}', leaf.shape)

    return jax.tree_util.tree_map_with_path(draw_leaf, tree)


INIT = dict(name='normal', stddev=0.02)
PLAIN = dict(normalization='plain_instance', normalized_bias=True, kernel_init=INIT)
# With one image in a batch, the authors' batch normalisation is that of an instance.
AFFINE = dict(normalization='instance', normalized_bias=False, kernel_init=INIT)
RESNET = dict(
    name='resnet_translator.Translator',
    width=2,
    halvings=2,
    blocks=2,
    upsampling='transposed',
    **PLAIN,
)
UNET = dict(name='unet.Translator', widths=(2, 4, 8, 16, 16), dropouts=0, **AFFINE)
PATCHGAN = dict(name='patchgan.Discriminator', widths=(2, 4, 8, 16), weights='plain', **PLAIN)
# The authors' name -> section of a config, what the data decide, arguments after the images
NETWORKS = {
    'resnet': (RESNET, dict(image_shape=(16, 16, 3)), ()),
    'unet': (UNET, dict(image_shape=(32, 32, 3)), (np.zeros((2, 2), np.uint32),)),
    'patchgan': (PATCHGAN, {}, ()),
}


@pytest.mark.parametrize('name', NETWORKS)
def test_outputs_and_gradients_are_the_authors(name):
    """By the images, and by each weight along a drawn direction."""
    section, given, told = NETWORKS[name]
    network = build_network(section, **given)
    images = draw(f'{name}/images', (2, *((16, 16) if name == 'resnet' else (32, 32)), 3))
    shapes = jax.eval_shape(network.init, jax.random.key(0), images, *told)['params']
    probe = draw(f'{name}/probe', AUTHORS[f'{name}, output'].shape)

    def product(params, images):
        output = network.apply({'params': params}, images, *told).reshape(probe.shape)
        return jnp.sum(output * probe), output

    with jax.default_matmul_precision('highest'):
        (_, output), (by_weight, by_image) = jax.jit(
            jax.value_and_grad(product, argnums=(0, 1), has_aux=True)
        )(drawn(shapes, name), images)
    slopes = jax.tree.map(lambda g, d: jnp.sum(g * d), by_weight, drawn(shapes, name, '/probe'))
    named = {
        jax.tree_util.keystr(path, simple=True, separator='/'): slope
        for path, slope in jax.tree.leaves_with_path(slopes)
    }
    np.testing.assert_allclose(output, AUTHORS[f'{name}, output'], rtol=1e-4, atol=1e-5)
    assert_near(by_image, AUTHORS[f'{name}, gradient'])
    assert_near(np.array([named[weight] for weight in sorted(named)]), AUTHORS[f'{name}, slopes'])


def assert_near(array, expected):
    """To 1e-4 of the largest."""
    np.testing.assert_allclose(array, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_a_logit_of_four_widths_sees_70_pixels():
    """The 70x70 PatchGAN: beyond them nothing moves it, and 256 pixels make 30x30 logits."""
    network = build_network({**PATCHGAN, 'normalization': 'none'})
    images = jnp.asarray(draw('images', (1, 256, 256, 3)))
    variables = network.init(jax.random.key(0), images)
    logits, back = jax.vjp(lambda x: network.apply(variables, x), images)
    assert logits.shape == (1, 30, 30)
    (seen,) = back(jnp.zeros_like(logits).at[0, 15, 15].set(1))
    rows = np.flatnonzero(np.any(seen != 0, axis=(0, 2, 3)))
    assert rows.max() - rows.min() + 1 == 70


def test_dropout_is_each_images_own_and_halves_the_features():
    """The same key drops the same, beside whichever images; none drops none."""
    network = build_network({**UNET, 'dropouts': 3}, image_shape=(32, 32, 3))
    images, noise = draw('images', (3, 32, 32, 3)), np.array([[0, 1], [0, 2], [0, 1]], np.uint32)
    images[2] = images[0]
    params = drawn(jax.eval_shape(network.init, jax.random.key(0), images, noise), 'unet')
    output = jax.jit(network.apply)(params, images, noise)
    other = jax.jit(network.apply)(params, images, noise[::-1] + np.uint32(1))
    np.testing.assert_allclose(output[0], output[2], atol=1e-6)
    assert np.abs(output[1] - other[1]).max() > 0.01
    without = build_network(UNET, image_shape=(32, 32, 3)).apply(params, images, noise)
    assert np.abs(output - without).max() > 0.01


@pytest.mark.parametrize(
    'section, told', ((RESNET, ()), (UNET, (np.zeros((1, 2), np.uint32),))), ids=('resnet', 'unet')
)
def test_a_size_that_cannot_be_halved_is_refused(section, told):
    network = build_network(section, image_shape=(30, 30, 3))
    with pytest.raises(UsageError, match='30x30 pixels are not multiples of'):
        network.init(jax.random.key(0), np.zeros((1, 30, 30, 3)), *told)

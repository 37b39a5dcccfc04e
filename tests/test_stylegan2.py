"""StyleGAN2's networks, path lengths and R1 against the authors' own, and each image on its own.

`reference/make_stylegan2.py` writes what the authors' code says of weights and inputs that both
sides draw by `draw`.
"""

import zlib
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.games.adversarial.path_length import path_length_penalty, path_lengths
from gan_jax.models import resample, stylegan2
from gan_jax.models.conv import convolve
from gan_jax.penalties import r1

with np.load(Path(__file__).parent / 'reference' / 'stylegan2.npz') as archive:
    OFFICIAL = dict(archive)

SIZE, COLOURS, Z, W, BATCH = 16, 3, 5, 6, 8
WIDTHS = dict(channel_base=64, channel_max=8)
DISCRIMINATORS = {
    'orig': stylegan2.PlainDiscriminator(**WIDTHS),
    'resnet': stylegan2.ResidualDiscriminator(**WIDTHS),
    'skip': stylegan2.SkipDiscriminator(**WIDTHS),
}


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name, as `make_stylegan2.py` draws it."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    noise *= {'bias': 0.1, 'noise': 0.5}.get(name.rpartition('/')[2], 1.0)
    slow = name.startswith('mapping') or '_Direction' in name
    return (noise * (100 if slow and '_Embedding' not in name else 1)).astype(np.float32)


def drawn_params(network: str, module, *args):
    shapes = jax.eval_shape(lambda key: module.init(key, *args), jax.random.key(0))['params']
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: draw(f'{network}/{_name(path)}', leaf.shape), shapes
    )


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator='/')


def assert_same(tree, section: str):
    """Whether gradients are the authors', each within 1e-4 of its largest number."""
    leaves = {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
    prefix = f'{section}/gradient/'
    known = {key.removeprefix(prefix) for key in OFFICIAL if key.startswith(prefix)}
    assert known and known <= {*leaves}
    for name, leaf in leaves.items():
        expected = OFFICIAL.get(prefix + name, np.zeros(leaf.shape))
        scale = np.abs(expected).max() + 1e-6
        np.testing.assert_allclose(leaf / scale, expected / scale, atol=1e-4, err_msg=name)


@pytest.fixture(scope='module')
def generator():
    """The authors' generator: (mapping, synthesis) of parameters, and the parameters."""
    mapping = stylegan2.Mapping(W, layers=2)
    synthesis = stylegan2.Synthesis((SIZE, SIZE, COLOURS), **WIDTHS)
    z, bits = draw('z', (BATCH, Z)), jnp.zeros((BATCH, 2), jnp.uint32)
    styles = jnp.zeros((BATCH, synthesis.style_count, W))
    params = {
        'mapping': drawn_params('mapping', mapping, z),
        'synthesis': drawn_params('synthesis', synthesis, styles, bits),
    }

    def see(params, **options):
        average = {'w': jnp.zeros(W)}
        w, new = mapping.apply(
            {'params': params['mapping'], 'average': average}, z, mutable='average', **options
        )
        return w, new['average']['w']

    def make(params, styles):
        return synthesis.apply({'params': params['synthesis']}, styles, bits)

    with pytest.MonkeyPatch.context() as patch, jax.default_matmul_precision('highest'):
        patch.setattr(
            stylegan2,
            'image_noise',
            lambda bits, sizes: (
                draw(f'layer {layer}', (len(bits), size, size, 1))
                for layer, size in enumerate(sizes)
            ),
        )
        yield see, make, params


def every_layer(w):
    return jnp.repeat(w[:, None], 6, axis=1)


def test_styles_are_the_authors(generator):
    see, _, params = generator
    w, average = see(params)
    np.testing.assert_allclose(w, OFFICIAL['mapping/styles'], atol=1e-4)
    np.testing.assert_allclose(average, OFFICIAL['mapping/average'], atol=1e-5)


def test_images_and_their_gradients_are_the_authors(generator):
    see, make, params = generator

    def towards(params):
        images = make(params, every_layer(see(params)[0]))
        return jnp.sum(images * draw('towards', images.shape)), images

    gradients, images = jax.jit(jax.grad(towards, has_aux=True))(params)
    np.testing.assert_allclose(images, OFFICIAL['synthesis/images'], atol=1e-4)
    assert_same(gradients['mapping'], 'mapping')
    assert_same(gradients['synthesis'], 'synthesis')


def test_path_lengths_and_their_gradients_are_the_authors(generator, monkeypatch):
    see, make, params = generator
    monkeypatch.setattr(jax.random, 'normal', lambda key, shape: draw('towards', shape))

    def penalty(params):
        styles = every_layer(see(params)[0])
        lengths = path_lengths(partial(make, params), styles, None)
        value, mean = path_length_penalty(lengths, jnp.float32(0.5))
        return 2 * value, mean

    gradients, mean = jax.jit(jax.grad(penalty, has_aux=True))(params)
    np.testing.assert_allclose(mean, OFFICIAL['path length/mean'], rtol=1e-5)
    assert_same(gradients['mapping'], 'path length/mapping')
    assert_same(gradients['synthesis'], 'path length/synthesis')


@pytest.mark.parametrize('architecture', DISCRIMINATORS)
def test_logits_and_r1_and_their_gradients_are_the_authors(architecture):
    module = DISCRIMINATORS[architecture]
    images = draw('images', (BATCH, SIZE, SIZE, COLOURS))
    params = drawn_params('discriminator', module, images)

    def judge(params, images=images):
        return module.apply({'params': params}, images)

    def towards(params):
        logits = judge(params)
        return logits @ draw('judgement', (BATCH,)), logits

    def penalty(params):
        return r1(partial(judge, params), images, None, None)

    with jax.default_matmul_precision('highest'):
        gradients, logits = jax.jit(jax.grad(towards, has_aux=True))(params)
        np.testing.assert_allclose(logits, OFFICIAL[f'{architecture}/logits'], atol=1e-4)
        assert_same(gradients, architecture)
        assert_same(jax.jit(jax.grad(penalty))(params), f'{architecture}, r1')


def test_styles_and_logits_of_labels_are_the_authors():
    label = jnp.arange(BATCH) % 4
    z, images = draw('z', (BATCH, Z)), draw('images', (BATCH, SIZE, SIZE, COLOURS))
    for name, module, seen in (
        ('mapping, label', stylegan2.ConditionalMapping(W, 2, classes=4), z),
        (
            'logits, label',
            stylegan2.ConditionalPlainDiscriminator(**WIDTHS, classes=4),
            images,
        ),
    ):
        network = name.replace('logits', 'discriminator')
        params = drawn_params(network, module, seen, label)
        variables = {'params': params, 'average': {'w': jnp.zeros(W)}}
        with jax.default_matmul_precision('highest'):
            said = jax.jit(partial(module.apply, train=False))(variables, seen, label)
        np.testing.assert_allclose(said, OFFICIAL[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('convolved', (convolve, resample.convolve_up, resample.convolve_down))
def test_one_convolution_serves_all_images_with_weights_of_their_own(convolved):
    """Equations 1 and 3 image by image, and their gradients."""
    x, style = draw('x', (3, 4, 4, 5)), draw('style', (3, 5))
    kernel = draw('kernel', (3, 3, 5, 6))

    def naive(x, kernel, style):
        def one(x, style):
            own = kernel * style[:, None]
            own /= jnp.sqrt(jnp.sum(jnp.square(own), axis=(0, 1, 2)) + 1e-8)
            return convolved(x[None], own)[0]

        return jnp.stack([one(*pair) for pair in zip(x, style)])

    def shared(x, kernel, style):
        return stylegan2.modulated_convolve(x, kernel, style, convolved)

    def of(function):
        def towards(*arguments):
            y = function(*arguments)
            return jnp.sum(y * draw('towards', y.shape)), y

        return jax.jit(jax.grad(towards, (0, 1, 2), has_aux=True))(x, kernel, style)

    with jax.default_matmul_precision('highest'):
        for one, other in zip(jax.tree.leaves(of(shared)), jax.tree.leaves(of(naive))):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)

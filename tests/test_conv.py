"""Convolutions against their definitions, against XLA's own derivatives and against PyTorch."""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax import mesh as meshes
from gan_jax.models import conv
from gan_jax.models.conv import cpu, winograd
from tests.reference.make_convolutions import CASES, arrays

STORED = np.load(Path(__file__).parent / 'reference' / 'convolutions.npz')


def plain(x, kernel, strides=1, padding='SAME'):
    """XLA's own convolution."""
    return lax.conv_general_dilated(
        x, kernel, (strides, strides), padding, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )


def plain_upsample(x, kernel):
    """Nearest-neighbour upsampling, then a convolution: two steps."""
    return plain(jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), kernel)


def plain_pool(x, kernel):
    """A convolution, then the mean of 2x2 pixels: two steps."""
    y = plain(x, kernel)
    batch, height, width, channels = y.shape
    y = y[:, : height // 2 * 2, : width // 2 * 2]
    return y.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def plain_transposed(x, kernel, padding, output_padding):
    """Zeros between the pixels, then a convolution with the flipped kernel, stride 2."""
    size = kernel.shape[0]
    edge = (size - 1 - padding, size - 1 - padding + output_padding)
    return lax.conv_general_dilated(
        x,
        kernel[::-1, ::-1],
        (1, 1),
        (edge, edge),
        lhs_dilation=(2, 2),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )


# (ours, the definition, kernel size), for images of any size.
PAIRS = {
    'same 1x1': (conv.convolve, plain, 1),
    'same 3x3': (conv.convolve, plain, 3),
    'same 5x4': (conv.convolve, plain, (5, 4)),
    'valid, stride 3, 2x2': (
        partial(conv.convolve, strides=3, padding='VALID'),
        partial(plain, strides=3, padding='VALID'),
        2,
    ),
    'stride 2, 3x3': (partial(conv.convolve, strides=2), partial(plain, strides=2), 3),
    'stride 2, 4x4': (partial(conv.convolve, strides=2), partial(plain, strides=2), 4),
    'stride 2, 5x5': (partial(conv.convolve, strides=2), partial(plain, strides=2), 5),
    'stride 2, 1x1': (partial(conv.convolve, strides=2), partial(plain, strides=2), 1),
    'uneven padding': (
        partial(conv.convolve, padding=((2, 0), (0, 3))),
        partial(plain, padding=((2, 0), (0, 3))),
        3,
    ),
    'upsample 1x1': (conv.upsample_convolve, plain_upsample, 1),
    'upsample 3x3': (conv.upsample_convolve, plain_upsample, 3),
    'upsample 1x5': (conv.upsample_convolve, plain_upsample, (1, 5)),
    'pool 1x1': (conv.convolve_pool, plain_pool, 1),
    'pool 3x3': (conv.convolve_pool, plain_pool, 3),
    'pool 5x1': (conv.convolve_pool, plain_pool, (5, 1)),
    'transposed 4x4': (
        conv.transposed_convolve,
        partial(plain_transposed, padding=1, output_padding=0),
        4,
    ),
    'transposed 5x5': (
        conv.transposed_convolve,
        partial(plain_transposed, padding=2, output_padding=1),
        5,
    ),
}
# Height, width, channels in and out: an image of odd size, with so few channels on one side that
# they are multiplied before the taps are gathered; and one smaller than most of the kernels.
SHAPES = ((7, 10, 2, 40), (3, 2, 4, 3))


def values(function, x, kernel):
    """Returns the output, both gradients, and both gradients of a gradient penalty."""

    def energy(x, kernel):
        return jnp.sum(jnp.sin(function(x, kernel)))

    def penalty(x, kernel):
        return jnp.sum(jnp.square(jax.grad(energy)(x, kernel)))

    both = (0, 1)
    return jax.jit(
        lambda x, kernel: (
            function(x, kernel),
            jax.grad(energy, both)(x, kernel),
            jax.grad(penalty, both)(x, kernel),
        )
    )(x, kernel)


def draw(shape, size, batch=4):
    height, width, inputs, outputs = shape
    generator = np.random.default_rng(0)
    x = generator.normal(size=(batch, height, width, inputs)).astype(np.float32)
    return x, generator.normal(size=(*conv.pair(size), inputs, outputs)).astype(np.float32)


def split(x, kernel):
    """The images on two devices, half the batch each, and the kernel on both."""
    if jax.device_count() < 2:
        pytest.skip('needs two devices')
    mesh = meshes.make_mesh(jax.devices()[:2])
    return (
        jax.device_put(x, meshes.split(mesh, 0)),
        jax.device_put(kernel, meshes.replicated(mesh)),
    )


def assert_close(actual, expected):
    """Equal to float32's precision, relative to the largest entry of each array."""
    for a, e in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        scale = float(np.max(np.abs(e)))
        np.testing.assert_allclose(a, e, rtol=0, atol=2e-5 * max(scale, 1e-3))


@pytest.mark.parametrize('shape', SHAPES, ids=str)
@pytest.mark.parametrize('pair', PAIRS)
def test_values_and_derivatives_are_those_of_the_definition(pair, shape):
    """To the second order: what a gradient penalty differentiates."""
    ours, definition, size = PAIRS[pair]
    x, kernel = draw(shape, size)
    assert_close(values(ours, x, kernel), values(definition, x, kernel))


@pytest.mark.parametrize('pair', PAIRS)
def test_other_backends_compute_the_same(pair, monkeypatch):
    """What runs on a GPU, computed here; it has a forward mode too."""
    ours, definition, size = PAIRS[pair]
    x, kernel = draw(SHAPES[0], size)
    expected = values(definition, x, kernel)
    monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
    assert_close(values(ours, x, kernel), expected)
    one, other = (jax.jvp(f, (x, kernel), (x, kernel))[1] for f in (ours, definition))
    assert_close(one, other)


@pytest.mark.parametrize(
    'pair',
    (
        'same 3x3',
        'valid, stride 3, 2x2',
        'stride 2, 3x3',
        'stride 2, 5x5',
        'uneven padding',
        'upsample 3x3',
        'pool 3x3',
        'transposed 5x5',
    ),
)
def test_winograds_products_are_the_definition(pair, monkeypatch):
    """What wide layers compute, here with few channels and an image to a part."""
    monkeypatch.setattr(cpu, '_is_wide', lambda axes, *channels: True)
    monkeypatch.setattr(winograd, '_PRODUCT', 1)
    monkeypatch.setattr(jax, 'device_count', lambda: 1)
    ours, definition, size = PAIRS[pair]
    x, kernel = draw((7, 10, 2, 4), size)
    assert_close(values(ours, x, kernel), values(definition, x, kernel))


@pytest.mark.parametrize('name', CASES)
def test_values_and_derivatives_are_pytorchs(name):
    transposed, _, stride, padding, output_padding = CASES[name]
    x, kernel = arrays(name)
    if transposed:
        function = partial(
            conv.transposed_convolve,
            strides=stride,
            padding=padding,
            output_padding=output_padding,
        )
    else:
        edges = ((padding, padding), (padding, padding))
        function = partial(conv.convolve, strides=stride, padding=edges)
    y, (dx, dw), (_, penalty_dw) = values(function, x, kernel)
    stored = [STORED[f'{name}/{key}'] for key in ('y', 'dx', 'dw', 'penalty_dw')]
    assert_close([y, dx, dw, penalty_dw], stored)


@pytest.mark.parametrize(
    'layer, shape',
    (
        (conv.Conv(5), (2, 6, 8, 5)),
        (conv.Conv(5, 4, strides=2), (2, 3, 4, 5)),
        (conv.UpsampleConv(5), (2, 12, 16, 5)),
        (conv.ConvPool(5), (2, 3, 4, 5)),
        (conv.ConvTranspose(5), (2, 12, 16, 5)),
        (conv.ConvTranspose(5, 5), (2, 12, 16, 5)),
    ),
)
def test_layers_hold_a_plain_kernel_and_a_bias(layer, shape):
    x = jnp.ones((2, 6, 8, 3))
    params = layer.init(jax.random.key(0), x)['params']
    size = conv.pair(layer.kernel_size)
    assert {k: v.shape for k, v in params.items()} == {'kernel': (*size, 3, 5), 'bias': (5,)}
    assert layer.apply({'params': params}, x).shape == shape
    shifted = {**params, 'bias': params['bias'] + 1}
    difference = layer.apply({'params': shifted}, x) - layer.apply({'params': params}, x)
    np.testing.assert_allclose(difference, 1, atol=1e-5)


@pytest.mark.parametrize('function', (conv.upsample_convolve, conv.convolve_pool))
def test_an_even_kernel_has_no_middle(function):
    with pytest.raises(ValueError, match='odd'):
        function(jnp.ones((1, 4, 4, 2)), jnp.ones((4, 4, 2, 2)))


@pytest.mark.parametrize('pair', ('same 3x3', 'pool 3x3', 'transposed 4x4'))
def test_a_split_batch_gives_the_values_of_a_whole_one(pair):
    ours, _, size = PAIRS[pair]
    x, kernel = draw((8, 8, 4, 4), size)
    assert_close(values(ours, *split(x, kernel)), values(ours, x, kernel))


# As images of 16 MB, and as layers of 128 channels, are.
LARGE = {
    'images': ((128, 128, 64, 2), 4),
    'layer': ((16, 16, 128, 128), 32),
}


@pytest.mark.parametrize('case', LARGE)
@pytest.mark.parametrize('pair', ('same 3x3', 'pool 3x3'))
def test_a_large_batch_is_taken_in_parts_and_stays_where_it_is(pair, case):
    """The parts must not gather a batch that devices share."""
    ours, definition, size = PAIRS[pair]
    shape, batch = LARGE[case]
    x, kernel = draw(shape, size, batch)

    def gradients(function):
        def energy(kernel, x):
            return jnp.sum(jnp.sin(function(x, kernel / 8)))

        return jax.jit(jax.grad(energy, (0, 1)))

    expected = gradients(definition)(kernel, x)
    assert_close(gradients(ours)(kernel, x), expected)
    x, kernel = split(x, kernel)
    compiled = gradients(ours).lower(kernel, x).compile()
    assert_close(compiled(kernel, x), expected)
    moves = ('all-gather', 'all-to-all', 'collective-permute')
    assert not [move for move in moves if move in compiled.as_text()]


@pytest.mark.parametrize('pair', ('same 3x3', 'upsample 3x3'))
def test_recomputed_activations_give_the_same_derivatives(pair):
    ours, _, size = PAIRS[pair]
    x, kernel = draw((6, 4, 4, 4), size)
    assert_close(values(jax.checkpoint(ours), x, kernel), values(ours, x, kernel))


def plain_groups(x, kernel):
    """XLA's own convolution in groups."""
    return lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        'SAME',
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
        feature_group_count=x.shape[-1] // kernel.shape[2],
    )


@pytest.mark.parametrize('size', (1, 3, (4, 5)), ids=str)
@pytest.mark.parametrize('groups', (1, 2, 6))
def test_groups_of_channels_are_convolved_each_on_its_own(size, groups):
    x, _ = draw((5, 4, 12, 0), size)
    _, kernel = draw((0, 0, 12 // groups, 18), size)
    assert_close(values(conv.convolve_groups, x, kernel), values(plain_groups, x, kernel))


def test_groups_of_a_split_batch_stay_where_they_are():
    """XLA's own form gathers all images on every device."""
    x, kernel = draw((4, 4, 8, 0), 3)[0], draw((0, 0, 2, 8), 3)[1]
    compiled = jax.jit(partial(values, conv.convolve_groups)).lower(*split(x, kernel)).compile()
    assert 'all-gather' not in compiled.as_text()
    assert_close(compiled(*split(x, kernel)), values(conv.convolve_groups, x, kernel))


@pytest.mark.parametrize('inputs, outputs, groups, near', ((16, 16, 5, 4), (6, 8, 3, 2)))
def test_groups_that_cannot_be_made_are_refused(inputs, outputs, groups, near):
    layer = conv.GroupedConv(outputs, 3, groups=groups)
    with pytest.raises(ValueError, match=f'into {groups} groups; into {near} they can'):
        layer.init(jax.random.key(0), jnp.zeros((1, 4, 4, inputs)))

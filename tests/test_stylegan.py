"""StyleGAN's networks against NumPy's sums over pixels, written from the paper."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from gan_jax.models import resample, stylegan
from gan_jax.usage import UsageError

SIZE, WIDTHS = 8, dict(channel_base=32, channel_max=6)


def drawn(module, *args):
    """Returns parameters that all differ from what they begin as, and statistics."""
    variables = jax.jit(module.init)(jax.random.key(0), *args)
    random = np.random.RandomState(0)

    def moved(leaf):
        return leaf + 0.3 * random.standard_normal(leaf.shape).astype(np.float32)

    return {**variables, 'params': jax.tree.map(moved, variables['params'])}


def convolve(x, kernel):
    """3x3 or 1x1, zeros beyond the image."""
    edge = len(kernel) // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    return np.einsum(
        'bhwcij,ijco->bhwo', sliding_window_view(padded, kernel.shape[:2], (1, 2)), kernel
    )


def blur(x):
    binomial = np.outer([1, 2, 1], [1, 2, 1]) / 16
    return convolve(x, binomial[:, :, None, None] * np.eye(x.shape[-1]))


def leaky(x):
    return np.maximum(x, 0.2 * x)


def weigh(layer, gain=2**0.5):
    kernel = layer['kernel'].astype(np.float64)
    return kernel * gain / np.sqrt(kernel[..., 0].size)


def told(x, layer, style, noise):
    """Noise, a rectifier, then equation 1."""
    x = leaky(x + noise * layer['noise'])
    dense = layer['EqualizedDense_0']
    scale, bias = np.split(style @ weigh(dense, 1) + dense['bias'], 2, axis=1)
    mean, std = (statistic(x, axis=(1, 2), keepdims=True) for statistic in (np.mean, np.std))
    return (1 + scale)[:, None, None] * (x - mean) / std + bias[:, None, None]


def test_synthesis_is_the_papers(monkeypatch):
    """Figure 1: a constant, then per resolution two convolutions, noise and a style after each."""
    noise = [
        np.random.RandomState(i).standard_normal((2, s, s, 1)) for i, s in enumerate((4, 4, 8, 8))
    ]
    monkeypatch.setattr(stylegan, 'image_noise', lambda bits, sizes: iter(map(jnp.float32, noise)))
    styles = np.random.RandomState(9).standard_normal((2, 4, 5)).astype(np.float32)
    module = stylegan.Synthesis((SIZE, SIZE, 3), **WIDTHS)
    bits = jnp.zeros((2, 2), jnp.uint32)
    variables = drawn(module, styles, bits)
    p = jax.tree.map(np.asarray, variables['params'])

    x = np.broadcast_to(p['constant'] + p['bias'], (2, 4, 4, 6))
    x = told(x, p['_Told_0'], styles[:, 0], noise[0])
    x = convolve(x, weigh(p['EqualizedConv_0'])) + p['EqualizedConv_0']['bias']
    x = told(x, p['_Told_1'], styles[:, 1], noise[1])
    x = convolve(x.repeat(2, axis=1).repeat(2, axis=2), weigh(p['EqualizedConv_1']))
    x = told(blur(x) + p['EqualizedConv_1']['bias'], p['_Told_2'], styles[:, 2], noise[2])
    x = convolve(x, weigh(p['EqualizedConv_2'])) + p['EqualizedConv_2']['bias']
    x = told(x, p['_Told_3'], styles[:, 3], noise[3])
    images = convolve(x, weigh(p['EqualizedConv_3'], 1)) + p['EqualizedConv_3']['bias']
    with jax.default_matmul_precision('highest'):
        made, shown = jax.jit(
            lambda *args: [module.apply(*args, train=train) for train in (True, False)]
        )(variables, styles, bits)
    np.testing.assert_allclose(made, images, atol=1e-4)
    np.testing.assert_allclose(shown, np.clip(images, -1, 1), atol=1e-4)


def test_discriminator_is_the_papers():
    """ProGAN's with a filter before every halving; four images have one standard deviation."""
    images = np.random.RandomState(1).standard_normal((4, SIZE, SIZE, 3)).astype(np.float32)
    module = stylegan.Discriminator(**WIDTHS)
    variables = drawn(module, images)
    p = jax.tree.map(np.asarray, variables['params'])

    def layer(x, index, before=lambda y: y):
        own = p[f'EqualizedConv_{index}']
        return leaky(before(convolve(x, weigh(own))) + own['bias'])

    def halve(x):
        return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4

    x = layer(layer(images, 0), 1)
    x = layer(blur(x), 2, halve)
    deviation = np.full((*x.shape[:3], 1), np.sqrt(x.var(axis=0) + 1e-8).mean())
    x = layer(np.concatenate([x, deviation], axis=3), 3).reshape(4, -1)
    first, last = p['EqualizedDense_0'], p['EqualizedDense_1']
    x = leaky(x @ weigh(first) + first['bias'])
    logits = (x @ weigh(last, 1) + last['bias'])[:, 0]
    with jax.default_matmul_precision('highest'):
        judged = jax.jit(module.apply)(variables, images)
    np.testing.assert_allclose(judged, logits, rtol=1e-4, atol=1e-4)


def test_mapping_is_the_papers_and_truncates_towards_its_average():
    """w of z on a sphere; w_avg + psi (w - w_avg), each image with its own psi."""
    z = np.random.RandomState(2).standard_normal((3, 4)).astype(np.float32)
    module = stylegan.Mapping(5, layers=2)
    variables = drawn(module, z)
    w = z / np.sqrt(np.square(z).mean(axis=1, keepdims=True))
    for layer in ('EqualizedDense_0', 'EqualizedDense_1'):
        own = jax.tree.map(np.asarray, variables['params'][layer])
        w = leaky(w @ weigh(own, np.sqrt(2) / 100) + own['bias'] / 100)
    variables['average'] = {'w': jnp.arange(5.0)}
    see, new = module.apply(variables, z, mutable='average')
    np.testing.assert_allclose(see, w, atol=1e-5)
    average = 0.995 * np.arange(5) + 0.005 * w.mean(axis=0)
    np.testing.assert_allclose(new['average']['w'], average, rtol=1e-5, atol=1e-6)
    psi = np.array([0, 0.5, 1], np.float32)
    near = module.apply(variables, z, train=False, psi=psi)
    np.testing.assert_allclose(near, np.arange(5) + psi[:, None] * (w - np.arange(5)), atol=1e-5)


def test_kernels_of_the_mapping_network_begin_so_that_it_learns_slowly():
    """Section 4.1 of ProGAN with a rate of 0.01: kept 100 times larger, used 100 times smaller."""
    kernel = stylegan.Mapping(256, 1).init(jax.random.key(0), jnp.ones((1, 256)))
    kernel = kernel['params']['EqualizedDense_0']['kernel']
    assert 95 < float(jnp.std(kernel)) < 105


def test_noise_is_an_images_own():
    """Whatever else is in the batch; no two numbers of any layers are the same."""
    bits = jax.random.key_data(jax.random.split(jax.random.key(0), 4))
    noise = [*stylegan.image_noise(bits, (4, 4, 8))]
    assert [layer.shape for layer in noise] == [(4, 4, 4, 1), (4, 4, 4, 1), (4, 8, 8, 1)]
    for layer, same in zip(noise, stylegan.image_noise(bits[1:3], (4, 4, 8))):
        assert np.array_equal(layer[1:3], same)
    numbers = np.concatenate([layer.ravel() for layer in noise])
    assert len(np.unique(numbers)) == len(numbers)


@pytest.mark.parametrize('taps', (resample.BINOMIAL_3, resample.BINOMIAL_4))
def test_a_filter_keeps_brightness_and_what_it_says(taps):
    """The outer product of its taps over every pixel that it reaches."""
    x = np.random.RandomState(3).standard_normal((2, 6, 5, 3)).astype(np.float32)
    weights = np.outer(taps, taps) / sum(taps) ** 2
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, weights.shape, (1, 2))
    expected = np.einsum('bhwcij,ij->bhwc', windows, weights)
    np.testing.assert_allclose(resample.blur(x, taps, 1), expected, atol=1e-6)


def test_resampling_keeps_a_flat_image_flat():
    """But for the edges, where zeros lie beyond it."""
    flat = jnp.ones((1, 8, 8, 1))
    np.testing.assert_allclose(resample.upsample(flat)[:, 1:-1, 1:-1], 1, atol=1e-6)
    np.testing.assert_allclose(resample.downsample(flat)[:, 1:-1, 1:-1], 1, atol=1e-6)
    assert resample.upsample(flat).shape == (1, 16, 16, 1)
    assert resample.downsample(flat).shape == (1, 4, 4, 1)


@pytest.mark.parametrize('size', ((28, 28), (16, 8), (2, 2)))
def test_a_size_that_cannot_be_made_is_refused(size):
    with pytest.raises(UsageError, match=r'doubles 4x4 pixels.*not {}x{}'.format(*size)):
        stylegan.resolutions((*size, 3))
    assert stylegan.resolutions((32, 32, 3)) == [4, 8, 16, 32]

"""Augmentations against their authors' code, and what every one of them must be.

`reference/make_augment.py` writes what the authors' code makes of images that both sides draw.
"""

import re
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import erfinv

from gan_jax import mesh as meshes
from gan_jax.augment import ada as pipeline
from gan_jax.augment.ada import COLOURS, GEOMETRY, MULTIPLIERS, ada, cut_out, matrices, recolour
from gan_jax.augment.bands import BAND_FILTERS, amplify, band_gains
from gan_jax.augment.diffaugment import POLICIES, diffaugment
from gan_jax.augment.simple import flip_and_shift, noise
from gan_jax.augment.warp import SYMLET6, warp

with np.load(Path(__file__).parent / 'reference' / 'augment.npz') as archive:
    AUTHORS = dict(archive)
KEY = jax.random.key(0)
ALL = dict.fromkeys(MULTIPLIERS, 1.0)


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns the uniform float32 array of a name, as `make_augment.py` draws it."""
    return np.random.RandomState(zlib.crc32(name.encode())).uniform(size=shape).astype(np.float32)


def images(*shape: int) -> np.ndarray:
    return 2 * draw('images', *shape) - 1


def at_percentile(transformations, names, percentile, size):
    """Returns matrices of those named with given numbers, the others' the identity.

    The authors' percentile of a normal number is erfinv(2 p - 1), without its factor of sqrt(2). Of
    two rotations the second turns nothing.
    """
    numbers = {
        pipeline.uniform: lambda key, shape: jnp.full(shape, percentile),
        pipeline.normal: lambda key, shape: jnp.full(shape, erfinv(2 * percentile - 1)),
    }
    given = [one._replace(draw=numbers[one.draw]) for one in transformations]
    for index, one in enumerate(given[:-1]):
        if one.matrix in [earlier.matrix for earlier in given[:index]]:
            given[index] = one._replace(draw=lambda key, shape: jnp.full(shape, 0.5))
    multipliers = {name: float(name in names) for name in MULTIPLIERS}
    return matrices(given, multipliers, 1.0, KEY, 1, size)


def of_group(x, names, percentile):
    """Returns images augmented by those of the pipeline that are named."""
    size = x.shape[1:3]
    if {one.matrix.__name__ for one in GEOMETRY} & {*names}:
        x = warp(x, pipeline.compose(at_percentile(GEOMETRY, names, percentile, size)))
    if {one.matrix.__name__ for one in COLOURS} & {*names}:
        x = recolour(x, pipeline.compose(at_percentile(COLOURS, names, percentile, size)[::-1]))
    if 'bands' in names:
        x = amplify(x, band_gains(jnp.full((1, 4), 2 ** erfinv(2 * percentile - 1))))
    if 'cutout' in names:
        x = cut_out(x, jnp.full((1, 2), percentile), jnp.full((1, 1), 0.5))
    return x


GROUPS = {name: [name] for name in MULTIPLIERS if name != 'noise'} | {
    'geometry': [one.matrix.__name__ for one in GEOMETRY],
    'colours': [one.matrix.__name__ for one in COLOURS],
    'all': [name for name in MULTIPLIERS if name != 'noise'],
}


@pytest.mark.parametrize('name', [name for name in AUTHORS if name.startswith('ada')])
def test_the_pipeline_is_its_authors(name):
    """Each transformation, all that move pixels, all that change colours, and all of them."""
    _, kind, percentile = name.split(', ')
    expected = AUTHORS[name]
    output = of_group(images(*expected.shape), GROUPS[kind.partition(' ')[0]], float(percentile))
    np.testing.assert_allclose(output, expected, atol=1e-4)


@pytest.mark.parametrize('name', [name for name in AUTHORS if name.startswith('diffaugment')])
def test_diffaugment_is_its_authors(name):
    """With the numbers that both were handed, in the order in which they are drawn."""
    _, kind, policy = name.split(', ')
    x = images(*dict(rgb=(3, 13, 16, 3), grey=(3, 16, 16, 1))[kind])
    numbers = iter(draw('numbers', 7, 3))
    for part in policy.split(','):
        for one in POLICIES[part]:
            x = one.apply(x, jnp.stack([next(numbers) for _ in range(one.count)], axis=-1))
    np.testing.assert_allclose(x, AUTHORS[name], atol=1e-6)


def test_nothing_is_done_with_a_probability_of_nothing():
    """Doubled and halved by an orthogonal filter, an image is what it was."""
    assert np.allclose([SYMLET6[n:] @ SYMLET6[: 12 - n] for n in (0, 2, 4)], [0.5, 0, 0], atol=1e-8)
    for shape in ((3, 8, 12, 3), (3, 8, 8, 1)):
        x = images(*shape)
        np.testing.assert_allclose(ada(x, 0.0, KEY, ALL), x, atol=2e-6)


def test_bands_together_are_the_image():
    """Their filters add up to one that lets everything pass, and gains of 1 change nothing."""
    middle = np.zeros(BAND_FILTERS.shape[1])
    middle[len(middle) // 2] = 1
    np.testing.assert_allclose(BAND_FILTERS.sum(0), middle, atol=1e-12)
    x = images(2, 8, 12, 3)
    np.testing.assert_allclose(amplify(x, jnp.ones((2, 4))), x, atol=1e-6)


def test_each_transformation_is_taken_as_often_as_it_should_be():
    """With probability p times its multiplier; of two rotations one at least."""
    multipliers = dict.fromkeys(MULTIPLIERS, 0.5)
    drawn = matrices(GEOMETRY, multipliers, 0.8, KEY, 4000, (64, 64))
    taken = [np.any(np.abs(matrix - np.eye(3)) > 1e-6, axis=(1, 2)) for matrix in drawn]
    rotated = taken[4] | taken[6]
    # A flip that mirrors nothing, a turn by 0 and a move by 0 pixels are not seen.
    shares = dict(zip(range(8), (0.2, 0.3, 0.4 * (1 - 1 / 16**2), 0.4, None, 0.4, None, 0.4)))
    for index, share in shares.items():
        if share:
            assert np.mean(taken[index]) == pytest.approx(share, abs=0.03)
    assert np.mean(rotated) == pytest.approx(0.4, abs=0.03)


AUGMENTATIONS = {
    'ada': lambda x, key: ada(x, 0.7, key, ALL),
    'diffaugment': lambda x, key: diffaugment(x, key, tuple(POLICIES)),
    'flip_and_shift': flip_and_shift,
    'noise': lambda x, key: noise(x, 0.1, key),
}
every_augmentation = pytest.mark.parametrize('augment', AUGMENTATIONS.values(), ids=AUGMENTATIONS)


@every_augmentation
def test_each_image_has_numbers_of_its_own(augment):
    """Copies of one image become different; the same key gives the same, another another."""
    x = np.repeat(images(1, 8, 8, 3), 6, axis=0)
    output = augment(x, KEY)
    assert output.shape == x.shape and output.dtype == x.dtype
    assert np.max(np.std(output, axis=0)) > 0.01
    np.testing.assert_array_equal(output, augment(x, KEY))
    assert not np.allclose(output, augment(x, jax.random.key(1)))


def test_a_grey_image_is_a_coloured_one_whose_colours_are_averaged():
    """As hue and saturation say nothing of it; noise is the one that brings colours."""
    x = images(4, 8, 8, 1)
    without = {**ALL, 'noise': 0.0}
    grey = ada(x, 0.7, KEY, without)
    coloured = ada(np.repeat(x, 3, axis=-1), 0.7, KEY, without)
    assert grey.shape == x.shape
    np.testing.assert_allclose(grey, np.mean(coloured, axis=-1, keepdims=True), atol=2e-5)


@every_augmentation
def test_a_penalty_can_be_differentiated_through_it(augment):
    """The gradient of an R1 penalty by the critic's weights is that of finite differences."""
    x, direction = images(3, 6, 6, 1), draw('direction', 3, 6, 6, 1)

    @jax.jit
    def penalty(scale):
        def critic(images):
            return jnp.sum(jnp.sin(scale * augment(images, KEY)))

        return jnp.sum(direction * jnp.square(jax.grad(critic)(x)))

    step = 1e-2
    expected = (penalty(1 + step) - penalty(1 - step)) / (2 * step)
    assert abs(float(expected)) > 0.1
    np.testing.assert_allclose(jax.grad(penalty)(1.0), expected, rtol=0.02)


@every_augmentation
def test_a_batch_split_over_devices_does_not_move(augment):
    """Each device augments its own images: the program exchanges none, and gives the same."""
    if jax.device_count() < 2:
        pytest.skip('needs two devices')
    mesh = meshes.make_mesh(jax.devices()[:2])
    x = images(4, 6, 6, 1)
    split = jax.jit(lambda x: augment(meshes.shard_batch(mesh)(x), KEY))
    program = split.lower(x).compile().as_text()
    assert not re.findall(r'all-gather\(|all-to-all\(|collective-permute\(', program)
    np.testing.assert_allclose(split(x), augment(x, KEY), atol=1e-5)

"""Normalisations and layers that look across a batch, against their papers' formulas in float64."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import layers, mixing
from gan_jax.models.conv import Conv
from gan_jax.usage import UsageError

IMAGES = np.random.default_rng(0).normal(0.5, 2.0, (6, 3, 4, 8)).astype(np.float32)
GAIN = np.linspace(0.5, 2, 8, dtype=np.float32)
BIAS = np.linspace(-1, 1, 8, dtype=np.float32)


def with_gains(module: nn.Module, x):
    """Returns the module's output with GAIN and BIAS as its parameters."""
    variables = module.init(jax.random.key(0), x, True)
    given = dict(scale=GAIN, bias=BIAS)
    variables = jax.tree_util.tree_map_with_path(lambda path, leaf: given[path[-1].key], variables)
    return module.apply(variables, x, True)


def standardized(x, axes):
    x = x.astype(np.float64)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)


def test_instance_normalisation():
    """Over the pixels of each channel of each image."""
    expected = GAIN * standardized(IMAGES, (1, 2)) + BIAS
    np.testing.assert_allclose(with_gains(layers.InstanceNorm(), IMAGES), expected, atol=1e-5)
    plain, variables = layers.InstanceNorm(affine=False).init_with_output(
        jax.random.key(0), IMAGES, True
    )
    assert not jax.tree.leaves(variables)
    np.testing.assert_allclose(plain, standardized(IMAGES, (1, 2)), atol=1e-5)


@pytest.mark.parametrize('groups', (1, 2, 4, 8))
def test_group_normalisation(groups):
    """Over the pixels and the neighbouring channels of a group; one group is all of an image."""
    grouped = IMAGES.reshape(6, 3, 4, groups, 8 // groups)
    expected = GAIN * standardized(grouped, (1, 2, 4)).reshape(IMAGES.shape) + BIAS
    np.testing.assert_allclose(with_gains(layers.GroupNorm(groups), IMAGES), expected, atol=1e-5)


def test_groups_must_divide_the_channels():
    """The line names those of a config that do."""
    with pytest.raises(
        UsageError, match='8 channels.*3 groups.*: group_2, group_4, group_8, layer'
    ):
        layers.GroupNorm(3).init(jax.random.key(0), IMAGES, True)
    module = layers.NORMALIZATIONS['group_16']()
    with pytest.raises(UsageError, match='8 channels.*16 groups.*: group_2, '):
        module.init(jax.random.key(0), IMAGES, True)


def test_pixel_normalisation():
    """Each pixel's channels have a mean square of 1; none of them moves to another side of 0."""
    output = layers.PixelNorm().apply({}, IMAGES, True)
    np.testing.assert_allclose(np.mean(np.square(output), -1), 1, rtol=1e-5)
    expected = IMAGES / np.sqrt(np.mean(np.square(IMAGES, dtype=np.float64), -1, keepdims=True))
    np.testing.assert_allclose(output, expected, rtol=1e-5)


class Weighted(nn.Module):
    """One convolution with its weights as a function of it makes them."""

    weights: str

    @nn.compact
    def __call__(self, x):
        return layers.WEIGHTS[self.weights](Conv(5, name='conv'))(x)


def test_weight_normalisation_begins_as_the_plain_layer():
    """g begins as |v|: the same output as without it, from the same key's kernel."""
    plain, variables = Weighted('plain').init_with_output(jax.random.key(1), IMAGES)
    normed, normed_variables = Weighted('weight_norm').init_with_output(jax.random.key(1), IMAGES)
    np.testing.assert_array_equal(
        variables['params']['conv']['kernel'], normed_variables['params']['conv']['kernel']
    )
    np.testing.assert_allclose(plain, normed, rtol=1e-5, atol=1e-5)


def test_weight_normalisation_parts_length_from_direction():
    """w = g v / |v|: no multiple of v changes anything, and the output is g's multiple."""
    module = Weighted('weight_norm')
    params = module.init(jax.random.key(1), IMAGES)['params']
    (scale,) = params['WeightNorm_0']
    before = module.apply({'params': params}, IMAGES)

    def changed(v=1.0, g=1.0):
        return module.apply(
            {
                'params': {
                    'conv': {**params['conv'], 'kernel': v * params['conv']['kernel']},
                    'WeightNorm_0': {scale: g * params['WeightNorm_0'][scale]},
                }
            },
            IMAGES,
        )

    np.testing.assert_allclose(changed(v=7.0), before, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(changed(g=3.0), 3 * before, rtol=1e-4, atol=1e-5)


def test_minibatch_deviation():
    """Groups of neighbours: the standard deviation of each feature, averaged over features."""
    output = mixing.MinibatchStddev(group_size=3).apply({}, IMAGES)
    groups = IMAGES.astype(np.float64).reshape(2, 3, 3, 4, 8)
    expected = np.repeat(groups.std(axis=1).mean(axis=(1, 2, 3)), 3)
    np.testing.assert_array_equal(output[..., :-1], IMAGES)
    np.testing.assert_allclose(
        output[..., -1], expected[:, None, None] * np.ones((3, 4)), rtol=1e-5
    )


@pytest.mark.parametrize('batch, group', ((6, 3), (5, 1), (4, 4), (2, 2), (1, 1)))
def test_the_group_is_the_largest_that_divides_the_batch(batch, group):
    """Of up to four: six images are two groups of three."""
    output = mixing.MinibatchStddev().apply({}, IMAGES[:batch])
    expected = mixing.MinibatchStddev(group).apply({}, IMAGES[:batch])
    np.testing.assert_array_equal(output, expected)


def test_images_that_are_all_the_same_have_finite_derivatives():
    """The deviation's root has a floor: it is of no images that a collapsed generator draws."""
    same = jnp.broadcast_to(IMAGES[:1], IMAGES.shape)

    def total(x):
        return jnp.sum(
            jnp.square(jax.grad(lambda x: jnp.sum(mixing.MinibatchStddev().apply({}, x)))(x))
        )

    assert np.all(np.isfinite(jax.grad(total)(same)))


def test_minibatch_discrimination():
    """o(x_i)_b = sum_j exp(-|M_ib - M_jb|_1), example by example."""
    features = IMAGES[:, 0, 0]
    module = mixing.MinibatchDiscrimination(kernels=3, dimensions=2)
    variables = module.init(jax.random.key(0), features)
    output = module.apply(variables, features)
    kernel = np.asarray(variables['params']['Dense_0']['kernel'], np.float64)
    m = (features @ kernel).reshape(6, 3, 2)
    expected = [
        [sum(np.exp(-np.abs(m[i, b] - m[j, b]).sum()) for j in range(6)) for b in range(3)]
        for i in range(6)
    ]
    np.testing.assert_array_equal(output[:, :8], features)
    np.testing.assert_allclose(output[:, 8:], expected, rtol=1e-5)


class Answering(nn.Module):
    """What a discriminator makes of features."""

    answer: str

    @nn.compact
    def __call__(self, features):
        return layers.ANSWERS[self.answer](layers.plain, nn.Dense(1), features)


@pytest.mark.parametrize('name', layers.ANSWERS)
def test_an_answer_says_whether_it_depends_on_the_batch(name):
    """By what its layers sow; the first example's logit depends on the second alone then."""
    features = IMAGES[:4, 0, 0]
    logits, variables = Answering(name).init_with_output(jax.random.key(0), features, mutable=True)
    sown = mixing.ACROSS_EXAMPLES in str(variables.pop('intermediates', {}))
    other = Answering(name).apply(variables, np.concatenate([features[:1], features[1:] + 1]))
    assert logits.shape == (4,)
    assert np.allclose(logits[0], other[0], atol=1e-4) != sown

"""SAGAN's, BigGAN's and BigGAN-deep's networks against the authors' code, with the same weights.

`reference/make_biggan.py` writes what BigGAN-PyTorch says of outputs and gradients. Weights and
inputs are drawn on both sides from the names of Flax's variables.
"""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_layers import draw, drawn_variables

from gan_jax.models import biggan, biggan_deep, conditional, layers, sagan
from gan_jax.models.attention import SelfAttention
from gan_jax.usage import UsageError

with np.load(Path(__file__).parent / 'reference' / 'biggan.npz') as archive:
    TORCH = dict(archive)

CLASSES, BATCH = 3, 4
COMMON = dict(weights=layers.spectral_norm, kernel_init=jax.nn.initializers.orthogonal())
GENERATOR = dict(
    image_shape=(16, 16, 3),
    width=2,
    multiples=(16, 16, 8, 4, 2),
    attention=(4,),
    normalization=layers.BatchNorm,
    **COMMON,
)
DISCRIMINATOR = dict(width=4, attention=(4,), **COMMON)
SAGAN = partial(
    sagan.Discriminator,
    multiples=(1, 2, 4, 8, 16),
    downsamples=(True, True, True, False),
    **DISCRIMINATOR,
)
DEEP = partial(
    biggan_deep.Discriminator,
    multiples=(1, 2, 4, 8, 16),
    downsamples=(True, True, True, True),
    **DISCRIMINATOR,
)
SHARED = dict(classes=CLASSES, embedding=5, **GENERATOR)
NETWORKS = {
    'sagan.Generator': conditional.ConditionallyNormalizedGenerator(
        partial(sagan.Generator, **GENERATOR), classes=CLASSES
    ),
    'biggan.Generator': biggan.Generator(**SHARED),
    'biggan_deep.Generator': biggan_deep.Generator(**SHARED),
    'sagan.Discriminator': conditional.ProjectionDiscriminator(SAGAN, classes=CLASSES),
    'biggan_deep.Discriminator': conditional.ProjectionDiscriminator(DEEP, classes=CLASSES),
}


def given(name):
    """Returns a network's parameters, statistics and inputs, as the reference has drawn them."""
    generates = name.endswith('Generator')
    x = draw('z', (BATCH, 10)) if generates else draw('images', (BATCH, 16, 16, 3))
    inputs = x, jnp.arange(BATCH) % CLASSES
    statistics = drawn_variables(NETWORKS[name], *inputs)
    return statistics.pop('params'), statistics, inputs


def call(name, params, statistics, inputs, train):
    """Returns the output of a network, with parameters that may be others than those drawn."""
    variables = {'params': params, **statistics}
    output, _ = NETWORKS[name].apply(variables, *inputs, train=train, mutable=list(statistics))
    return output


@pytest.mark.parametrize('name', NETWORKS)
def test_an_output_in_evaluation_is_the_authors(name):
    """Images by running statistics, and logits."""
    params, statistics, inputs = given(name)
    with jax.default_matmul_precision('highest'):
        output = jax.jit(partial(call, name, train=False))(params, statistics, inputs)
    np.testing.assert_allclose(output, TORCH[f'{name}, eval'], atol=1e-5)


@pytest.mark.parametrize('name', NETWORKS)
def test_outputs_and_gradients_in_training_are_the_authors(name):
    """Images or logits, and the gradients by every parameter and by the input."""
    params, statistics, (x, label) = given(name)
    expected = TORCH[f'{name}, train']
    probe = draw('probe/output', expected.shape)

    @jax.jit
    @partial(jax.value_and_grad, argnums=(0, 1), has_aux=True)
    def judge(params, x):
        output = call(name, params, statistics, (x, label), train=True)
        return jnp.sum(output * probe), output

    with jax.default_matmul_precision('highest'):
        (_, output), (of_params, of_input) = judge(params, x)
    assert np.std(expected) > 0.01
    np.testing.assert_allclose(output, expected, atol=1e-4)
    np.testing.assert_allclose(
        of_input, TORCH[f'{name}, gradient of its input'], rtol=1e-4, atol=1e-4
    )
    products = {
        f'params/{jax.tree_util.keystr(path, simple=True, separator="/")}': leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(of_params)
    }
    assert sorted(products) == list(TORCH[f'{name}, parameters'])
    for path, theirs in zip(sorted(products), TORCH[f'{name}, gradients']):
        ours = np.sum(products[path] * draw(f'probe/{path}', products[path].shape))
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3, err_msg=path)


# Attention.


ATTENTION = SelfAttention(layers.plain, jax.nn.initializers.orthogonal())


def test_attention_is_a_mean_of_values_weighted_by_likeness():
    """Pixel by pixel in NumPy, from the equations of Zhang et al. 2019, section 3."""
    x = draw('features', (2, 4, 6, 8))
    variables = drawn_variables(ATTENTION, x)
    output, sown = ATTENTION.apply(variables, x, mutable=['intermediates'])
    kernels = {
        name: p['kernel'][0, 0] for name, p in variables['params'].items() if name != 'gamma'
    }

    def greatest(pixels):
        """The greatest of each 2x2 pixels, as a list of them."""
        return np.stack(
            [pixels[i : i + 2, j : j + 2].max((0, 1)) for i in (0, 2) for j in (0, 2, 4)]
        )

    expected, maps = x.copy(), np.zeros((2, 4, 6, 6))
    for b, image in enumerate(x):
        keys, values = (greatest(image @ kernels[name]) for name in ('key', 'value'))
        for i, j in np.ndindex(4, 6):
            likeness = np.exp(keys @ (image[i, j] @ kernels['query']))
            maps[b, i, j] = likeness / likeness.sum()
            read = (maps[b, i, j] @ values) @ kernels['output']
            expected[b, i, j] += variables['params']['gamma'] * read
    np.testing.assert_allclose(output, expected, atol=1e-4)
    (attention,) = sown['intermediates']['attention']
    np.testing.assert_allclose(attention.reshape(maps.shape), maps, atol=1e-5)


def test_attention_begins_as_the_identity():
    x = draw('features', (2, 4, 4, 8))
    output, _ = ATTENTION.init_with_output(jax.random.key(0), x)
    np.testing.assert_array_equal(output, x)


@pytest.mark.parametrize('shape, said', (((1, 4, 3, 8), '4x3 pixels of 8'), ((1, 4, 4, 4), 'of 4')))
def test_attention_says_which_images_it_cannot_see(shape, said):
    with pytest.raises(UsageError, match=said):
        jax.eval_shape(ATTENTION.init, jax.random.key(0), jnp.zeros(shape))


# What cannot be built.


@pytest.mark.parametrize(
    'changes, size, message',
    (
        (dict(image_shape=(24, 16, 3)), 10, 'doubles an image 4 times, and 24x16 pixels'),
        (dict(attention=(4, 12)), 10, 'no attention at 12 pixels: blocks leave heights of 2, 4, 8'),
        ({}, 11, 'prior.size=11 cannot be cut into 5 chunks, .* a multiple of 5 can'),
    ),
)
def test_a_generator_that_cannot_be_is_refused(changes, size, message):
    generator = biggan.Generator(**(SHARED | changes))
    inputs = jnp.zeros((1, size)), jnp.zeros((1,), int)
    with pytest.raises(UsageError, match=message):
        jax.eval_shape(generator.init, jax.random.key(0), *inputs)


def test_a_discriminator_says_where_it_has_no_attention():
    with pytest.raises(UsageError, match='no attention at 16 pixels: blocks leave heights of 8, 4'):
        jax.eval_shape(SAGAN(attention=(16,)).init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))

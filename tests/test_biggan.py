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

from gan_jax.models import biggan, biggan_deep, conditional, layers, sagan
from gan_jax.models.attention import SelfAttention
from gan_jax.usage import UsageError
from test_layers import draw, drawn_variables

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

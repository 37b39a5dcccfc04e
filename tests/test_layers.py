"""Layers and whole networks against PyTorch's, with the same weights.

`reference/make_layers.py` writes what PyTorch says. Only outputs are stored: weights and inputs are
drawn on both sides by `draw`, from the names of Flax's variables.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.game import Networks
from gan_jax.models import build_network, layers
from gan_jax.usage import UsageError

with np.load(Path(__file__).parent / 'reference' / 'layers.npz') as archive:
    TORCH = dict(archive)


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name, as `make_layers.py` draws it."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    kind = name.rpartition('/')[2]
    if kind == 'kernel':
        noise /= np.sqrt(np.prod(shape[:-1]))
    elif kind in ('bias', 'mean'):
        noise *= 0.1
    elif kind == 'scale':
        noise = 1 + 0.1 * noise
    elif kind == 'var':
        noise = 1 + np.abs(noise)
    return noise.astype(np.float32)


def drawn_variables(module: nn.Module, *args, **options):
    """Returns a module's variables, each drawn from its own name."""
    shapes = jax.eval_shape(lambda key: module.init(key, *args, **options), jax.random.key(0))
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: draw(jax.tree_util.keystr(path, simple=True, separator='/'), leaf.shape),
        shapes,
    )


def apply(module: nn.Module, variables, *args, **options):
    """Returns (output, new statistics), in full float32 on any device."""
    statistics = [name for name in variables if name != 'params']

    @jax.jit
    def call(variables, *args):
        return module.apply(variables, *args, mutable=statistics, **options)

    with jax.default_matmul_precision('highest'):
        return call(variables, *args)


INIT = dict(name='normal', stddev=0.02)
RESNET = dict(width=6, kernel_init=INIT, outer_init=INIT)


def dcgan_generator(upsampling, kernel_size):
    return dict(
        name='dcgan.Generator',
        widths=(6, 4),
        kernel_size=kernel_size,
        upsampling=upsampling,
        normalization='batch',
        kernel_init=INIT,
    )


def dcgan_discriminator(kernel_size):
    return dict(
        name='dcgan.Discriminator',
        widths=(4, 6),
        kernel_size=kernel_size,
        normalization='batch',
        weights='plain',
        kernel_init=INIT,
    )


# The name of PyTorch's output -> the network's section of a config
NETWORKS = {
    'mlp.Generator': dict(name='mlp.Generator', widths=(6, 7), kernel_init=INIT),
    'mlp.MaxoutDiscriminator': dict(
        name='mlp.MaxoutDiscriminator',
        widths=(4, 5),
        pieces=3,
        pixel_dropout=0.0,
        dropout=0.0,
        kernel_init=INIT,
    ),
    'resnet.Generator': dict(name='resnet.Generator', blocks=2, normalization='batch', **RESNET),
    'resnet.Discriminator, sngan': dict(
        name='resnet.Discriminator',
        downsamples=(True, False),
        normalization='none',
        weights='spectral_norm',
        pooling='sum',
        last_bias=False,
        **RESNET,
    ),
    'resnet.Discriminator, wgan_gp': dict(
        name='resnet.Discriminator',
        downsamples=(True,),
        normalization='layer',
        weights='plain',
        pooling='mean',
        last_bias=True,
        **RESNET,
    ),
    'dcgan.Generator, transposed 4': dcgan_generator('transposed', 4),
    'dcgan.Generator, transposed 5': dcgan_generator('transposed', 5),
    'dcgan.Generator, nearest 5': dcgan_generator('nearest', 5),
    'dcgan.Generator, pixel_shuffle 3': dcgan_generator('pixel_shuffle', 3),
    'dcgan.Discriminator, 4': dcgan_discriminator(4),
    'dcgan.Discriminator, 5': dcgan_discriminator(5),
    'sndcgan.Generator': dict(
        name='sndcgan.Generator', widths=(6, 5, 4), normalization='batch', kernel_init=INIT
    ),
    'sndcgan.Discriminator': dict(
        name='sndcgan.Discriminator', widths=(4, 5, 6), weights='spectral_norm', kernel_init=INIT
    ),
    'infogan.Generator': dict(name='infogan.Generator', width=3, hidden=7, kernel_init=INIT),
    'infogan.Discriminator': dict(
        name='infogan.Discriminator', width=4, hidden=7, conv_init=INIT, kernel_init=INIT
    ),
    'infogan.Recognizer': dict(
        name='infogan.Recognizer', hidden=6, categories=3, continuous=2, kernel_init=INIT
    ),
    'acgan.Discriminator': dict(
        name='acgan.Discriminator', widths=(4, 5, 6, 7), dropout=0.0, kernel_init=INIT
    ),
}
SHAPES = {'infogan.Generator': (4, 5), 'infogan.Recognizer': (4, 5)}  # of z; of others (2, 5)


def evaluates(spec) -> bool:
    """Whether a network is another one in evaluation."""
    always = spec['name'].startswith(('infogan', 'acgan'))
    return always or spec.get('normalization') == 'batch'


MODES = [(name, 'train') for name in NETWORKS] + [
    (name, 'eval') for name, spec in NETWORKS.items() if evaluates(spec)
]


@pytest.mark.parametrize('name, mode', MODES)
def test_a_network_is_the_same_as_in_pytorch(name, mode):
    """The same weights and inputs give the same images or logits, in training and evaluation."""
    spec = NETWORKS[name]
    judges = spec['name'].endswith('Discriminator')
    network = build_network(spec, image_shape=(8, 8, 3))
    x = draw('images', (4, 8, 8, 3)) if judges else draw('z', SHAPES.get(name, (2, 5)))
    expected = TORCH[f'{name}, {mode}']
    assert np.std(expected) > 0.01
    output, _ = apply(network, drawn_variables(network, x), x, train=mode == 'train')
    output = np.concatenate(output, axis=-1) if isinstance(output, tuple) else output
    np.testing.assert_allclose(output, expected, atol=2e-5)


@pytest.mark.parametrize('which, widths', [('pixel_dropout', ()), ('dropout', (4,))])
def test_what_maxout_units_leave_out_is_made_up_for(which, widths):
    """After either dropout all is linear: logits are right on the mean, and in evaluation."""
    spec = NETWORKS['mlp.MaxoutDiscriminator'] | {'widths': widths}
    images = draw('images', (4, 8, 8, 3))
    whole, network = (build_network(s, image_shape=(8, 8, 3)) for s in (spec, spec | {which: 0.4}))
    variables = drawn_variables(whole, images)
    expected, _ = apply(whole, variables, images)

    def call(key):
        return network.apply(variables, images, rngs={'dropout': key})

    drawn = jax.jit(jax.vmap(call))(jax.random.split(jax.random.key(0), 4000))
    assert np.all(np.std(drawn, axis=0) > 0.05)
    error = np.std(drawn, axis=0) / np.sqrt(len(drawn))
    assert np.all(np.abs(np.mean(drawn, axis=0) - expected) < 5 * error)
    np.testing.assert_array_equal(apply(network, variables, images, train=False)[0], expected)


def test_batch_normalisation_is_pytorchs():
    """Outputs in training and evaluation, and running statistics with PyTorch's momentum of 0.1.

    PyTorch's running variance is the unbiased one, n / (n - 1) times that which normalises; ours
    is the latter, so they differ by this factor in what the batches brought.
    """
    module, count = layers.BatchNorm(), 4 * 3 * 3
    batches = [2 * draw(f'batch {index}', (4, 3, 3, 3)) + 1 for index in range(2)]
    variables = {
        'params': drawn_variables(module, batches[0], train=True)['params'],
        'batch_stats': module.init(jax.random.key(0), batches[0], True)['batch_stats'],
    }
    for index, batch in enumerate(batches):
        output, statistics = apply(module, variables, batch, train=True)
        np.testing.assert_allclose(output, TORCH[f'batch norm, train {index}'], atol=1e-5)
        variables = variables | statistics
    running = variables['batch_stats']
    np.testing.assert_allclose(running['mean'], TORCH['batch norm, mean'], rtol=1e-5)
    left = 0.9**2  # of the variance of 1 that both start from
    unbiased = left + (running['var'] - left) * count / (count - 1)
    np.testing.assert_allclose(unbiased, TORCH['batch norm, var'], rtol=1e-5)
    assert not np.allclose(running['var'], TORCH['batch norm, var'], rtol=1e-3)

    torchs = {name: TORCH[f'batch norm, {name}'] for name in ('mean', 'var')}
    variables['batch_stats'] = torchs
    output, statistics = apply(module, variables, draw('batch 0', (4, 3, 3, 3)), train=False)
    np.testing.assert_allclose(output, TORCH['batch norm, eval'], atol=1e-5)
    for name in torchs:
        np.testing.assert_array_equal(statistics['batch_stats'][name], torchs[name])


def test_a_large_mean_does_not_cancel_the_variance():
    """Values of 10,000 plus noise are normalised to noise: E[x^2] - E[x]^2 would be lost."""
    x = 1e4 + draw('noise', (64, 4, 4, 3))
    for module in (layers.BatchNorm(), layers.LayerNorm()):
        output, _ = apply(module, module.init(jax.random.key(0), x, True), x, train=True)
        np.testing.assert_allclose(np.std(output), 1, atol=0.01)


def test_layer_normalisation_is_pytorchs():
    """PyTorch's GroupNorm of one group: statistics of an image, a gain and bias of a channel."""
    x = draw('features', (2, 4, 4, 4))
    module = layers.LayerNorm()
    output, _ = apply(module, drawn_variables(module, x, train=True), x, train=True)
    np.testing.assert_allclose(output, TORCH['layer norm'], atol=1e-5)


def test_only_batch_normalisation_mixes_images():
    """An image's output depends on its companions under batch normalisation alone."""
    x = draw('features', (2, 4, 4, 32))
    for name, normalization in layers.NORMALIZATIONS.items():
        module = normalization()
        variables = module.init(jax.random.key(0), x, True)
        together, alone = (apply(module, variables, x[:n], train=True)[0] for n in (2, 1))
        assert np.allclose(together[:1], alone, atol=1e-5) == (name != 'batch')


def test_no_normalisation_is_the_identity():
    """It has no variables and changes nothing."""
    x = draw('features', (2, 4, 4, 4))
    output, variables = layers.Unnormalized().init_with_output(jax.random.key(0), x, True)
    np.testing.assert_array_equal(output, x)
    assert not jax.tree.leaves(variables)


class Spectral(nn.Module):
    """One spectrally normalised layer."""

    make: Callable[[], nn.Module]

    @nn.compact
    def __call__(self, x):
        return layers.spectral_norm(self.make())(x)


SPECTRAL_CONV = Spectral(lambda: layers.Conv(5))
SPECTRAL_DENSE = Spectral(lambda: nn.Dense(5))


def test_spectral_normalisation_is_pytorchs():
    """One power iteration a call from the kept vector: calls 1, 2 and 50 agree."""
    x = draw('features', (2, 4, 4, 4))
    variables = drawn_variables(SPECTRAL_CONV, x)
    with jax.default_matmul_precision('highest'):
        call = jax.jit(lambda variables: SPECTRAL_CONV.apply(variables, x, mutable=['spectral']))
        for count in range(1, 51):
            output, statistics = call(variables)
            variables = variables | statistics
            if count in (1, 2, 50):
                np.testing.assert_allclose(output, TORCH[f'spectral norm, call {count}'], atol=1e-5)


@pytest.mark.parametrize('module', (SPECTRAL_CONV, SPECTRAL_DENSE), ids=('conv', 'dense'))
def test_sigma_approaches_the_largest_singular_value(module):
    """Of the kernel as a matrix [kh kw C_in, C_out], which numpy.linalg.svd takes apart."""
    x = draw('features', (2, 4, 4, 4))
    variables = drawn_variables(module, x)
    call = jax.jit(lambda variables: module.apply(variables, x, mutable=['spectral'])[1])
    ((layer, parameters),) = variables['params'].items()
    largest = np.linalg.svd(parameters['kernel'].reshape(-1, 5), compute_uv=False)[0]
    sigmas = []
    for _ in range(50):
        variables = variables | call(variables)
        sigmas.append(float(variables['spectral']['SpectralNorm_0'][f'{layer}/kernel/sigma']))
    assert sigmas[0] < 0.99 * largest
    assert sigmas[-1] == pytest.approx(largest, rel=1e-4)


def test_singular_vectors_move_only_where_they_are_kept():
    """`Networks` drops what a call without `update=True` produced."""
    x = draw('features', (2, 4, 4, 4))
    variables = drawn_variables(SPECTRAL_DENSE, x)
    stats = {'critic': {'spectral': variables['spectral']}}
    networks = Networks(
        {'critic': SPECTRAL_DENSE}, {'critic': variables['params']}, stats, updatable=('critic',)
    )

    def vector():
        return np.asarray(
            networks.stats['critic']['spectral']['SpectralNorm_0']['Dense_0/kernel/u']
        )

    before = vector()
    first, second = networks.critic(x), networks.critic(x)
    np.testing.assert_array_equal(vector(), before)
    np.testing.assert_array_equal(first, second)
    networks.critic(x, update=True)
    assert not np.allclose(vector(), before)
    assert not np.allclose(networks.critic(x), first)


def test_spectral_normalisation_is_differentiated_through_sigma():
    """Scaling the kernel changes nothing, so the gradient has no part along the kernel."""
    x = draw('features', (2, 4, 4, 4))
    variables = drawn_variables(SPECTRAL_CONV, x)

    def value(params):
        output, _ = SPECTRAL_CONV.apply(variables | {'params': params}, x, mutable=['spectral'])
        return jnp.sum(jnp.sin(output))

    gradient = jax.jit(jax.grad(value))(variables['params'])['Conv_0']['kernel']
    kernel = variables['params']['Conv_0']['kernel']
    assert np.linalg.norm(gradient) > 0.1
    along = np.sum(gradient * kernel) / np.linalg.norm(gradient) / np.linalg.norm(kernel)
    assert abs(along) < 1e-5


@pytest.mark.parametrize('name', ('resnet.Discriminator, sngan', 'sndcgan.Discriminator'))
def test_every_kernel_of_a_critic_is_normalised(name):
    """A multiple of any one kernel gives the same logits."""
    network, images = build_network(NETWORKS[name]), draw('images', (4, 8, 8, 3))
    variables = drawn_variables(network, images)
    params = variables['params']

    @jax.jit
    def judge(params):
        return network.apply(variables | {'params': params}, images, mutable=['spectral'])[0]

    for name, layer in params.items():
        scaled = params | {name: layer | {'kernel': 3 * layer['kernel']}}
        np.testing.assert_allclose(judge(scaled), judge(params), atol=1e-5, err_msg=name)


def test_pixel_shuffle_is_pytorchs_but_for_the_order_of_channels():
    """The convolution's channels are (row, column, feature), PyTorch's (feature, row, column)."""
    x = draw('shuffled', (2, 3, 2, 12))
    order = np.arange(12).reshape(3, 4).T.ravel()
    module = layers.PixelShuffle(3, 1, use_bias=False, kernel_init=nn.initializers.normal())
    variables = {'params': {'Conv_0': {'kernel': np.eye(12, dtype=np.float32)[None, None]}}}
    output, _ = apply(module, variables, x[..., order])
    np.testing.assert_array_equal(output, TORCH['pixel shuffle'])


@pytest.mark.parametrize('name', layers.UPSAMPLINGS)
@pytest.mark.parametrize('kernel_size', (3, 5))
def test_every_upsampling_doubles_the_image(name, kernel_size):
    """With the same four arguments, whatever the kind."""
    module = layers.UPSAMPLINGS[name](
        5, kernel_size, use_bias=False, kernel_init=nn.initializers.normal()
    )
    output, variables = jax.eval_shape(
        module.init_with_output, jax.random.key(0), jnp.zeros((2, 3, 4, 6))
    )
    assert output.shape == (2, 6, 8, 5)
    assert len(jax.tree.leaves(variables)) == 1


def test_pooling_and_slope():
    """The mean and the sum over pixels; a critic's ReLU keeps a fifth of what is negative."""
    x = draw('features', (2, 4, 4, 4))
    np.testing.assert_allclose(layers.POOLINGS['mean'](x), x.mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(layers.POOLINGS['sum'](x), x.sum((1, 2)), atol=1e-5)
    np.testing.assert_allclose(layers.leaky_relu(x), np.where(x > 0, x, 0.2 * x), atol=1e-7)


def test_a_generator_starts_from_a_whole_number_of_pixels():
    """28x20 pixels are 7x5 doubled twice, and nothing doubled three times."""
    assert layers.base_shape((28, 20, 3), 2, 64) == (7, 5, 64)
    with pytest.raises(UsageError, match='28x20 pixels are not multiples of 8'):
        layers.base_shape((28, 20, 3), 3, 64)


@pytest.mark.parametrize(
    'build, nearest',
    [
        (lambda: layers.initializer(dict(name='norml')), 'normal'),
        (lambda: build_network(dict(name='resnet.Genrator')), 'resnet.Generator'),
        (lambda: build_network(dict(name='renset.Generator')), 'resnet'),
        (lambda: build_network(dcgan_discriminator(4) | dict(normalization='btach')), 'batch'),
        (lambda: build_network(dcgan_discriminator(4) | dict(kernl_size=4)), 'kernel_size'),
        (lambda: build_network(dcgan_generator('transpose', 4)), 'transposed'),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(build, nearest):
    """A misspelt initialiser, network, field or choice is a usage error."""
    with pytest.raises(UsageError, match=f'did you mean {nearest!r}'):
        build()

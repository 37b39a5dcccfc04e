"""Growing networks against the authors' own code, and what holds while they grow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import progan as config_file
from gan_jax import losses, penalties
from gan_jax.game import Context, Networks
from gan_jax.games import build_game
from gan_jax.models import progan
from gan_jax.stages import split
from gan_jax.usage import UsageError
from tests.reference.make_progan import (
    BATCH,
    CHANNELS,
    DETAILS,
    FILE,
    LATENTS,
    MOST,
    SIZE,
    WIDTH,
    draw,
    mixing_shares,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

LAST = 2  # the level of 16x16 pixels
Z, REAL = draw('z', BATCH, LATENTS), draw('real', BATCH, SIZE, SIZE, CHANNELS)


def pair(level: int, alpha: float):
    """Returns the pair at a level of which `alpha` has come."""
    fields = dict(level=level, alpha=lambda step: alpha, width=WIDTH, max_width=MOST)
    shape = (SIZE, SIZE, CHANNELS)
    return progan.Generator(image_shape=shape, **fields), progan.Discriminator(**fields)


def at_detail(lod: float):
    """Returns the level and how much of it has come; the authors count levels from the last."""
    level = LAST - int(lod)
    return level, 1 - (lod - int(lod))


def drawn(name: str, network, *inputs):
    """Returns a network's parameters, each drawn by its name."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)['params']
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: draw(
            f'{name}/{jax.tree_util.keystr(path, simple=True, separator="/")}', *leaf.shape
        ),
        shapes,
    )


@pytest.fixture(scope='module')
def params():
    generator, discriminator = pair(LAST, 1.0)
    return {
        'generator': drawn('generator', generator, Z),
        'discriminator': drawn('discriminator', discriminator, REAL),
    }


@pytest.mark.parametrize('lod', DETAILS)
def test_networks_at_every_level_are_the_authors(params, lod):
    generator, discriminator = pair(*at_detail(lod))
    images = jax.jit(generator.apply)({'params': params['generator']}, Z)
    np.testing.assert_allclose(images, AUTHORS[f'images, {lod}'], atol=1e-4)
    logits = jax.jit(discriminator.apply)({'params': params['discriminator']}, REAL)
    np.testing.assert_allclose(logits, AUTHORS[f'logits, {lod}'], atol=1e-4)


@pytest.mark.parametrize('lod, target', ((2.0, 1.0), (0.4, 1.0), (0.4, 750.0)))
def test_losses_at_a_level_are_the_authors(params, monkeypatch, lod, target):
    of_generator, of_discriminator = losses_of(*at_detail(lod), monkeypatch, target)
    name = 'discriminator' if target == 1 else 'discriminator, 750'
    theirs = AUTHORS[f'generator loss, {lod}'], AUTHORS[f'{name} loss, {lod}']
    np.testing.assert_allclose(jax.jit(of_generator)(params), theirs[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(jax.jit(of_discriminator)(params), theirs[1], rtol=1e-4)


@pytest.mark.parametrize('player', ('generator', 'discriminator'))
def test_gradients_are_the_authors(params, monkeypatch, player):
    """Of every weight, while a level fades in; the discriminator's is of its gradient too."""
    by_player = dict(zip(('generator', 'discriminator'), losses_of(*at_detail(0.4), monkeypatch)))
    gradients = jax.jit(jax.grad(by_player[player]))(params)[player]
    leaves = jax.tree_util.tree_leaves_with_path(gradients)
    assert len(leaves) == len([key for key in AUTHORS if key.startswith(f'gradient, {player}/')])
    for path, gradient in leaves:
        name = jax.tree_util.keystr(path, simple=True, separator='/')
        theirs = AUTHORS[f'gradient, {player}/{name}']
        largest = np.max(np.abs(theirs))
        np.testing.assert_allclose(gradient, theirs, atol=1e-4 * largest + 1e-6, err_msg=name)


def losses_of(level, alpha, monkeypatch, target=1.0):
    """Returns both players' losses, functions of the parameters, at the authors' random numbers."""
    monkeypatch.setattr(
        penalties, '_between', lambda real, fake, key: real + mixing_shares() * (fake - real)
    )
    generator, discriminator = pair(level, alpha)
    wasserstein = losses.wasserstein()

    def of_discriminator(params):
        def critic(images):
            return discriminator.apply({'params': params['discriminator']}, images)

        fake = generator.apply({'params': params['generator']}, Z)
        real_logits = critic(REAL)
        penalty = penalties.gradient_penalty(critic, REAL, fake, None, target=target)
        adversary = wasserstein.discriminator(real_logits, critic(fake))
        return adversary + 10 * penalty + 1e-3 * jnp.mean(jnp.square(real_logits))

    def of_generator(params):
        fake = generator.apply({'params': params['generator']}, Z)
        logits = discriminator.apply({'params': params['discriminator']}, fake)
        return wasserstein.generator(None, logits)

    return of_generator, of_discriminator


@pytest.mark.parametrize('lod', DETAILS)
def test_real_images_are_as_coarse_as_the_authors(lod):
    """Their loop has images of the level's own size, which it enlarges."""
    level, alpha = at_detail(lod)
    size = 4 * 2**level
    seen = progan.enlarge(
        jnp.array(draw(f'real {size}', BATCH, size, size, CHANNELS)), LAST - level
    )
    np.testing.assert_allclose(
        progan.faded(seen, LAST - level, alpha), AUTHORS[f'faded, {lod}'], atol=1e-5
    )


@pytest.mark.parametrize('level', range(1, LAST + 1))
def test_a_level_begins_as_the_one_below_it(params, level):
    """To the bit: images, logits, and real images as they are seen."""
    before, begun = pair(level - 1, 1.0), pair(level, 0.0)
    for name, inputs, old, new in zip(params, (Z, REAL), before, begun):
        outputs = [network.apply({'params': params[name]}, inputs) for network in (old, new)]
        assert np.array_equal(*outputs)
        assert np.std(outputs[0]) > 0.1
    seen = [progan.faded(REAL, LAST - level + below, 1.0 - (1 - below)) for below in (1, 0)]
    assert np.array_equal(*seen)


@pytest.mark.parametrize(
    'name, coarse', (('generator', 'to_rgb_8x8'), ('discriminator', 'from_rgb_8x8'))
)
def test_a_level_that_has_come_is_alone(params, name, coarse):
    """What the level below made of images has no part in it any more."""
    index, inputs = (0, Z) if name == 'generator' else (1, REAL)
    other = {**params[name], coarse: jax.tree.map(lambda leaf: leaf + 1, params[name][coarse])}
    for alpha, alike in ((1.0, True), (0.9, False)):
        network = pair(LAST, alpha)[index]
        outputs = [network.apply({'params': each}, inputs) for each in (params[name], other)]
        assert np.array_equal(*outputs) == alike


def narrow_run():
    """Returns the stages of a run on the digits whose networks have four channels."""
    config = config_file.get_config()
    for network in config.networks.values():
        network.update(width=8, max_width=4)
    config.prior.size = 4
    return split(config)


def test_a_run_goes_from_stage_to_stage_without_a_jump():
    """Images of the same latents where one stage ends and the next begins."""
    stages = narrow_run()
    games = [build_game(stage) for stage in stages]
    batch = {'image': np.zeros((4, 16, 16, 1), np.float32), 'label': np.zeros(4, np.int32)}
    inputs = games[0].inputs(batch)
    params = {
        name: module.init(jax.random.key(1), *inputs[name])['params']
        for name, module in games[0].networks.items()
    }
    latents = games[0].latents(jax.random.key(2), batch)

    def at(index, step):
        networks = Networks(games[index].networks, params, dict.fromkeys(params, {}), step=step)
        return games[index].draw(networks, latents)['image']

    for index in range(1, len(stages)):
        start, end = stages[index].start, stages[index].steps
        np.testing.assert_allclose(at(index - 1, start), at(index, start), atol=1e-6)
        moved = np.max(np.abs(at(index, start) - at(index, (start + end) // 2)))
        assert (moved > 0.01) == (stages[index].growth.share == 0)  # a fade is one
    coarse = at(0, 0).reshape(4, 4, 4, 4, 4, 1)
    assert np.array_equal(coarse, np.broadcast_to(coarse[:, :, :1, :, :1], coarse.shape))


def test_a_losss_real_images_are_of_its_level():
    """At 4x4 pixels what lies within one of them cannot be seen."""
    game = build_game(narrow_run()[0])
    image = jnp.asarray(draw('digits', 4, 16, 16, 1))
    within = jnp.tile(jnp.array([[1.0, -1.0], [-1.0, 1.0]]), (8, 8))[None, :, :, None]
    params = {
        name: module.init(jax.random.key(1), *game.inputs({'image': image})[name])['params']
        for name, module in game.networks.items()
    }

    def loss(image):
        networks = Networks(
            game.networks, params, dict.fromkeys(params, {}), updatable=('discriminator',)
        )
        context = Context({'image': image}, jax.random.key(0), jnp.zeros((), jnp.int32), {})
        return game.phases[1].loss(networks, context)[0]

    np.testing.assert_allclose(loss(image), loss(image + within), rtol=1e-5)
    assert abs(loss(image) - loss(2 * image)) > 1e-3


TABLE_2 = {  # of Karras et al. 2018: the layers at 1024x1024 pixels, from the latents or the images
    'generator': '4.2M 2.4M 2.4M 2.4M 2.4M 2.4M 2.4M 2.4M 1.2M 590k 295k 148k 74k 37k 18k 9.2k '
    '4.6k 2.3k 51',
    'discriminator': '64 2.3k 4.6k 9.2k 18k 37k 74k 148k 295k 590k 1.2M 2.4M 2.4M 2.4M 2.4M 2.4M '
    '2.4M 2.4M 4.2M 513',
}


@pytest.mark.parametrize('name', TABLE_2)
def test_every_layer_has_the_published_parameters(name):
    """At 1024x1024; the table leaves out the smaller levels' own 1x1 convolutions."""
    fields = dict(level=8, alpha=lambda step: 1.0, width=8192, max_width=512)
    network, inputs = {
        'generator': (progan.Generator(image_shape=(1024, 1024, 3), **fields), (4, 512)),
        'discriminator': (progan.Discriminator(**fields), (4, 1024, 1024, 3)),
    }[name]
    params = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros(inputs))['params']
    counts = {layer: sum(leaf.size for leaf in leaves.values()) for layer, leaves in params.items()}
    last = {layer: n for layer, n in counts.items() if 'rgb' not in layer or '1024' in layer}
    assert sorted(map(as_printed, last.values())) == sorted(TABLE_2[name].split())
    assert as_printed(sum(last.values())) == '23.1M'
    # A level is two convolutions with biases, from as many channels as the level below has.
    for level, size in enumerate((8, 16, 32, 64, 128, 256, 512, 1024), 1):
        below, own = (min(8192 // 2 ** (each + 1), 512) for each in (level - 1, level))
        first = 'upsample' if name == 'generator' else 'pool'
        crossing = 9 * below * own + (own if name == 'generator' else below)
        assert counts[f'{first}_{size}x{size}'] == crossing
        assert counts[f'conv_{size}x{size}'] == 9 * own * own + own


def as_printed(count: int) -> str:
    """Returns a number as the paper prints it."""
    if count >= 1_000_000:
        return f'{count / 1e6:.1f}M'
    if count >= 10_000:
        return f'{count / 1e3:.0f}k'
    return f'{count / 1e3:.1f}k' if count >= 1000 else str(count)


@pytest.mark.parametrize(
    'size, nearest',
    (((28, 28), '32, 32'), ((64, 32), '64, 64'), ((2, 2), '4, 4'), ((48, 48), '64, 64')),
)
def test_a_size_that_doubling_never_makes_is_refused(size, nearest):
    config = config_file.get_config()
    config.data.size = size
    with pytest.raises(UsageError, match=rf'set config.data.size to \({nearest}\)'):
        build_game(config)


def test_a_level_beyond_the_images_is_refused():
    config = config_file.get_config()
    config.data.size = (8, 8)
    with pytest.raises(UsageError, match=r'level=2 makes 16x16 pixels.*\(8, 8\) is level 1'):
        build_game(config)

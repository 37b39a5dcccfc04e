"""CycleGAN and pix2pix: their steps against the authors' code, the pool, and what they draw.

`reference/make_translators.py` takes the authors' steps.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_translators import AFFINE, AUTHORS, PATCHGAN, PLAIN, RESNET, UNET, draw, drawn

from configs import cyclegan as cyclegan_config, pix2pix as pix2pix_config
from gan_jax import losses
from gan_jax.augmenting import Augmentation, noisy
from gan_jax.build import build_optimizers
from gan_jax.checkpoint import Checkpoints
from gan_jax.game import Context
from gan_jax.games import build_game
from gan_jax.games.cyclegan import cyclegan, through_pool
from gan_jax.games.pix2pix import pix2pix
from gan_jax.step import init_state, make_train_step, sampled_networks
from gan_jax.usage import UsageError


def least(module, translator, discriminator):
    """Returns the config of the smallest networks, as `make_translators.py` trains them."""
    config = module.get_config()
    config.batch_size = 1
    config.data.update(size=(32, 32), channels=3)
    with config.unlocked():
        config.networks = dict(translator=translator, discriminator=discriminator)
    for optimizer in config.optimizers.values():
        optimizer.update(learning_rate=0.01, schedule='constant')
    return config


def least_cyclegan():
    config = least(cyclegan_config, {**RESNET, 'blocks': 1}, {**PATCHGAN, **PLAIN})
    config.terms.identity = 5.0
    config.pool = 3  # which three steps fill, as they do not the authors' 50
    return config


def least_pix2pix():
    return least(pix2pix_config, UNET, {**PATCHGAN, **AFFINE})


def begin(config):
    """Returns the state with drawn weights, and the step."""
    game = build_game(config)
    optimizers = build_optimizers(config, game)
    state = init_state(game, optimizers, batch_of(0), jax.random.key(0))
    params = {name: drawn(tree, name) for name, tree in state.params.items()}
    step = make_train_step(game, optimizers, seed=0)
    return state.replace(params=params), jax.jit(step, static_argnames='due')


@cache
def begun_cyclegan():
    """Returns `begin` of the least CycleGAN, compiled once."""
    return begin(least_cyclegan())


def batch_of(step):
    """Returns one image of each domain."""
    names = {'image': 'A', 'other': 'B'}
    return {name: draw(f'{side}{step}/images', (1, 32, 32, 3)) for name, side in names.items()}


def pair_of(step):
    """Returns a pair: the authors' models of paired images translate from A to B."""
    batch = batch_of(step)
    return {'image': batch['other'], 'other': batch['image']}


def take(step, state, batch):
    with jax.default_matmul_precision('highest'):
        return step(state, jax.tree.map(lambda array: array[None], batch), due=(True, True))


@pytest.mark.parametrize('translating', (cyclegan_config, pix2pix_config))
def test_translators_may_be_averaged_and_samples_are_then_of_the_average(translating):
    config = translating.get_config()
    assert build_game(config).ema == ()
    config.ema_decay = 0.9
    game = build_game(config)
    assert game.ema and all('discriminator' not in name for name in game.ema)


def test_cyclegans_losses_are_the_authors_for_three_steps():
    """Which holds the weights of its losses and the order of its updates to theirs."""
    state, step = begun_cyclegan()
    for index, (translators, *discriminators) in enumerate(AUTHORS['cyclegan']):
        state, said = take(step, state, batch_of(index))
        np.testing.assert_allclose(said['translators/loss'], translators, rtol=1e-4)
        np.testing.assert_allclose(said['discriminators/loss'], sum(discriminators), rtol=1e-3)


def test_pix2pixs_losses_are_the_authors_for_three_steps():
    state, step = begin(least_pix2pix())
    for index, (translator, discriminator, error) in enumerate(AUTHORS['pix2pix']):
        state, said = take(step, state, pair_of(index))
        np.testing.assert_allclose(said['translator/loss'], translator, rtol=1e-4)
        np.testing.assert_allclose(said['discriminator/loss'], discriminator, rtol=1e-3)
        np.testing.assert_allclose(100 * said['translator/l1_error'], error, rtol=1e-4)


def dim(images, key, context):
    """Each image in a light of its own."""
    return images * jax.random.uniform(key, (len(images), 1, 1, 1))


class Seen:
    """Networks that keep what discriminators see, and translators that make everything 1."""

    def __init__(self):
        self.images = []

    def __getattr__(self, name):
        if name in ('translator', 'to_image', 'to_other'):
            return lambda images, *noise, **update: jnp.ones_like(images)
        return lambda images, **update: self.images.append(images) or jnp.zeros(len(images))


SHAPE = (3, 8, 8, 1)
SHOWN = {'image': 0.5 * jnp.ones(SHAPE), 'other': 0.25 * jnp.ones(SHAPE)}


def test_an_augmentation_changes_both_images_of_a_pair_alike():
    """In either player's turn; and each pair, real or not, in its own way."""
    loss, terms = losses.non_saturating(), dict(adversarial=1.0, l1=1.0)
    game = pix2pix(None, None, loss, **terms, augmentation=Augmentation(dim))
    for phase in game.phases:
        networks = Seen()
        phase.loss(networks, Context(SHOWN, jax.random.key(0), jnp.int32(0), {}))
        for seen, image in zip(networks.images, (0.5, 1.0), strict=True):
            np.testing.assert_allclose(seen[..., 0] * image, seen[..., 1] * 0.25, rtol=1e-6)
        lights = np.concatenate([seen[:, 0, 0, 0] for seen in networks.images])
        assert len(np.unique(lights)) == 2 * len(SHOWN['image'])


def test_the_images_of_a_pair_have_noises_of_their_own():
    """Else what they differ by, which is what is judged, would be free of noise."""
    loss, terms = losses.non_saturating(), dict(adversarial=1.0, l1=1.0)
    game = pix2pix(None, None, loss, **terms, augmentation=noisy(0.1, steps=10))
    networks = Seen()
    game.phases[0].loss(networks, Context(SHOWN, jax.random.key(0), jnp.int32(0), {}))
    given, image = jnp.moveaxis(networks.images[0], -1, 0)
    for noise in (given - 0.25, image - 0.5):
        np.testing.assert_allclose(noise.std(), 0.1, rtol=0.2)
    np.testing.assert_allclose((image - given).std(), 0.1 * np.sqrt(2), rtol=0.2)


def test_an_augmentation_changes_what_both_discriminators_see():
    """Each image in its own way; what translators are given, and the pool, stay as they are."""
    terms = dict(adversarial=1.0, cycle=1.0, identity=1.0, pool=2)
    game = cyclegan(
        None, None, losses.least_squares(), **terms, batch=SHAPE, augmentation=Augmentation(dim)
    )
    extra = {**game.extra, 'judged': {name: jnp.ones(SHAPE) for name in SHOWN}}
    for phase in game.phases:
        networks = Seen()
        _, report = phase.loss(networks, Context(SHOWN, jax.random.key(0), jnp.int32(0), extra))
        lights = np.concatenate([seen[:, 0, 0, 0] for seen in networks.images])
        assert len(np.unique(lights)) == 4 * len(SHOWN['image'])
        for pool in report.extra.get('pool', {}).values():
            assert np.all(pool == 1)


def test_the_pool_resumes_exactly(tmp_path):
    """A run that is stopped with a full pool shows the discriminators the same images after."""
    state, step = begun_cyclegan()
    for index in range(3):
        state, _ = take(step, state, batch_of(index))
    assert int(state.extra['filled']) == 3
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(3, state, {})
    assert checkpoints.finish()
    restored = checkpoints.restore(jax.eval_shape(lambda: state))
    checkpoints.close()
    for index in range(3, 6):
        state, _ = take(step, state, batch_of(index))
        restored, _ = take(step, restored, batch_of(index))
        for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(restored), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_pool_that_is_not_full_shows_what_comes():
    images = jnp.arange(3.0).reshape(3, 1, 1, 1)
    pool, shown = through_pool(
        jnp.full((5, 1, 1, 1), -1.0), jnp.array(1), images, jax.random.key(0)
    )
    np.testing.assert_array_equal(shown, images)
    assert pool.ravel().tolist() == [-1, 0, 1, 2, -1]


def test_a_full_pool_exchanges_half_of_what_comes():
    """What is shown is new and forgotten, or old and replaced by the new one in its very place."""
    before = np.arange(50.0)
    exchanged, places = [], []
    call = jax.jit(through_pool)
    for number in range(400):
        pool, shown = call(
            jnp.asarray(before).reshape(50, 1, 1, 1),
            jnp.array(50),
            jnp.full((1, 1, 1, 1), 100.0),
            jax.random.key(number),
        )
        after, shown = np.asarray(pool).ravel(), float(shown[0, 0, 0, 0])
        exchanged.append(shown != 100)
        expected = before.copy()
        if shown != 100:
            places.append(int(shown))
            expected[int(shown)] = 100
        np.testing.assert_array_equal(after, expected)
    assert 0.4 < np.mean(exchanged) < 0.6
    assert len(set(places)) > 40


def test_an_image_meets_those_before_it_in_its_batch():
    """Of a batch that fills the pool, what comes after can show what came before."""
    images = jnp.arange(64.0).reshape(64, 1, 1, 1)
    pool, shown = through_pool(jnp.zeros((1, 1, 1, 1)), jnp.array(0), images, jax.random.key(0))
    newest, before = np.asarray(images).ravel(), np.asarray(shown).ravel()
    assert before[0] == 0 and np.all(before <= newest) and 20 < np.sum(before < newest) < 44
    kept = np.concatenate([before, np.asarray(pool).ravel()])
    assert len(np.unique(kept)) == 64  # each image is shown, or kept, once: the first is both


def test_cyclegan_takes_its_batch_whole():
    config = least_cyclegan()
    config.accumulate = 2
    with pytest.raises(UsageError, match='config.accumulate must be 1'):
        build_game(config)


def test_only_the_seed_of_its_dropout_changes_a_translation():
    """The noise of a sample is its own: neither its place nor its neighbours change it."""
    config = least_pix2pix()
    config.networks.translator.dropouts = 3
    game = build_game(config)
    state, _ = begin(config)
    pair = {name: np.repeat(array, 2, axis=0) for name, array in pair_of(0).items()}
    latents = game.latents(jax.random.key(1), pair)
    networks = sampled_networks(game, state)
    two = game.draw(networks, latents)['image']
    one = game.draw(networks, {name: array[1:] for name, array in latents.items()})['image']
    assert np.abs(two[0] - two[1]).max() > 1e-3
    np.testing.assert_allclose(two[1:], one, atol=1e-5)

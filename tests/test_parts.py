"""What any adversarial game may have besides: each by hand, and all with every system."""

import importlib
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import losses, mesh as meshes
from gan_jax.augmenting import adaptive, noisy
from gan_jax.build import build_optimizers, make_initial_state, make_step, state_like
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import example_batch, open_source
from gan_jax.game import Context
from gan_jax.games import build_game
from gan_jax.games.adversarial.feature_matching import feature_matching
from gan_jax.games.adversarial.latent_consistency import latent_consistency, latent_diversity
from gan_jax.games.adversarial.lecam import lecam
from gan_jax.games.adversarial.scene import Scene
from gan_jax.games.adversarial.top_k import top_k
from gan_jax.penalties import balanced_consistency, consistency
from gan_jax.step import make_train_step
from gan_jax.usage import UsageError

KEY = jax.random.key(3)
RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(2, 6)).astype(np.float32)


def context(step=0, **extra):
    return Context({}, KEY, jnp.int32(step), extra)


def scene(**fields):
    """Returns a scene with these fields alone."""
    return Scene(**{**dict.fromkeys(Scene._fields), 'key': KEY, **fields})


def test_anchors_are_moving_averages_that_begin_with_the_first_batch():
    """LeCam: two batches by hand, the averages being of as many as there were."""
    part, extra = lecam(0.3), lecam(0.3).extra
    seen = []
    for real, fake in ((REAL, FAKE), (REAL + 1, FAKE - 2)):
        value, report = part.discriminator(
            None, scene(context=context(**extra), real_logits=real, fake_logits=fake)
        )
        extra = report.extra
        seen.append((real.mean(), fake.mean()))
        shares = 0.01 * 0.99 ** np.arange(len(seen))[::-1]
        real_anchor, fake_anchor = shares @ np.array(seen) / shares.sum()
        above = np.maximum(0, real - fake_anchor) ** 2
        below = np.maximum(0, real_anchor - fake) ** 2
        np.testing.assert_allclose(value, 0.3 * (above.mean() + below.mean()), rtol=1e-5)


def test_anchors_are_constants_to_the_gradient():
    """A logit beyond its anchor is drawn back by 2 (D(x) - a) / B, whatever the batch's mean."""
    part = lecam(1.0)

    def value(real):
        return part.discriminator(
            None,
            scene(context=context(**part.extra), real_logits=real, fake_logits=jnp.array(FAKE)),
        )[0]

    expected = 2 * np.maximum(0, REAL - FAKE.mean()) / 6
    np.testing.assert_allclose(jax.grad(value)(jnp.array(REAL)), expected, rtol=1e-4, atol=1e-6)


def test_feature_matching_compares_mean_features():
    """|E f(x) - E f(G(z))|^2; a discriminator that shows no features is refused."""
    real, fake = RNG.normal(size=(2, 6, 4))
    part = feature_matching(2.0)
    value, _ = part.generator(
        None, scene(real_seen={'features': real}, fake_seen={'features': fake[:3]})
    )
    np.testing.assert_allclose(value, 2 * np.sum((real.mean(0) - fake[:3].mean(0)) ** 2), rtol=1e-5)
    with pytest.raises(UsageError, match='features'):
        part.generator(None, scene(real_seen={}, fake_seen={}))


def test_near_latents_look_different_and_are_judged_alike():
    """Of G(z) = 3 z and D(x) = 2 sum(x) all that differs is 3 times the noise, and 6 times it."""
    z = RNG.normal(size=(6, 4)).astype(np.float32)
    noise = 0.1 * jax.random.normal(KEY, z.shape)
    told = []

    def generate(latents):
        told.append(latents['label'])
        return 3 * latents['z']

    shown = scene(
        latents={'z': z, 'label': 7},
        fake=3 * z,
        critic=lambda images: 2 * jnp.sum(images, axis=1),
        generate=generate,
    )
    value, _ = latent_diversity(0.5, 0.1).generator(None, shown)
    np.testing.assert_allclose(value, -0.5 * np.mean((3 * noise) ** 2), rtol=1e-3)
    value, _ = latent_consistency(5.0, 0.1).discriminator(None, shown)
    np.testing.assert_allclose(value, 5 * np.mean((6 * noise.sum(1)) ** 2), rtol=1e-3)
    assert told == [7, 7]


def test_a_critic_is_consistent_where_it_judges_moved_images_alike():
    """One that reads a single pixel is not; the two kinds of images add up."""
    real, fake = RNG.normal(size=(2, 5, 8, 8, 1)).astype(np.float32)

    def constant(images):
        return jnp.ones(len(images))

    seen = []

    def one_pixel(images):
        seen.append(np.asarray(images[:, 4, 2, 0]))
        return images[:, 4, 2, 0]

    assert float(consistency(constant, real, fake, KEY)) == 0
    value = consistency(one_pixel, real, fake, KEY)
    assert np.array_equal(seen[0], real[:, 4, 2, 0])
    assert all(pixel in real[index] for index, pixel in enumerate(seen[1]))
    np.testing.assert_allclose(value, np.mean((seen[0] - seen[1]) ** 2), rtol=1e-5)
    assert value > 0.1
    keys = jax.random.split(KEY)
    both = consistency(one_pixel, real, fake, keys[0]) + consistency(one_pixel, fake, real, keys[1])
    np.testing.assert_allclose(balanced_consistency(one_pixel, real, fake, KEY), both, rtol=1e-5)


@pytest.mark.parametrize('step, k', ((0, 6), (99, 6), (100, 5), (250, 4), (10**6, 3)))
def test_the_gradient_is_of_the_mean_over_the_k_best(step, k):
    """0.9^t of six images, and never fewer than half of them; the loss's value stays."""
    considered = top_k(least=0.5, decay=0.9, every=100)
    loss = losses.non_saturating().generator

    def value(logits):
        return loss(jnp.array(REAL), considered(logits, context(step)))

    logits = jnp.array(FAKE)
    best = np.argsort(-FAKE)[:k]
    expected = jax.grad(lambda logits: jnp.mean(jax.nn.softplus(-logits[best])))(logits)
    np.testing.assert_allclose(jax.grad(value)(logits), expected, rtol=1e-5)
    np.testing.assert_allclose(value(logits), loss(REAL, logits), rtol=1e-6)


def test_the_probability_moves_by_the_sign_of_overfitting():
    """ADA: after every second step by 2 steps' images; towards the target, and not below 0."""
    augmentation = adaptive(
        {}, probability=0.01, target=0.6, interval=2, images_per_step=50, images_to_one=10_000
    )
    extra, seen = augmentation.extra, []
    for sign in (1.0, 0.5, 0.6, 0.4, 0.0, 1.0, -1.0, 0.0):
        assert augmentation.after(extra, {'generator/loss': 1.0}) is extra
        extra = augmentation.after(extra, {'discriminator/real_logit_sign': jnp.float32(sign)})
        seen.append(float(extra['ada']['probability']))
    np.testing.assert_allclose(seen, [0.01, 0.02, 0.02, 0.01, 0.01, 0, 0, 0], atol=1e-7)
    said = augmentation.metrics(context(**extra))
    assert said == {'augmentation_probability': extra['ada']['probability']}


def test_instance_noise_falls_to_nothing():
    """Its deviation at the start, half of the way and after the end."""
    augmentation = noisy(deviation=0.2, steps=100)
    images = jnp.zeros((64, 8, 8, 1))
    for step, deviation in ((0, 0.2), (50, 0.1), (100, 0), (200, 0)):
        drawn = augmentation.apply(images, KEY, context(step))
        assert float(jnp.std(drawn)) == pytest.approx(deviation, rel=0.05)


CONFIGS = Path(__file__).parent.parent / 'configs'
NAMES = sorted(path.stem for path in CONFIGS.glob('*.py') if path.stem != 'base')
LOADED = {name: importlib.import_module(f'configs.{name}').get_config() for name in NAMES}
PAIRS = [name for name in NAMES if LOADED[name].game in ('adversarial', 'progressive')]
# A system of every game that has a discriminator.
JUDGED = {LOADED[name].game: name for name in NAMES if 'augmentation' in LOADED[name]}


def step_by_shapes(config):
    """Takes a step of every phase by shapes: returns the state, that after it, what was said."""
    game = build_game(config)
    state = jax.eval_shape(make_initial_state(config, game, meshes.make_mesh()))
    batch = example_batch(config.data, config.batch_size // config.accumulate)
    microbatches = jax.tree.map(
        lambda array: jax.ShapeDtypeStruct((game.microbatches, *array.shape), array.dtype), batch
    )
    step = make_train_step(game, build_optimizers(config, game), seed=0)
    after, said = jax.eval_shape(partial(step, due=game.due(0)), state, microbatches)
    shapes = [jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree) for tree in (state, after)]
    assert shapes[0] == shapes[1]
    return state, said


EVERYTHING = {
    'terms.lecam': 0.3,
    'terms.feature_matching': 1.0,
    'terms.latent_consistency': 5.0,
    'terms.latent_diversity': 0.5,
    'penalties.balanced_consistency': 10.0,
    'penalties.consistency': 10.0,
    'top_k.least': 0.5,
    'augmentation.name': 'ada',
    'optimizers.discriminator.conjugate': 'polak_ribiere',
    'ema_decay': 0.99,
    'ema_start': 10,
    'ema_rampup': 0.05,
}


@pytest.mark.parametrize('name', PAIRS)
def test_all_parts_go_with_every_pair(name):
    """One step of it, by shapes: what comes out is what went in, and each part has its say."""
    config = importlib.import_module(f'configs.{name}').get_config()
    config.update_from_flattened_dict(EVERYTHING)
    state, said = step_by_shapes(config)
    assert {  # some of them in phases of their own
        'lecam',
        'latent_consistency',
        'consistency',
        'balanced_consistency',
        'augmentation_probability',
        'feature_matching',
        'latent_diversity',
    } <= {name.partition('/')[2] for name in said}
    assert {'ada', 'lecam'} <= set(state.extra)
    assert state.ema


@pytest.mark.parametrize('augmentation', ('diffaugment', 'ada', 'scheduled_ada', 'instance_noise'))
@pytest.mark.parametrize('name', JUDGED.values(), ids=JUDGED)
def test_every_augmentation_goes_with_every_game_that_has_a_discriminator(name, augmentation):
    """One step of it, by shapes; what has a probability says it."""
    config = importlib.import_module(f'configs.{name}').get_config()
    config.augmentation.name = augmentation
    state, said = step_by_shapes(config)
    assert ('ada' in state.extra) == (augmentation == 'ada')
    told = [key for key in said if key.endswith('augmentation_probability')]
    assert bool(told) == augmentation.endswith('ada')


def first_with(field):
    """Returns a system and a network for every class of networks that has a field."""
    found = {}
    for name, config in reversed(LOADED.items()):
        for network, section in config.networks.items():
            if field in section:
                found[section.name] = (name, network)
    return [found[key] for key in sorted(found)]


@pytest.mark.parametrize(
    'name, network, field, value',
    [
        (*place, field, value)
        for field, values in {
            'normalization': ('instance', 'layer', 'group_8', 'pixel', 'none'),
            'weights': ('weight_norm', 'spectral_norm', 'plain'),
            'answer': ('minibatch_stddev', 'minibatch_discrimination'),
        }.items()
        for place in first_with(field)
        for value in values
    ],
)
def test_every_layer_goes_where_there_is_a_field_for_it(name, network, field, value):
    """One step of it, by shapes, of one system with each class of networks."""
    config = importlib.import_module(f'configs.{name}').get_config()
    config.networks[network][field] = value
    step_by_shapes(config)


@pytest.mark.parametrize('way', ('concatenate', 'normalization', 'self_modulation'))
@pytest.mark.parametrize('name', ('dcgan', 'rsgan', 'sagan', 'sngan'))
def test_every_way_of_telling_goes_with_every_generator_that_normalises(name, way):
    """One step of it, by shapes, beside a projection where there may be one."""
    config = importlib.import_module(f'configs.{name}').get_config()
    config.condition.generator = way
    if way == 'self_modulation':
        config.condition.discriminator = 'none'
    elif 'answer' in config.networks.discriminator:
        config.condition.discriminator = 'projection'
    step_by_shapes(config)


def test_what_controllers_and_anchors_remember_is_restored_exactly(tiny, tmp_path):
    """Five steps are three, saved and restored, and two: in every bit."""
    tiny.update_from_flattened_dict(
        {
            'augmentation.name': 'ada',
            'augmentation.ada.interval': 2,
            'augmentation.ada.target': -1.0,
            'terms.lecam': 0.3,
        }
    )
    game, mesh = build_game(tiny), meshes.make_mesh(jax.devices()[:1])
    make_state = make_initial_state(tiny, game, mesh)
    source = open_source(tiny.data, tiny.batch_size, game.microbatches, tiny.seed, mesh)
    step = make_step(tiny, game, source.batch, mesh)

    def take(state, steps):
        for _ in range(steps):
            state, _ = step(
                state, source.feed(range(int(state.step), int(state.step) + 1)), (True, True)
            )
        return state

    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(3, take(make_state(), 3), {})
    assert checkpoints.finish()
    restored = checkpoints.restore(state_like(make_state, mesh))
    checkpoints.close()
    assert float(restored.extra['ada']['probability']) > 0
    assert int(restored.extra['ada']['steps']) == 1
    ends = jax.device_get([take(restored, 2), take(make_state(), 5)])
    jax.tree.map(np.testing.assert_array_equal, *ends)


@pytest.mark.parametrize(
    'name, fields, message',
    (
        ('gan', {'augmentation.name': 'diffaugmnt'}, "did you mean 'diffaugment'"),
        (
            'gan',
            {'augmentation.name': 'diffaugment', 'augmentation.diffaugment.policy': ('colour',)},
            "did you mean 'color'",
        ),
        ('gan', {'augmentation.name': 'ada', 'data.channels': 4}, 'must be 1 or 3'),
        ('gan', {'optimizers.generator.conjugate': 'fletcher'}, "did you mean 'fletcher_reeves'"),
    ),
)
def test_what_there_is_not_is_refused(name, fields, message):
    """In one line, with the nearest that there is."""
    config = importlib.import_module(f'configs.{name}').get_config()
    config.update_from_flattened_dict(fields)
    with pytest.raises(UsageError, match=message):
        build_optimizers(config, build_game(config))


@pytest.mark.parametrize('answer', ('minibatch_stddev', 'minibatch_discrimination'))
def test_a_critic_that_sees_its_batch_is_judged_apart_and_may_be_penalised(answer):
    """As ProGAN's is: a batch of real images and one of generated ones never share statistics."""
    config = importlib.import_module('configs.sngan').get_config()
    config.penalties.r1 = 1.0
    config.networks.discriminator.answer = answer
    game = build_game(config)
    seen = {}

    class Recorded:
        step = 0

        def generator(self, z, **options):
            return jnp.zeros((len(z), 8, 8, 1))

        def discriminator(self, images, *, train, intermediates, rngs, update=False):
            seen.setdefault(len(images), []).append(update)
            return jnp.sum(images, axis=(1, 2, 3)), {}

    (phase,) = [phase for phase in game.phases if phase.player == 'discriminator']
    batch = {'image': jnp.ones((4, 8, 8, 1)), 'label': jnp.zeros(4, int)}
    phase.loss(Recorded(), context()._replace(batch=batch))
    assert seen == {4: [True, True, False]}

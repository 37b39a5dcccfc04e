"""Images by styles: truncation, mixtures, noise, path lengths and turns taken now and then."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny import cut, load

from configs import base, stylegan as configs_stylegan, stylegan2, stylegan2_ada
from configs.shared.style_based import lazily
from gan_jax import mesh as meshes, priors
from gan_jax.analysis.sections.styles import show_styles
from gan_jax.build import make_initial_state
from gan_jax.evaluation.run_scores import RUN_SCORES, Subject
from gan_jax.game import Networks
from gan_jax.games import build_game
from gan_jax.games.adversarial.path_length import path_length_penalty, path_lengths
from gan_jax.games.adversarial.style_based import style_based
from gan_jax.metrics import Extractor, Features
from gan_jax.models import stylegan, stylegan2 as models
from gan_jax.run import Drawing, Run
from gan_jax.usage import UsageError

SHAPE, Z, W = (16, 16, 1), 4, 5


class Generator:
    """A generator of six layers, its styles and its images; `mixing` is the probability."""

    def __init__(self, mixing: float = 0.0):
        modules = {
            'mapping': stylegan.Mapping(W, layers=2),
            'synthesis': models.Synthesis(SHAPE, channel_base=64, channel_max=4),
        }
        self.generation = style_based(**modules, prior=priors.gaussian(Z), mixing=mixing)
        params, stats = {}, {}
        for name, arguments in self.generation.inputs(self.latents(2)).items():
            variables = dict(jax.jit(modules[name].init)(jax.random.key(1), *arguments))
            params[name], stats[name] = variables.pop('params'), variables
        # As it is in training: noise is heard, and the average is somewhere.
        params['synthesis'] = jax.tree.map(lambda leaf: leaf + 0.1, params['synthesis'])
        stats['mapping'] = {'average': {'w': jnp.arange(W) / W}}
        self.networks = Networks(modules, params, stats)

    def latents(self, count: int, seed: int = 0):
        return self.generation.latents(jax.random.key(seed), {'image': np.zeros((count, *SHAPE))})

    def draw(self, latents):
        generate = partial(self.generation.generate, self.networks, train=False)
        return jax.jit(generate)(latents)


@pytest.fixture(scope='module')
def generator():
    return Generator()


def test_truncation_to_nothing_gives_the_image_of_the_average(generator):
    """With psi = 0 images differ by their noise alone; with psi = 1 nothing is truncated."""
    latents = generator.latents(3)
    latents['noise'] = jnp.repeat(latents['noise'][:1], 3, axis=0)
    images = generator.draw(generator.generation.truncate(latents, 0.0))
    average = jnp.broadcast_to(jnp.arange(W) / W, (3, 6, W))
    mean = generator.networks.synthesis(average, latents['noise'], train=False)
    np.testing.assert_allclose(images, mean, atol=1e-6)
    whole = generator.draw(latents)
    assert np.ptp(whole, axis=0).max() > 1e-2
    np.testing.assert_allclose(
        generator.draw(generator.generation.truncate(latents, 1.0)), whole, atol=1e-6
    )


def test_an_image_depends_on_its_own_latents_alone(generator):
    """Of a batch, and of another batch that has it at another place; its noise is its own."""
    latents = generator.latents(4)
    images = generator.draw(latents)
    some = {name: array[2:] for name, array in latents.items()}
    np.testing.assert_allclose(generator.draw(some), images[2:], atol=1e-6)
    other = {**latents, 'noise': latents['noise'][::-1]}
    assert np.abs(generator.draw(other) - images).max(axis=(1, 2, 3)).min() > 1e-3


def test_a_mixture_has_the_others_styles_in_the_layers_of_its_name(generator):
    latents, other = generator.latents(3), generator.latents(3, seed=1)
    styles = partial(generator.generation.styles, generator.networks, train=False)
    own, others = styles(latents), styles(other)
    where = {'coarse': slice(0, 2), 'middle': slice(2, 4), 'fine': slice(4, 6)}
    assert {*generator.generation.mixes} == {*where}
    for name, layers in where.items():
        mixed = styles(generator.generation.mixes[name](latents, other))
        expected = np.array(own)
        expected[:, layers] = others[:, layers]
        np.testing.assert_array_equal(mixed, expected)


@pytest.mark.parametrize('mixing', (0.0, 0.9))
def test_training_mixes_two_styles_as_often_as_it_is_told(mixing):
    """From a layer on that may be any but the first, uniformly; a sample is never a mixture."""
    generator, count = Generator(mixing), 1000
    latents = generator.latents(count)
    own = generator.generation.styles(generator.networks, latents, train=False)
    assert np.array_equal(own, np.repeat(own[:, :1], 6, axis=1))
    mixed = jax.jit(partial(generator.generation.styles, generator.networks, train=True))(latents)
    kept = np.isclose(mixed, own, atol=1e-6).all(axis=2)
    assert kept[:, 0].all()
    assert np.array_equal(kept, np.logical_and.accumulate(kept, axis=1))  # once, and from there on
    assert abs((~kept[:, -1]).mean() - mixing) < 0.04
    if mixing:
        first = kept.sum(axis=1)[~kept[:, -1]]
        counts = np.bincount(first, minlength=6)[1:] / len(first)
        np.testing.assert_allclose(counts, 1 / 5, atol=0.05)


def test_only_its_own_player_moves_the_average(generator):
    latents = generator.latents(3)
    old = generator.networks.stats['mapping']['average']['w']
    generator.generation.generate(generator.networks, latents, train=True)
    assert np.array_equal(generator.networks.stats['mapping']['average']['w'], old)


def test_path_lengths_of_a_linear_map_are_what_they_are():
    """g(w) = sum_l w_l A_l: J_l^T y = A_l y / sqrt(H W), and over layers the mean of squares."""
    a = jax.random.normal(jax.random.key(0), (3, 5, 4 * 6 * 2))
    styles = jax.random.normal(jax.random.key(1), (7, 3, 5))
    key = jax.random.key(2)
    lengths = path_lengths(
        lambda w: jnp.einsum('bld,ldp->bp', w, a).reshape(-1, 4, 6, 2), styles, key
    )
    y = jax.random.normal(key, (7, 4, 6, 2)).reshape(7, -1) / np.sqrt(4 * 6)
    expected = np.sqrt(np.square(np.einsum('ldp,bp->bld', a, y)).sum(axis=2).mean(axis=1))
    np.testing.assert_allclose(lengths, expected, rtol=1e-4)


def test_the_mean_of_path_lengths_follows_them():
    """a moves a hundredth of the way, and lengths are held to where it then is."""
    penalty, mean = path_length_penalty(jnp.array([1.0, 3.0]), jnp.float32(1.0))
    np.testing.assert_allclose(mean, 1.01, rtol=1e-6)
    np.testing.assert_allclose(penalty, (0.01**2 + 1.99**2) / 2, rtol=1e-5)


def test_turns_of_regularisation_are_taken_now_and_then():
    """Every 4 and every 16 steps, by the phases' own names; their mean is state of the game."""
    game = build_game(stylegan2.get_config())
    assert [(phase.name, phase.player, phase.interval) for phase in game.phases] == [
        ('generator', 'generator', 1),
        ('path_length', 'generator', 4),
        ('discriminator', 'discriminator', 1),
        ('r1', 'discriminator', 16),
    ]
    assert {*game.extra} == {'path_length'}
    assert game.players['generator'] == ('mapping', 'synthesis')


def test_the_pace_of_adam_is_that_of_a_step():
    """Appendix B: c = k / (k + 1), the rate c lambda and beta^c."""
    fields = lazily(4, 0.01, b1=0.5, b2=0.99)
    np.testing.assert_allclose(fields['learning_rate'], 0.008)
    np.testing.assert_allclose([fields['b1'], fields['b2']], [0.5**0.8, 0.99**0.8])
    assert base.half_life(10_000, 32) ** (10_000 / 32) == pytest.approx(0.5)


def test_what_cannot_be_is_refused():
    """Path lengths without styles, sizes that are no power of two, mixtures of no styles."""
    config = stylegan2.get_config()
    config.data.size = (28, 28)
    with pytest.raises(UsageError, match='not 28x28'):
        build_game(config)
    config = load('dcgan')
    config.terms.path_length = 1.0
    with pytest.raises(UsageError, match="path_length needs styles: config.generation='style"):
        build_game(config)
    run = Run(Drawing(None, build_game(stylegan2.get_config()), None), None)
    with pytest.raises(UsageError, match="unknown layers 'corse'; did you mean 'coarse'"):
        run.mix('corse', {}, {})


@pytest.fixture(scope='module')
def run():
    """A run whose weights are a little off their first ones, so that noise is heard."""
    config = cut(configs_stylegan.get_config())
    mesh, game = meshes.make_mesh(jax.devices()[:1]), build_game(config)
    state = make_initial_state(config, game, mesh)()
    state = state.replace(ema=jax.tree.map(lambda leaf: leaf + 0.1, state.ema))
    return Run(Drawing(config, game, mesh), state)


def test_path_lengths_are_scored_with_noise_held(run):
    """Noise that changed along a way of 1e-4 would make it of the order of 1e12."""
    pixels = Extractor('pixels', lambda _, x: Features(x.reshape(len(x), -1), x), {}, '', (1,))
    settings = SimpleNamespace(seed=0, num=6)
    (length,) = RUN_SCORES['path_length'].function(Subject(run, None, None, pixels, settings))
    assert 1 < length.value < 1e9


def test_styles_may_be_truncated_to_their_average_and_beyond(run):
    """psi = 0 is the average's image, and below it are opposites; no number at all is refused."""
    average, opposite = (run.truncated(psi).sample(4)['image'].astype(int) for psi in (0, -1))
    varied = run.sample(4)['image'].astype(int)
    assert np.ptp(average, axis=0).mean() < np.ptp(varied, axis=0).mean()
    assert np.abs(opposite - average).mean() > 0
    with pytest.raises(UsageError, match='no number'):
        run.truncated(np.nan)


def test_a_report_shows_mixtures_and_truncation(run):
    """Three grids of mixtures and a sweep, of any run whose images are made by styles."""
    html = show_styles(SimpleNamespace(run=run))
    assert html.count('<img') == 4
    for name in ('coarse', 'middle', 'fine'):
        assert f'The {name} styles of the top row' in html
    assert 'row by row: 0, 0.25, 0.5, 0.75, 1.' in html
    assert show_styles(SimpleNamespace(run=replace(run, drawing=_without_styles(run)))) == ''


def _without_styles(run):
    return replace(run.drawing, game=replace(run.game, mixes={}))


def test_networks_that_are_told_labels_make_a_game():
    config = cut(stylegan2_ada.get_config())
    config.networks.mapping.name = 'stylegan2.ConditionalMapping'
    config.networks.discriminator.name = 'stylegan2.ConditionalPlainDiscriminator'
    game = build_game(config)
    latents = game.latents(jax.random.key(0), {'image': np.zeros((16, 16, 16, 1))})
    assert {*latents} == {'z', 'noise', 'label'} and latents['label'].max() < 10
    jax.eval_shape(make_initial_state(config, game, meshes.make_mesh(jax.devices()[:1])))
    mixed = game.mixes['fine'](latents, latents)
    assert np.array_equal(mixed['other_label'], latents['label'])


def count(network, *shapes) -> int:
    arguments = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
    variables = jax.eval_shape(network.init, jax.random.key(0), *arguments)
    return sum(leaf.size for leaf in jax.tree.leaves(variables['params']))


@pytest.mark.parametrize(
    'mapping, synthesis, discriminator, published',
    (
        # Karras et al. 2019, section 2.1: 26.2M, 23.1M. The authors' code prints 26,219,627 and
        # 23,087,249, with the colours of the eight smaller sizes, by which it grows.
        (
            stylegan.Mapping(),
            stylegan.Synthesis((1024, 1024, 3)),
            stylegan.Discriminator(),
            (26_219_627 - 7_608, 23_087_249 - 10_112),
        ),
        # What the authors' code has in configuration F.
        (
            models.Mapping(),
            models.Synthesis((1024, 1024, 3)),
            models.ResidualDiscriminator(),
            (30_370_060, 29_012_513),
        ),
    ),
)
def test_parameters_at_1024_pixels_are_as_many_as_published(
    mapping, synthesis, discriminator, published
):
    styles = count(mapping, ((4, 512), jnp.float32))
    images = count(synthesis, ((4, 18, 512), jnp.float32), ((4, 2), jnp.uint32))
    judge = count(discriminator, ((4, 1024, 1024, 3), jnp.float32))
    assert (styles + images, judge) == published

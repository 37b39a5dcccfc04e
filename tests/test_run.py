"""A trained run, to draw from: by seed, class, truncation and between latents, and in Python."""

import ast
import re
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import priors
from gan_jax.build import make_initial_state
from gan_jax.game import Game, State, labelled, truncated
from gan_jax.games import build_game
from gan_jax.interpolation import linear, spherical
from gan_jax.mesh import make_mesh
from gan_jax.models.layers import BatchNorm
from gan_jax.run import Drawing, Run
from gan_jax.sample import Request, draw, sample
from gan_jax.usage import UsageError

ROOT = Path(__file__).parent.parent
README = (ROOT / 'README.md').read_text()


@pytest.fixture
def run(tiny) -> Run:
    """The smallest GAN at its very first state."""
    mesh, game = make_mesh(), build_game(tiny)
    return Run(Drawing(tiny, game, mesh), make_initial_state(tiny, game, mesh)())


def test_samples_are_those_of_their_latents(run):
    """Drawn at once or from the latents of the same key; more of a seed begin with the same."""
    key = jax.random.fold_in(jax.random.key(5), 0)
    images = run.draw(run.latents(128, key))['image']
    assert images.shape == (128, 8, 8, 1) and images.dtype == np.uint8
    assert np.abs(images.astype(int) - run.sample(128, seed=5)['image']).max() <= 1
    np.testing.assert_array_equal(run.sample(200, 5)['image'][:9], run.sample(9, 5)['image'])


# Truncation.


@pytest.mark.parametrize('threshold', [2.0, 0.5, 1e-3])
def test_truncated_gaussian_latents_are_those_that_would_be_drawn_again(threshold):
    """Of the same law as rejecting what lies outside, in the order in which they were."""
    prior = priors.gaussian(4)
    z = prior.draw(jax.random.key(0), 50_000)
    cut = prior.truncate(z, threshold)
    assert jnp.abs(cut).max() <= threshold
    np.testing.assert_array_equal(jnp.argsort(z[:50], axis=0), jnp.argsort(cut[:50], axis=0))
    ratio = 1.0  # uniform, where the threshold is small
    rejected = np.asarray(z[jnp.abs(z) < threshold])
    if len(rejected) > 10_000:
        ratio = rejected.std() / (threshold / 3**0.5)
    assert cut.std() / (threshold / 3**0.5) == pytest.approx(ratio, rel=0.02)
    assert cut.mean() == pytest.approx(0, abs=0.02 * threshold)


def test_a_wide_threshold_changes_nothing_and_uniform_latents_are_scaled():
    z = priors.gaussian(4).draw(jax.random.key(0), 1000)
    np.testing.assert_allclose(priors.gaussian(4).truncate(z, 8.0), z, atol=1e-3)
    z = priors.uniform(4).draw(jax.random.key(0), 1000)
    np.testing.assert_array_equal(priors.uniform(4).truncate(z, 2.0), z)
    assert 0.24 < jnp.abs(priors.uniform(4).truncate(z, 0.25)).max() <= 0.25


class Normalized(nn.Module):
    """The latents as images, normalised."""

    @nn.compact
    def __call__(self, z, train):
        return BatchNorm(affine=False)(z, train).reshape(-1, 8, 8, 1)


def test_a_settled_run_goes_by_the_statistics_of_what_it_draws(tiny):
    """Those of 3 batches of 128 samples, of truncated ones where the run is truncated."""
    prior = priors.gaussian(64)
    game = Game(
        networks={'x': Normalized()},
        players={},
        phases=(),
        inputs=None,
        latents=lambda key, batch: {'z': prior.draw(key, len(batch['image']))},
        draw=lambda networks, latents: {'image': networks.x(latents['z'], train=False)},
        truncate=lambda latents, threshold: {'z': prior.truncate(latents['z'], threshold)},
    )
    stats = game.networks['x'].init(jax.random.key(0), jnp.zeros((2, 64)), True)
    stats = {'batch_stats': stats['batch_stats']}
    state = State(jnp.zeros((), int), {'x': {}}, {'x': stats}, opt={}, ema={}, extra={})
    run = Run(Drawing(tiny, game, make_mesh()), state)
    assert run.settled(0) is run
    runs = run.settled(3), run.truncated(0.1).settled(3)
    whole, cut = (one.state.stats['x']['batch_stats']['BatchNorm_0'] for one in runs)
    np.testing.assert_allclose(np.mean(whole['var']), 1, rtol=0.05)
    np.testing.assert_allclose(np.mean(cut['var']), 0.1**2 / 3, rtol=0.05)
    bright = [one.sample(128)['image'].std() for one in (run, *runs)]
    assert bright[0] == pytest.approx(bright[1], rel=0.05) == pytest.approx(bright[2], rel=0.2)


def test_a_run_obeys_truncation_or_says_why_not(run, tiny):
    near = draw(run, Request(num=20, truncation=1e-3))['image']
    assert np.ptp(near.astype(int), axis=0).max() <= 1  # all but one image
    assert np.ptp(run.sample(20)['image'].astype(int), axis=0).max() > 1
    for wrong, reason in ((-1, 'be above 0'), (0, 'be above 0'), (np.nan, 'no number')):
        with pytest.raises(UsageError, match=f'a truncation of {wrong} .*{reason}'):
            draw(run, Request(truncation=wrong))
    blind = Game({}, {}, (), None, run.game.latents, run.game.draw)
    with pytest.raises(UsageError, match="game 'adversarial' has no latents that can be truncated"):
        Run(Drawing(tiny, blind, run.mesh), run.state).truncated(1.0)


# Classes.


def classes() -> Game:
    """Draws every image in the grey of its label."""

    def latents(key, batch):
        count = len(batch['image'])
        return {
            'z': jax.random.normal(key, (count, 3)),
            'label': jax.random.randint(key, count, 0, 10),
        }

    def paint(networks, latents):
        grey = latents['label'] / 10.0
        return {
            'image': jnp.broadcast_to(grey[:, None, None, None], (len(grey), 8, 8, 1)),
            **latents,
        }

    return Game({}, {}, (), None, latents, paint)


def test_a_class_is_drawn_alone_and_written_into_its_folder(run, tiny, tmp_path, monkeypatch):
    painter = Run(Drawing(tiny, classes(), run.mesh), run.state.replace(ema={}))
    assert set(draw(painter, Request(num=5, label=3))['label']) == {3}
    assert len(set(draw(painter, Request(num=50))['label'])) > 5
    monkeypatch.setattr('gan_jax.sample.load_run', lambda *_: painter)
    sample(tiny, '', Request(num=30), str(tmp_path / 'out'))
    files = sorted((tmp_path / 'out').rglob('*.png'))
    assert sorted(file.name for file in files) == [f'{i:05d}.png' for i in range(30)]
    for file in files:
        assert np.asarray(Image.open(file)).mean() == round(
            (int(file.parent.name) / 10 + 1) * 127.5
        )


def test_pictures_of_two_runs_are_never_mixed(run, tiny, tmp_path, monkeypatch):
    """What scores a folder would score both."""
    monkeypatch.setattr('gan_jax.sample.load_run', lambda *_: run)
    sample(tiny, '', Request(num=3), str(tmp_path / 'out'))
    with pytest.raises(UsageError, match='out holds files already'):
        sample(tiny, '', Request(num=2), str(tmp_path / 'out'))
    assert len(list((tmp_path / 'out').iterdir())) == 3


def test_a_class_asked_of_a_game_without_any_is_said(run):
    with pytest.raises(UsageError, match='draws images of no class by name'):
        draw(run, Request(label=3))


@pytest.mark.parametrize('label', (-1, 10))
def test_a_class_out_of_range_is_said(run, tiny, label):
    painter = Run(Drawing(tiny, classes(), run.mesh), run.state.replace(ema={}))
    with pytest.raises(UsageError, match=f"class {label} is none of 'digits': 0 to 9"):
        draw(painter, Request(label=label))


def test_a_games_latents_change_and_nothing_else():
    game = classes()
    batch = {'image': np.zeros((4, 8, 8, 1))}
    assert set(labelled(game, 2).latents(jax.random.key(0), batch)['label'].tolist()) == {2}
    halved = truncated(
        Game({}, {}, (), None, game.latents, game.draw, truncate=lambda x, t: {'z': x['z'] * t}),
        0.5,
    )
    whole = game.latents(jax.random.key(0), batch)
    np.testing.assert_allclose(halved.latents(jax.random.key(0), batch)['z'], whole['z'] / 2)
    assert halved.draw is game.draw


# Between latents.


@pytest.mark.parametrize('between', [linear, spherical])
def test_paths_begin_and_end_where_they_should(between):
    a, b = (jax.random.normal(jax.random.key(seed), (5, 64)) for seed in (0, 1))
    np.testing.assert_allclose(between(a, b, 0.0), a, atol=1e-5)
    np.testing.assert_allclose(between(a, b, 1.0), b, atol=1e-5)
    np.testing.assert_allclose(between(a, a, 0.3), a, rtol=1e-4, atol=1e-4)


def test_an_arc_keeps_the_length_that_a_line_loses():
    a, b = (jax.random.normal(jax.random.key(seed), (5, 64)) for seed in (0, 1))
    a, b = (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    np.testing.assert_allclose(jnp.linalg.norm(spherical(a, b, 0.4), axis=-1), 1, atol=1e-5)
    assert (jnp.linalg.norm(linear(a, b, 0.4), axis=-1) < 0.9).all()


@pytest.mark.parametrize('name', ['linear', 'spherical'])
def test_every_row_of_a_grid_leads_from_one_latent_to_another(run, name):
    images = draw(run, Request(num=16, seed=2, interpolate=name))['image']
    latents = run.latents(8, jax.random.key(2))
    ends = run.draw(latents)['image'].astype(int)
    rows = images.reshape(4, 4, 8, 8, 1).astype(int)
    assert np.abs(rows[:, 0] - ends[:4]).max() <= 1
    assert np.abs(rows[:, -1] - ends[4:]).max() <= 1
    assert len(draw(run, Request(num=7, interpolate=name))['image']) == 7


def test_what_lies_between_is_truncated_too(run, monkeypatch):
    """Arcs between latents within a threshold may lead beyond it."""
    drawn = []
    monkeypatch.setattr(Run, 'draw', lambda self, latents: drawn.append(latents['z']))
    draw(run, Request(num=64, interpolate='spherical', truncation=0.5))
    assert np.abs(drawn[0]).max() <= 0.5


def test_a_priors_own_way_leads_through_what_it_draws():
    ends = [priors.uniform(16).draw(jax.random.key(seed), 500) for seed in (0, 1)]
    assert jnp.abs(priors.uniform(16).between(*ends, 0.5)).max() <= 1
    ends = [priors.gaussian(256).draw(jax.random.key(seed), 500) for seed in (0, 1)]
    assert priors.gaussian(256).between(*ends, 0.5).std() == pytest.approx(1, abs=0.02)


# In Python.


def test_the_readmes_example_runs(finished, tmp_path, monkeypatch):
    """Ten lines at most: load a run, draw, save."""
    monkeypatch.chdir(tmp_path)
    (example,) = [
        code for code in re.findall(r'```python\n(.*?)```', README, re.S) if 'load_run' in code
    ]
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    ast.parse(example)
    exec(example.replace("'runs/wgan_gp'", repr(str(finished))), {})
    (picture,) = tmp_path.glob('*.png')
    with Image.open(picture) as opened:
        assert opened.width > 100

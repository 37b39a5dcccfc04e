"""What a game that encodes images and bounds their likelihood can be asked for."""

from pathlib import Path

import jax
import numpy as np
import pytest

from configs import beta_vae, gan
from gan_jax import metrics
from gan_jax.analysis import page
from gan_jax.analysis.sections.encoding import show_reconstructions, show_traversal
from gan_jax.analysis.study import Study
from gan_jax.build import make_initial_state
from gan_jax.evaluation import Evaluator
from gan_jax.evaluation.run_scores import RUN_SCORES
from gan_jax.games import build_game
from gan_jax.mesh import make_mesh
from gan_jax.pictures import to_signed
from gan_jax.run import Drawing, Run
from gan_jax.usage import UsageError


def first(config) -> Run:
    """A run at its very first state."""
    mesh, game = make_mesh(), build_game(config)
    return Run(Drawing(config, game, mesh), make_initial_state(config, game, mesh)())


def study_of(run: Run) -> Study:
    study = Study(Path('nowhere'), run.config)
    study.__dict__['_run'] = run
    return study


@pytest.fixture
def encoding() -> Run:
    config = beta_vae.get_config()
    config.data.size = (8, 8)
    config.update_from_flattened_dict(
        {'networks.encoder.widths': (8,), 'networks.decoder.widths': (8,), 'prior.size': 3}
    )
    config.eval.update(extractor='tests.test_evaluation:pixels', num=200, scores='elbo,fid')
    return first(config)


def test_the_bound_of_an_image_does_not_depend_on_how_many_there_are(encoding):
    images = study_of(encoding).real['image'][:200]
    bounds = encoding.evidence(images, seed=3)
    assert bounds.shape == (200,) and np.all(bounds < 0)
    np.testing.assert_array_equal(encoding.evidence(images[:130], seed=3), bounds[:130])
    assert not np.array_equal(encoding.evidence(images, seed=4), bounds)
    networks = study_of(encoding).networks(encoding.state)
    key = jax.random.fold_in(jax.random.key(3), 0)
    direct = encoding.game.evidence(networks, to_signed(images[:128]), key)
    np.testing.assert_allclose(bounds[:128], direct, rtol=1e-4)


def test_a_score_is_the_mean_bound_of_a_splits_images(encoding, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    said = Evaluator(encoding.config)(encoding).scores
    assert set(said) == {'elbo', 'fid200'}
    expected = encoding.evidence(study_of(encoding).real['image'], seed=0).mean()
    np.testing.assert_allclose(said['elbo']['value'], expected, rtol=1e-5)
    assert said['elbo']['low'] < expected < said['elbo']['high']


def test_a_score_of_real_images_takes_no_number_of_generated_ones():
    with pytest.raises(UsageError, match='elbo is of no generated images'):
        metrics.choose_scores('elbo10k', 10_000, RUN_SCORES)


def test_what_does_not_encode_says_so():
    run = first(gan.get_config())
    with pytest.raises(UsageError, match='no bound of how likely'):
        run.evidence(np.zeros((1, 8, 8, 1), np.uint8))
    with pytest.raises(UsageError, match='no network that encodes'):
        study_of(run).encode(np.zeros((1, 8, 8, 1), np.uint8))
    assert show_reconstructions(study_of(run)) == show_traversal(study_of(run)) == ''


@pytest.fixture
def shown(monkeypatch) -> list:
    """The images of every grid that a section shows."""
    grids = []
    monkeypatch.setattr(page, 'grid', lambda images, *said: grids.append(images) or 'a picture')
    return grids


def test_reconstructions_are_beside_their_images(encoding, shown):
    study = study_of(encoding)
    assert show_reconstructions(study) == 'a picture'
    real, drawn = shown[0][::2], shown[0][1::2]
    np.testing.assert_array_equal(real, study.real['image'][: len(real)])
    code = encoding.game.encode(study.networks(encoding.state), to_signed(real))
    np.testing.assert_array_equal(drawn, encoding.draw(code)['image'])


def test_a_row_moves_one_latent_from_end_to_end(encoding, shown):
    """The latent of the last row is the one that differs least between images."""
    study = study_of(encoding)
    assert show_traversal(study) == 'a picture'
    rows = shown[0].reshape(3, 9, 8, 8, 1)
    codes = study.encode(study.real['image'][:512])
    order = np.argsort(-codes.std(axis=0))
    for row, latent in zip(rows, order, strict=True):
        walk = np.repeat(codes[:1], 3, axis=0)
        walk[:, latent] = -3, 0, 3
        np.testing.assert_array_equal(row[[0, 4, 8]], encoding.draw({'z': walk})['image'])

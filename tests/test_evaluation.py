"""Scores of runs: what they are of, what makes them comparable, and what they cost training."""

import json
import shutil
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import metrics
from gan_jax.build import make_initial_state
from gan_jax.data import open_examples
from gan_jax.evaluation import Evaluator, reference
from gan_jax.evaluation.extractors import choose_extractor
from gan_jax.evaluation.labelled import split_examples
from gan_jax.games import build_game
from gan_jax.mesh import make_mesh
from gan_jax.metrics import comparison
from gan_jax.run import Drawing, Run
from gan_jax.train import train
from gan_jax.usage import UsageError


def pixels() -> metrics.Extractor:
    """Sees 12 sums of pixels: an extractor of the test's own, as a flag can name it."""
    kernel = np.random.default_rng(0).normal(size=(64, 12)).astype(np.float32)

    def apply(variables, images):
        sums = images.reshape(len(images), -1) / 255.0 @ variables
        return metrics.Features(sums, sums)

    return metrics.Extractor('pixels', apply, kernel, 'none', channels=(1,))


def empty() -> metrics.Extractor:
    """What scores cannot be known by."""
    return replace(pixels(), variables={})


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


@pytest.fixture
def scored(tiny):
    """The smallest GAN's config, to be scored in a second."""
    tiny.eval.update(extractor='tests.test_evaluation:pixels', num=200, scores='fid,kid')
    return tiny


def first(config) -> Run:
    """A run at its very first state."""
    mesh, game = make_mesh(), build_game(config)
    return Run(Drawing(config, game, mesh), make_initial_state(config, game, mesh)())


# What a score is of.


def test_a_score_is_that_of_the_samples_as_pictures_and_of_all_real_images(scored):
    """uint8 on both sides; no real image is left out of the last batch."""
    run, extractor = first(scored), pixels()
    said = Evaluator(scored)(run)
    samples = run.sample(200, seed=0)['image']
    assert samples.dtype == np.uint8
    real = open_examples(scored.data).read(0, 1797)['image']
    assert said.protocol.reference.count == len(real) == 1797
    exact = metrics.fid(*(metrics.summarize(extractor(x).pooled) for x in (samples, real)))
    assert said.scores['fid200']['value'] == pytest.approx(exact, rel=1e-5)
    assert said.scores['fid200']['low'] < exact < said.scores['fid200']['high']


def test_the_reference_is_what_is_stored_whatever_training_draws_at_random(scored):
    """Neither mirrored nor cropped elsewhere than at the centre."""
    plain = Evaluator(scored)(first(scored)).protocol.reference
    scored.data.update(flip=True)
    assert Evaluator(scored)(first(scored)).protocol.reference == plain


def test_the_same_seed_gives_the_same_score_and_another_gives_another(scored):
    run, evaluator = first(scored), Evaluator(scored)
    one, again = evaluator(run), evaluator(run)
    assert one.scores == again.scores
    scored.eval.seed = 1
    assert Evaluator(scored)(run).scores['fid200'] != one.scores['fid200']


def test_truncation_is_obeyed_and_stored(scored):
    """Less of the latents, less variety: what KID and FID see of the samples moves."""
    whole = Evaluator(scored)(first(scored))
    scored.eval.truncation = 0.1
    cut = Evaluator(scored)(first(scored))
    assert (whole.protocol.truncation, cut.protocol.truncation) == (0, 0.1)
    assert cut.scores['fid200'] != whole.scores['fid200']
    assert cut.protocol.digest() != whole.protocol.digest()


def test_averaged_weights_are_what_is_drawn_and_said(scored):
    """Those of the moving average, once they differ; the others where there is none."""
    run, evaluator = first(scored), Evaluator(scored)
    moved = run.state.replace(params=jax.tree.map(lambda w: 2 * w, run.state.params))
    assert evaluator(replace(run, state=moved)).scores == evaluator(run).scores
    averaged = run.state.replace(ema=jax.tree.map(lambda w: 2 * w, run.state.ema))
    assert evaluator(replace(run, state=averaged)).scores != evaluator(run).scores
    assert evaluator(run).protocol.averaged == scored.ema_decay == 0.9
    scored.ema_decay = 0.0
    plain = first(scored)
    assert Evaluator(scored)(plain).protocol.averaged == 0
    moved = plain.state.replace(params=jax.tree.map(lambda w: 2 * w, plain.state.params))
    assert Evaluator(scored)(replace(plain, state=moved)).scores != evaluator(plain).scores


# What makes it comparable.


def test_protocols_differ_where_scores_cannot_be_compared(scored):
    """By any field but the step."""
    protocol = Evaluator(scored)(first(scored)).protocol
    assert replace(protocol, step=7).digest() == protocol.digest()
    others = dict(generated=201, averaged=0.0, truncation=0.5, seed=3, precision='bfloat16')
    digests = {replace(protocol, **{name: other}).digest() for name, other in others.items()}
    for name in ('split', 'pixels', 'extractor', 'weights', 'resizing'):
        changed = replace(protocol.reference, **{name: 'another'})
        digests.add(replace(protocol, reference=changed).digest())
    assert len(digests - {protocol.digest()}) == 10


def test_a_score_that_insists_on_a_number_of_images_is_refused_with_another(scored):
    scored.eval.scores = 'fid50k'
    with pytest.raises(UsageError, match='fid50k is a score of 50,000 .* of 200: fid200'):
        Evaluator(scored)
    scored.eval.scores = 'fid200'
    assert Evaluator(scored).names == ['fid200']


@pytest.mark.parametrize(
    'count, fid, kid',
    [
        (50_000, 'fid50k', 'kid10k'),
        (10_000, 'fid10k', 'kid10k'),
        (1797, 'fid1797', 'kid1797'),
        (1500, 'fid1500', 'kid1500'),
    ],
)
def test_names_say_of_how_many_images_a_score_is(count, fid, kid):
    """However many there are, where a score is of those kept."""
    for name in (fid, kid):
        (score,) = metrics.choose_scores(name, count, metrics.SCORES)
        assert list(metrics.counted_names(score, count)) == [name]


def test_a_score_of_those_kept_cannot_be_had_of_more():
    message = 'kid50k is a score of 50,000 generated images, and this one is of 10,000: kid10k'
    with pytest.raises(UsageError, match=message):
        metrics.choose_scores('kid50k', 50_000, metrics.SCORES)


def test_scores_of_more_images_than_are_kept(monkeypatch):
    """FID, the Inception Score and modes are of all; a copy of what was not kept is not denied."""
    monkeypatch.setattr(comparison, 'KEPT', 50)
    images = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), np.uint8)
    seen = metrics.see(pixels(), [{'image': images}], 400, {})
    assert len(seen.summary.features) == 50 and seen.summary.moments.count == 400
    assert seen.counts.sum() == 400
    logits = np.asarray(pixels()(images).logits)
    assert seen.inception_score == pytest.approx(metrics.inception_score(logits), rel=1e-5)
    scores = metrics.choose_scores('fid,modes,authenticity', 400, metrics.SCORES)
    said = metrics.take_scores(scores, 400, seen, seen.summary)
    assert said.estimates['fid400']['value'] == pytest.approx(0, abs=1e-3)
    assert said.estimates['modes400']['value'] == len(set(logits.argmax(axis=1)))
    assert 'any of the 400 real images, of which only 50' in said.refused[0]
    whole = metrics.see(pixels(), [{'image': images}], 400, {}, kept=400).summary
    scores = metrics.choose_scores('kid,authenticity', 400, metrics.SCORES)
    said = metrics.take_scores(scores, 400, seen, whole)
    assert said.estimates['authenticity400']['value'] == 0  # all of them are copies
    assert not said.refused


def test_the_references_features_are_made_once(scored, monkeypatch, capsys):
    """By the protocol's hash; a damaged file is said and made again."""
    one = Evaluator(scored)(first(scored))
    (file,) = (reference.cache_folder() / 'references').iterdir()
    see = reference.see
    monkeypatch.setattr(reference, 'see', None)
    assert Evaluator(scored)(first(scored)).scores == one.scores
    monkeypatch.setattr(reference, 'see', see)
    file.write_bytes(file.read_bytes()[:1000])
    assert Evaluator(scored)(first(scored)).scores == one.scores
    assert 'made again' in capsys.readouterr().out


def test_a_classifiers_parts_share_no_image():
    """Digits have no split 'test': a fifth is left out of what it is trained on."""
    from configs import gan

    training, tests, classes, unseen = split_examples(gan.get_config().data)
    assert (len(training['label']), len(tests['label']), classes) == (1437, 360, 10)
    assert not unseen
    assert not {x.tobytes() for x in tests['image']} & {x.tobytes() for x in training['image']}


@pytest.mark.parametrize(
    'name, message',
    [
        ('inceptoin', "unknown extractor 'inceptoin'; did you mean 'inception'"),
        ('nowhere:make', "extractor 'nowhere:make': No module named 'nowhere'"),
        ('tests.test_evaluation:none', "has no attribute 'none'"),
        (':x', 'Empty module name'),
        ('tests.test_evaluation:empty', "'tests.test_evaluation:empty' has no variables"),
        ('time:time', "'time:time': float is no Extractor"),
    ],
)
def test_an_extractor_that_cannot_be_had_is_said(scored, name, message):
    scored.eval.extractor = name
    with pytest.raises(UsageError, match=message):
        choose_extractor(scored)


def test_tests_are_never_what_was_learnt_from(scored, monkeypatch):
    """Images of a split 'test' leave out a fifth of their own."""

    class Stored:
        label_names = ('one', 'two')

        def __len__(self):
            return 20

        def read(self, start, stop):
            return {'image': np.arange(20)[start:stop], 'label': np.arange(20)[start:stop]}

    monkeypatch.setattr('gan_jax.evaluation.labelled.open_examples', lambda data: Stored())
    assert split_examples(scored.data).unseen
    scored.data.split = 'test'
    training, tests, _, unseen = split_examples(scored.data)
    assert not unseen and not set(training['image']) & set(tests['image'])


def test_copies_are_sought_among_what_was_trained_on(scored):
    scored.eval.update(scores='authenticity', num=50)
    run, evaluator = first(scored), Evaluator(scored)
    assert 'authenticity50' in evaluator(run).scores
    run.config.data.split = 'test'
    assert "trained on split 'test'" in evaluator(run).scored.refused[0]


def test_path_lengths_are_the_same_whatever_the_run_computes_with(scored):
    """bfloat16 rounds a way of 1e-4 to none, or to a hundred times as long a one."""
    scored.eval.update(scores='path_length', num=30)
    exact = Evaluator(scored)(first(scored)).scores['path_length30']['value']
    scored.dtype = 'bfloat16'
    said = Evaluator(scored)(first(scored)).scores['path_length30']['value']
    assert said == pytest.approx(exact, rel=1e-3)


def test_scores_of_one_protocol_are_in_one_file(scored, tmp_path):
    """Those that were there stay, and each says its settings."""
    run = first(scored)
    for scores in ('fid', 'kid'):
        scored.eval.scores = scores
        Evaluator(scored)(run).save(tmp_path)
    (file,) = (tmp_path / 'eval').iterdir()
    said = json.loads(file.read_text())
    assert set(said['scores']) == {'fid200', 'kid200'}
    assert said['scores']['kid200']['settings'].startswith('100 subsets')
    assert said['protocol']['normalization'] == 'none'
    assert said['protocol']['precision'].startswith('float32, default products on')
    (tmp_path / 'other').write_text('')
    with pytest.raises(UsageError, match='cannot write'):
        Evaluator(scored)(run).save(tmp_path / 'other')


# In training.


def test_training_is_scored_and_keeps_its_best(scored, tmp_path, monkeypatch):
    """And ends in the same bits as without scores."""
    scored.update(steps=4)
    scored.log.every = scored.checkpoint.every = scored.eval.every = 1
    scored.checkpoint.update(keep=1, best='eval/fid200')
    values = iter([3.0, 1.0, 2.0, 4.0])
    score = Evaluator.__call__

    def scripted(self, run):
        said = score(self, run)
        value = {'value': next(values), 'low': None, 'high': None, 'settings': ''}
        return said._replace(scored=metrics.Scored({**said.scores, 'fid200': value}, ()))

    monkeypatch.setattr(Evaluator, '__call__', scripted)
    state = train(scored, str(tmp_path / 'scored'))
    lines = [json.loads(x) for x in (tmp_path / 'scored' / 'metrics.jsonl').open()]
    assert [line['eval/fid200'] for line in lines] == [3, 1, 2, 4]
    assert {'eval/kid200'} <= set(lines[0])
    kept = {file.name for file in (tmp_path / 'scored' / 'checkpoints').iterdir()}
    assert kept == {'2', '4'}
    files = sorted((tmp_path / 'scored' / 'eval').iterdir())
    said = json.loads(files[1].read_text())
    assert said['step'] == said['protocol']['step'] == 2
    assert said['scores']['fid200']['value'] == 1

    scored.eval.every, scored.checkpoint.best = 0, ''
    plain = train(scored, str(tmp_path / 'plain'))
    jax.tree.map(np.testing.assert_array_equal, state.params, plain.params)


def test_what_cannot_be_scored_is_said_and_training_goes_on(scored, tmp_path, capsys):
    scored.update(steps=2)
    scored.eval.update(every=2, scores='ms_ssim,fid')
    train(scored, str(tmp_path))
    assert 'NOT SCORED at step 2: ms_ssim: images of 8 pixels' in capsys.readouterr().out
    assert '"eval/fid200"' in (tmp_path / 'metrics.jsonl').read_text()


def test_a_best_that_no_score_names_is_found_before_training(scored, tmp_path):
    scored.eval.every = 1
    scored.checkpoint.best = '-eval/fid2k'
    with pytest.raises(UsageError, match="unknown metric .* 'eval/fid2k'; did you mean 'eval/fid2"):
        train(scored, str(tmp_path))


# The whole command.


def test_the_command_scores_a_checkpoint(program, finished, tmp_path):
    """Every score that the samples allow; what they don't allow is an error, and the rest stays."""
    finished = shutil.copytree(finished, tmp_path / 'run')
    flags = ['--mode=eval', f'--workdir={finished}', '--config.steps=300', '--config.eval.num=300']
    flags.append('--config.eval.extractor=tests.test_evaluation:pixels')
    names = 'fid,kid,inception_score,precision_recall,density_coverage,modes,modes_kl,authenticity'
    done = program.run(*flags, f'--config.eval.scores={names},path_length')
    assert done.returncode == 0, done.stderr
    assert 'step 300: 300 images against the 1,797 of digits train, by pixels' in done.stdout
    (file,) = (finished / 'eval').iterdir()
    said = json.loads(file.read_text())
    assert all(f'{name}300' in said['scores'] for name in ('recall', 'coverage', 'modes_kl'))
    assert all(np.isfinite(score['value']) for score in said['scores'].values())
    refused = program.run(*flags, '--config.eval.scores=intra_fid,classification_accuracy,kid')
    assert refused.returncode == 2
    assert 'kid300' in refused.stdout
    assert refused.stderr.count('\n') == 1 and 'have no labels' in refused.stderr
    missing = program.run(*flags, '--step=5')
    assert (missing.returncode, missing.stderr.count('\n')) == (2, 1)
    assert 'no checkpoint of step 5' in missing.stderr and '300' in missing.stderr


def test_float_images_within_the_same_range_give_the_same_features():
    """As a path length needs them, which must not be rounded."""
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    np.testing.assert_allclose(
        pixels()(images).pooled, pixels()(jnp.asarray(images, jnp.float32)).pooled, rtol=1e-6
    )

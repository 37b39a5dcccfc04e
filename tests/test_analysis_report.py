"""The report as a person makes it: the whole command, and runs that lack one thing or another."""

import json
import re
import shutil

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.analysis import compare, report
from gan_jax.analysis.sections import attention, latents, outcome, resembling, training
from gan_jax.analysis.study import open_study
from gan_jax.metrics import Extractor, Features
from gan_jax.models import mlp
from gan_jax.run import Run


@pytest.fixture(scope='module')
def reported(program, finished, tmp_path_factory):
    """A copy of a finished run with its report, made by the command without a config."""
    folder = tmp_path_factory.mktemp('reported') / 'run'
    shutil.copytree(finished, folder)
    write_evaluation(folder, 100, 20.0)
    write_evaluation(folder, 300, 12.5)
    done = run_report(program, f'--workdir={folder}')
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'report.html' in done.stdout
    return folder


def write_evaluation(folder, step, value):
    (folder / 'eval').mkdir(exist_ok=True)
    score = {'value': value, 'low': value - 1, 'high': value + 1}
    protocol = {'reference': {'count': 500}, 'step': step}
    file = {'step': step, 'scores': {'fid': score}, 'protocol': protocol}
    (folder / 'eval' / f'{step:08d}.json').write_text(json.dumps(file))


def run_report(program, *arguments):
    """Runs the command with no `--config`, which `program.run` always gives."""
    command = [a for a in program.command() if not a.startswith('--config')]
    return program.execute([*command, '--mode=report', *arguments])


def headings(html):
    return re.findall('<h2[^>]*>(.*?)</h2>', html)


def test_a_report_has_every_section_and_nothing_from_elsewhere(reported):
    html = (reported / 'report.html').read_text()
    # The smallest GAN lacks what these show.
    lacking = 'Attention', 'Classes', 'One latent at a time', 'Reconstructions', 'Styles'
    assert headings(html) == [name for name in report.SECTIONS if name not in lacking]
    assert 'Not here' not in html and not re.findall('points="[^"]*nan', html)
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html)
    assert len(html) < 3 * 2**20
    assert '12.5' in html and '11.5 to 13.5' in html and 'reference.count' in html


def test_the_setting_says_what_the_run_was_trained_with(reported):
    html = (reported / 'report.html').read_text()
    (start,) = json.loads((reported / 'environment.json').read_text())
    assert start['commit'] is None or re.fullmatch('[0-9a-f]{40}[+]?', start['commit'])
    for name in ('python', 'jax', 'flax', 'optax', 'devices'):
        assert f'>{start[name]}</td>' in html
    assert '<th scope="row">prior.size</th><td data-column="value">4</td>' in html


def test_every_start_adds_its_environment(program, tmp_path):
    for steps in (20, 40):
        program.train(tmp_path / 'run', f'--config.steps={steps}')
    starts = json.loads((tmp_path / 'run' / 'environment.json').read_text())
    assert [start['step'] for start in starts] == [0, 20]


def test_several_runs_are_compared_on_one_page(program, reported, finished, tmp_path):
    done = run_report(program, f'--workdir={reported},{finished}', f'--out={tmp_path}/both.html')
    assert done.returncode == 0, done.stdout + done.stderr
    html = (tmp_path / 'both.html').read_text()
    assert headings(html) == list(compare.COMPARISONS)
    assert f'<td data-column="{reported}">12.5</td><td data-column="{finished}"></td>' in html
    assert html.count('<img') == 2 and 'They have the same config' in html
    assert 'do not compare' not in html


def test_a_run_without_checkpoints_or_data_still_has_its_curves(reported, tmp_path):
    folder = tmp_path / 'run'
    shutil.copytree(reported, folder)
    shutil.rmtree(folder / 'checkpoints')
    config = json.loads((folder / 'config.json').read_text())
    config['data'] |= {'name': 'folder', 'data_dir': '/no/such'}
    (folder / 'config.json').write_text(json.dumps(config))
    html = report.write_report([str(folder)]).read_text()
    assert 'No images to judge' in html and 'Mean logit' in html
    assert 'Not here: no checkpoint' in html


@pytest.mark.parametrize(
    'arguments, message',
    [
        ([], 'a report of which run? --workdir=DIR'),
        (['--dry_run'], 'a dry run of which system?'),
        (['--mode=train'], 'which system?'),
        (['--workdir=/no/such'], "no run in '/no/such'"),
        (['--workdir={run}', '--out={run}/config.json/x.html'], 'config.json/x.html'),
    ],
)
def test_a_report_of_nothing_gets_one_line(program, reported, arguments, message):
    done = run_report(program, *(a.format(run=reported) for a in arguments))
    assert done.returncode == 2
    assert done.stderr.startswith('error: ') and message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_classes_are_rows_where_samples_have_labels(reported, monkeypatch):
    """The most frequent classes, at most ten, under the names that the data have for them."""
    study = open_study(str(reported))
    labels = np.arange(512) % 7
    drawn = {'image': np.zeros((512, 8, 8, 1), np.uint8), 'label': labels}
    monkeypatch.setattr(Run, 'sample', lambda self, num, seed: drawn)
    html = latents.show_classes(study)
    assert '7 rows of generated images' in html and '0, 1, 2, 3, 4, 5, 6.' in html


def test_latents_without_a_truncation_have_no_such_section(reported):
    study = open_study(str(reported))
    assert latents.show_truncation(study)
    object.__setattr__(study.run.game, 'truncate', None)  # of a game that this test alone has
    assert latents.show_truncation(study) == ''


class Attending(mlp.Generator):
    """The smallest generator, of which every pixel is said to attend to the image's corner."""

    @nn.compact
    def __call__(self, z, train=True):
        corner = jnp.zeros((len(z), 4, 4, 2, 2)).at[..., 0, 0].set(1)
        self.sow('intermediates', 'attention', corner)
        return super().__call__(z, train)


def test_attention_is_shown_where_there_is_any(reported):
    """Six samples, each followed by three of its pixels and what they attend to."""
    study = open_study(str(reported))
    assert attention.show_attention(study) == ''
    networks = study.run.game.networks
    fields = ('image_shape', 'widths', 'kernel_init')
    networks['generator'] = Attending(*(getattr(networks['generator'], name) for name in fields))
    html = attention.show_attention(study)
    assert '6 generated images' in html and 'of 4 x 4 pixels' in html and html.count('<img') == 1


def test_the_time_is_that_of_all_logged_steps():
    history = [{'step': 1, 'steps_per_second': 0.5}, {'step': 101, 'steps_per_second': 10.0}]
    assert outcome.seconds_logged(history) == pytest.approx(12)
    assert outcome.duration(12.2) == '12 s' and outcome.duration(3725) == '1 h 2 min'


def test_an_extractor_tells_images_apart_where_one_is_given(reported):
    """By the mean of an image alone: one number each, and the page says so."""

    def apply(variables, images):
        mean = jnp.mean(jnp.asarray(images, jnp.float32), axis=(1, 2))
        return Features(mean, mean)

    brightness = Extractor('brightness', apply, {}, resizing='none', channels=(1,))
    study = open_study(str(reported), brightness)
    generated, real = study.features
    assert generated.shape == (512, 1) and real.shape == (1797, 1)
    np.testing.assert_allclose(real, study.real['image'].mean(axis=(1, 2)), rtol=1e-5)
    assert 'features of brightness' in resembling.show_neighbours(study)


def test_every_logged_number_has_its_chart(reported):
    """What a game of another kind logs too, and each phase in one colour everywhere."""
    study = open_study(str(reported))
    for line in study.history:
        line |= {'generator/path_length': 1.5, 'controller/strength': 0.2}
    html = training.show_curves(study)
    assert '<b>Path length</b>' in html and '<b>Strength</b>' in html
    keys = set(re.findall(r'var\(--(\w+)\)"></i>(\w+)<', html))
    assert {phase for _, phase in keys} >= {'generator', 'discriminator', 'controller'}
    assert len(keys) == len({phase for _, phase in keys})


def test_scores_are_read_from_both_places(reported):
    study = open_study(str(reported))
    study.history.append({'step': 200, 'eval/kid': 0.5})
    found = training.score_series(study)
    np.testing.assert_array_equal(found['fid'], [[100, 300], [20, 12.5]])
    np.testing.assert_array_equal(found['kid'], [[200], [0.5]])

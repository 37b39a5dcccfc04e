"""The verdict: its rules one by one, and runs that are made to fail in each way."""

import math

import pytest

from gan_jax import priors
from gan_jax.analysis import verdict
from gan_jax.analysis.sections import outcome
from gan_jax.analysis.study import open_study
from gan_jax.analysis.verdict import Images
from gan_jax.train import train
from gan_jax.usage import UsageError

GOOD = Images(diversity=1.0, spacing=1.0, distance=1.2)


def logged(count=40, **changes):
    """The history of a game whose critic is called `judge`, with changes by name: step -> value."""
    usual = {
        'loss': lambda step: 0.7,
        'gradient_norm': lambda step: 1.0,
        'real_logit_mean': lambda step: 0.3,
        'fake_logit_mean': lambda step: -0.3,
        'real_logit_std': lambda step: 1.0,
        'fake_logit_std': lambda step: 1.0,
    } | changes
    return [
        {'step': step, **{f'judge/{name}': value(step) for name, value in usual.items()}}
        for step in range(10, 10 * count + 1, 10)
    ]


def apart(step):
    return 20.0


@pytest.mark.parametrize(
    'word, history, images',
    [
        ('Healthy', logged(), GOOD),
        ('Healthy', logged(real_logit_mean=apart), GOOD),
        ('Healthy', logged(), GOOD._replace(distance=3.0)),
        ('Judge won', logged(real_logit_mean=apart), GOOD._replace(distance=3.0)),
        ('Collapsed', logged(), GOOD._replace(diversity=0.1)),
        ('Collapsed', logged(), GOOD._replace(spacing=0.01)),
        ('Collapsed', logged(real_logit_mean=apart), Images(0.0, 0.0, 4.0)),
        ('Diverged', logged(loss=lambda step: None if step > 390 else 1.0), GOOD),
        ('Diverged', logged(gradient_norm=lambda step: math.exp(step / 20)), GOOD),
        ('Diverged', logged(loss=lambda step: None), None),
        ('Healthy', [*logged(), {'step': 400, 'eval/score': None}], GOOD),
        ('Too early to say', logged(3), Images(0.0, 0.0, 4.0)),
        ('Too early to say', [], None),
        ('No images to judge', logged(), None),
    ],
)
def test_each_rule_has_its_word(word, history, images):
    found = verdict.judge(history, 400, images)
    assert found.word == word
    assert found.sentence
    first = next((rule.verdict for rule in found.rules if rule.holds), word)
    assert first == word


def test_a_single_spike_is_no_divergence():
    history = logged(gradient_norm=lambda step: 1e9 if step == 350 else 1.0)
    assert verdict.judge(history, 400, GOOD).word == 'Healthy'


@pytest.mark.parametrize('shift', [0.0, 100.0])
def test_ranking_is_the_normal_probability_wherever_zero_is(shift):
    """P(r > f) with a difference of two deviations' hypotenuse is Phi(1)."""
    line = {'j/real_logit_mean': shift + 5, 'j/real_logit_std': 3}
    line |= {'j/fake_logit_mean': shift, 'j/fake_logit_std': 4}
    assert verdict.ranking(line, 'j') == pytest.approx(0.8413447)
    assert verdict.ranking({**line, 'j/real_logit_mean': shift}, 'j') == 0.5


def no_latents(size):
    """A prior that is one point: whatever is asked for, the same image is drawn."""
    usual = priors.gaussian(size)
    return usual._replace(draw=lambda key, n: 0 * usual.draw(key, n))


# What a run is trained with -> how it goes.
RATES = 'optimizers.generator.learning_rate', 'optimizers.discriminator.learning_rate'
RUNS = {
    'Healthy': dict(zip(RATES, (1e-3, 1e-3)), steps=600, ema_decay=0.98),
    'Discriminator won': dict(zip(RATES, (1e-6, 1e-2)), steps=300),
    'Collapsed': dict(zip(RATES, (1e-3, 1e-3)), steps=300),
    'Diverged': dict(zip(RATES, (1e6, 1e6)), steps=300)
    | {f'optimizers.{player}.name': 'sgd' for player in ('generator', 'discriminator')},
}


@pytest.mark.parametrize('word', RUNS)
def test_a_run_made_to_go_so_is_found_to_have_gone_so(word, tiny, tmp_path, monkeypatch):
    """A ten-thousandth of the rate, a prior of one point, steps beyond all bounds."""
    tiny.networks.generator.widths, tiny.networks.discriminator.widths = (64, 128), (16, 32)
    tiny.prior.size, tiny.batch_size = 16, 64
    tiny.update_from_flattened_dict(RUNS[word])
    if word == 'Collapsed':
        monkeypatch.setitem(priors.PRIORS, 'gaussian', no_latents)
    if word == 'Diverged':
        with pytest.raises(UsageError, match='diverged'):
            train(tiny, str(tmp_path))
    else:
        train(tiny, str(tmp_path))
    found = outcome.judge(open_study(str(tmp_path)))
    assert found.word == word, found.rules

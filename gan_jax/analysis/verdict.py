"""How a run went, in a word, by stated rules over numbers that are shown beside it.

Pure: from the logged steps and measures of the images. The limits lie between runs that went well
and runs made to fail; `tests/test_analysis_verdict.py` makes both.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_jax.analysis.record import History, names, series

_JUDGED = '/real_logit_mean'  # logged by a phase that tells real images from generated ones

# Measured by pixels of the embedded digits: six systems whose runs went well, three collapsed ones
# (a rate or a prior made so), and two whose critic learned 2,000 and 10,000 times as fast.
LEAST_DIVERSITY = 0.3  # 0.92 to 0.99 went well; 0.00 collapsed; 0.38 and 0.47 lost
LEAST_SPACING = 0.15  # 0.96 to 1.56 went well; 0.00 collapsed; 0.54 and 0.91 lost
SURE_RANKING = 0.99  # 0.85 to 1.00 went well, so that this alone says nothing; 1.00 lost
FAR_FROM_DATA = 2.0  # 1.15 to 1.82 went well; 2.42 and 3.21 lost
BLOWN_UP = 1000.0  # at most 7 wherever nothing blew up
LEAST_SHARE = 0.1


class Rule(NamedTuple):
    """One rule, what it found, and what it means where it holds."""

    verdict: str
    rule: str
    found: str
    holds: bool
    meaning: str


class Verdict(NamedTuple):
    """A word, a sentence, and the rules: the first one that holds gives both."""

    word: str
    sentence: str
    rules: tuple[Rule, ...]


class Images(NamedTuple):
    """Measures of generated images, each as a multiple of the same of as many real ones."""

    diversity: float  # the mean distance of two of them
    spacing: float  # the median distance of one to the one nearest to it
    distance: float  # the median distance of one to the real image nearest to it


_HEALTHY = (
    'No rule found a failure: nothing blew up, samples differ as the data do, and no player has '
    'won.'
)
_UNSEEN = (
    'Its numbers are sound; of its images nothing can be said without a checkpoint and the data.'
)


def judge(history: History, steps: int, images: Images | None) -> Verdict:
    """Returns the verdict on a run that was to take `steps` steps.

    images: None where nothing can be drawn yet.
    """
    rules = (
        _diverged(history),
        _early(history, steps),
        *([_collapsed(images)] if images else []),
        *(_won(history, name, images) for name in judged_phases(history) if images),
    )
    for rule in rules:
        if rule.holds:
            return Verdict(rule.verdict, rule.meaning, rules)
    if images is None:
        return Verdict('No images to judge', _UNSEEN, rules)
    return Verdict('Healthy', _HEALTHY, rules)


def judged_phases(history: History) -> list[str]:
    """Returns the phases that tell real images from generated ones."""
    return [name.removesuffix(_JUDGED) for name in names(history) if name.endswith(_JUDGED)]


def ranking(line: Mapping[str, Any], phase: str) -> float:
    """Returns how often a real image's logit is above a generated one's: 0.5 is a coin's guess.

    P(r > f) for normal logits, Phi((m_r - m_f) / sqrt(s_r^2 + s_f^2)). Unlike the share of right
    signs it has a meaning for Wasserstein losses too, of which logits have no zero.
    """
    mean = line[f'{phase}/real_logit_mean'] - line[f'{phase}/fake_logit_mean']
    deviation = math.hypot(line[f'{phase}/real_logit_std'], line[f'{phase}/fake_logit_std'])
    return (1 + math.erf(mean / max(deviation, 1e-12) / math.sqrt(2))) / 2


def _diverged(history: History) -> Rule:
    broken = [line['step'] for line in history if _is_broken(line)]
    growth, name = _largest_growth(history)
    found = (
        f'step {broken[0]:,} has such a number'
        if broken
        else f'none; {name} grew most, {growth:.3g} times'
        if name
        else 'none'
    )
    return Rule(
        'Diverged',
        f'A logged number is not finite, or a loss or gradient norm is, in the last quarter of the '
        f'run, {BLOWN_UP:,.0f} times the largest of its first quarter.',
        found,
        bool(broken) or growth > BLOWN_UP,
        'Its numbers left all bounds: lower the learning rates, or clip gradients.',
    )


def _is_broken(line: Mapping[str, Any]) -> bool:
    """Whether training has a number that is not finite; a score that has none is no divergence."""
    return any(value is None for name, value in line.items() if not name.startswith('eval/'))


def _largest_growth(history: History) -> tuple[float, str]:
    """Of all losses and gradient norms, by magnitude: last quarter's median by first's largest."""
    growths = [(0.0, '')]
    for name in names(history):
        if name.endswith(('/loss', '/gradient_norm')):
            values = np.abs(series(history, name)[1])
            if len(values) >= 4:
                quarter = len(values) // 4
                before = max(values[:quarter].max(), 1e-3)
                growths.append((float(np.median(values[-quarter:]) / before), name))
    return max(growths)


def _collapsed(images: Images) -> Rule:
    return Rule(
        'Collapsed',
        f'The mean distance between two samples is less than {LEAST_DIVERSITY} times that of real '
        'images, or the median one from a sample to the sample nearest to it less than '
        f'{LEAST_SPACING} times.',
        f'{images.diversity:.2f} times; {images.spacing:.2f} times',
        images.diversity < LEAST_DIVERSITY or images.spacing < LEAST_SPACING,
        'It draws nearly the same image, or the same few, whatever it is asked for.',
    )


def _won(history: History, phase: str, images: Images) -> Rule:
    lines = [line for line in _last_quarter(history) if _is_whole(line, phase)]
    rank = float(np.median([ranking(line, phase) for line in lines])) if lines else 0.5
    return Rule(
        f'{phase.capitalize()} won',
        f'In the last quarter of the run the {phase} ranks a real image above a generated one in '
        f'{SURE_RANKING:.0%} of pairs, and samples are more than {FAR_FROM_DATA} times as far from '
        'the nearest real image as real images are from each other.',
        f'{rank:.1%} of pairs; {images.distance:.2f} times as far',
        rank >= SURE_RANKING and images.distance > FAR_FROM_DATA,
        f'The {phase} tells real from generated images almost without fail, and samples are far '
        'from the data: there is little left to learn from it. Slow it down, or strengthen its '
        'penalty.',
    )


def _is_whole(line: Mapping[str, Any], phase: str) -> bool:
    parts = 'real_logit_mean', 'fake_logit_mean', 'real_logit_std', 'fake_logit_std'
    return all(line.get(f'{phase}/{part}') is not None for part in parts)


def _last_quarter(history: History) -> Sequence[Mapping[str, Any]]:
    return history[-max(1, len(history) // 4) :] if history else []


def _early(history: History, steps: int) -> Rule:
    step = history[-1]['step'] if history else 0
    return Rule(
        'Too early to say',
        f'Less than {LEAST_SHARE:.0%} of the steps are taken.',
        f'step {step:,} of {steps:,}',
        step < LEAST_SHARE * steps,
        'It has hardly begun.',
    )

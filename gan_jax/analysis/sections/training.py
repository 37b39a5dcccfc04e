"""Curves over training steps, scores among them, and histograms of where training has come to."""

from collections.abc import Mapping
from itertools import cycle

import jax
import numpy as np

from gan_jax.analysis import charts, page, record
from gan_jax.analysis.record import History
from gan_jax.analysis.study import Study
from gan_jax.analysis.verdict import judged_phases
from gan_jax.fields import flatten
from gan_jax.usage import UsageError

PALETTE = 'first', 'second', 'third', 'fourth', 'real', 'generated'
# ending of a name -> what its chart is called; logarithmic or not
BY_PHASE = {
    'loss': ('Loss', False),
    'gradient_norm': ('Gradient norm', True),
    'update_to_weight': ('Update by size of the weights', True),
    'penalty': ('Penalty', False),
    'penalty_share': ("Penalty's share of the loss", False),
}
_OF_IMAGES = [f'{kind}_logit_{moment}' for kind in ('real', 'fake') for moment in ('mean', 'std')]
_ALONE = {
    'steps_per_second': 'Steps per second',
    'data_wait_share': 'Share of time waiting for data',
}


def show_curves(study: Study) -> str:
    """Everything that was logged, a chart per kind of number."""
    if not study.history:
        return page.paragraph('Nothing was logged yet.')
    loss, *others = _by_phase(study.history)
    drawn = [loss, *_judgement(study.history), *others, *_alone(study.history)]
    return page.row(drawn) + page.paragraph('From left to right: training steps.', 'aside')


def _by_phase(history: History) -> list[str]:
    """A chart per kind of number with a line per phase, which has one colour everywhere."""
    logged = [name for name in record.names(history) if '/' in name]
    split = [name.rpartition('/')[::2] for name in logged if not name.startswith('eval/')]
    colours = dict(zip(sorted({phase for phase, _ in split}), cycle(PALETTE)))
    others = {
        ending: (ending.replace('_', ' ').capitalize(), False)
        for _, ending in split
        if ending not in (*BY_PHASE, *_OF_IMAGES)
    }
    return [
        charts.curves(
            title,
            [
                charts.Line(phase, colour, *record.series(history, f'{phase}/{ending}'))
                for phase, colour in colours.items()
            ],
            log,
        )
        for ending, (title, log) in (BY_PHASE | others).items()
    ]


def _judgement(history: History) -> list[str]:
    """What is said of real and of generated images."""
    kinds = ('real', 'real_logit_mean'), ('generated', 'fake_logit_mean')
    return [
        charts.curves(
            f'Mean logit of the {phase}',
            [
                charts.Line(kind, kind, *record.series(history, f'{phase}/{name}'))
                for kind, name in kinds
            ],
        )
        for phase in judged_phases(history)
    ]


def _alone(history: History) -> list[str]:
    return [
        charts.curves(title, [charts.Line('', 'third', *record.series(history, name))])
        for name, title in _ALONE.items()
    ]


def show_scores(study: Study) -> str:
    """Scores over time, from evaluations beside training and from those of `eval/`."""
    over_time = score_series(study)
    if not over_time:
        return page.paragraph('No scores yet: none in metrics.jsonl, none in eval/.')
    drawn = [
        charts.curves(name, [charts.Line('', 'first', *points)])
        for name, points in over_time.items()
        if len(points[0]) > 1 or not study.scores  # whose newest ones are a table
    ]
    return page.row(drawn) + ''.join(_last_scores(study))


def score_series(study: Study) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Returns the steps and the values of every score: {name: (steps, values)}."""
    logged = [name for name in record.names(study.history) if name.startswith('eval/')]
    found = {name.removeprefix('eval/'): record.series(study.history, name) for name in logged}
    lines = [
        {
            'step': evaluation['step'],
            **{name: score['value'] for name, score in evaluation['scores'].items()},
        }
        for evaluation in study.scores
    ]
    later = {name: record.series(lines, name) for name in record.names(lines) if name != 'step'}
    return {name: points for name, points in {**found, **later}.items() if len(points[0])}


def _last_scores(study: Study) -> list[str]:
    """The newest evaluation with its intervals, and by which protocol it was made."""
    if not study.scores:
        return []
    last = study.scores[-1]
    rows = [
        (name, f'{score["value"]:.4g}', _interval(score)) for name, score in last['scores'].items()
    ]
    protocol = flatten(last.get('protocol', {})).items()
    head = [f'Score at step {last["step"]:,}', 'value', 'interval']
    return [
        page.table(head, rows),
        page.folded('Its protocol', page.table(['Protocol', 'value'], protocol)),
    ]


def _interval(score: Mapping) -> str:
    ends = score.get('low'), score.get('high')
    return '' if None in ends else f'{ends[0]:.4g} to {ends[1]:.4g}'


def show_histograms(study: Study) -> str:
    """What the critic says of images, and how large the weights of every network are."""
    drawn = []
    if study.run.game.critic is not None:
        drawn.append(_logits(study))
    for colour, (name, params) in zip(cycle(PALETTE), sorted(study.run.state.params.items())):
        weights = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])
        title = f'{weights.size:,} weights of the {name}'
        drawn.append(charts.bars(title, {'': (colour, weights)}))
    return page.row(drawn)


def _logits(study: Study) -> str:
    generated = study.judge(study.drawn['image'])
    values = {'generated': ('generated', generated)}
    title = 'Logits of images'
    try:
        every = max(1, len(study.real['image']) // len(generated))
        real = study.judge(study.real['image'][::every][: len(generated)])
        values = {'real': ('real', real), **values}
        share = np.mean(real[:, None] > generated) + np.mean(real[:, None] == generated) / 2
        title += f'; real above generated in {share:.0%} of pairs'
    except UsageError:  # no data here
        pass
    return charts.bars(title, values)

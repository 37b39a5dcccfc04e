"""Several runs beside each other."""

from collections.abc import Sequence

import numpy as np

from gan_jax.analysis import charts, page, record
from gan_jax.analysis.sections.outcome import duration, judge, seconds_logged
from gan_jax.analysis.sections.training import BY_PHASE, PALETTE, score_series
from gan_jax.analysis.study import Study
from gan_jax.fields import flatten

Studies = Sequence[Study]


def compare_verdicts(studies: Studies) -> str:
    """A row per run: its verdict, how far it came and how fast."""
    rows = []
    for name, study in _named(studies).items():
        history = study.history
        step = history[-1]['step'] if history else 0
        steps = f'{step:,} of {study.config.steps:,}'
        rows.append((name, judge(study).word, steps, duration(seconds_logged(history))))
    return page.table(['Run', 'verdict', 'steps', 'time'], rows)


def compare_samples(studies: Studies) -> str:
    """The newest grid of every run."""
    figures = []
    for name, study in _named(studies).items():
        files = record.sample_files(study.folder)
        if files:
            step = max(files)
            picture = page.encode_file(files[step], longest=400)
            image = page.image_tag(*picture, f'Generated images of {name}')
            figures.append(page.figure(image, f'{name}, step {step:,}', 'wide'))
    return page.row(figures, 'pair')


def compare_curves(studies: Studies) -> str:
    """A chart per logged number, with a line per run."""
    histories = {label: study.history for label, study in _named(studies).items()}
    logged = dict.fromkeys(name for lines in histories.values() for name in record.names(lines))
    return page.row(
        _lines(name, {label: record.series(lines, name) for label, lines in histories.items()})
        for name in logged
        if name not in ('step', 'finite')
    )


def compare_scores(studies: Studies) -> str:
    """The newest scores of every run, a chart where there are more, and whether they compare."""
    scores = {label: score_series(study) for label, study in _named(studies).items()}
    names = list(dict.fromkeys(name for found in scores.values() for name in found))
    if not names:
        return ''
    none = np.empty(0), np.empty(0)
    series = {name: {label: scores[label].get(name, none) for label in scores} for name in names}
    newest = [
        (name, *(f'{values[-1]:.4g}' if len(values) else '' for _, values in runs.values()))
        for name, runs in series.items()
    ]
    drawn = page.row(
        _lines(name, runs)
        for name, runs in series.items()
        if max(len(steps) for steps, _ in runs.values()) > 1
    )
    drawn += page.table(['Newest score', *scores], newest)
    evaluations = [evaluation for study in studies for evaluation in study.scores]
    protocols = [{**evaluation.get('protocol', {}), 'step': None} for evaluation in evaluations]
    differ = any(protocol != protocols[0] for protocol in protocols)
    warning = 'The scores were taken by different protocols: they do not compare.'
    return drawn + (page.paragraph(warning, 'aside') if differ else '')


def compare_configs(studies: Studies) -> str:
    """The fields of the config in which the runs differ."""
    configs = [flatten(study.config) for study in studies]
    names = dict.fromkeys(name for config in configs for name in config)
    rows = [
        (name, *values)
        for name in names
        if len(set(values := [repr(config[name]) if name in config else '' for config in configs]))
        > 1
    ]
    if not rows:
        return page.paragraph('They have the same config.')
    return page.table(['Field', *_named(studies)], rows)


def _lines(title: str, series: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    lines = [
        charts.Line(label, PALETTE[number % len(PALETTE)], *points)
        for number, (label, points) in enumerate(series.items())
    ]
    _, log = BY_PHASE.get(title.rpartition('/')[2], (title, False))
    return charts.curves(title, lines, log)


def _named(studies: Studies) -> dict[str, Study]:
    """The runs by the names of their folders, or by their paths where two have the same name."""
    short = [study.folder.resolve().name for study in studies]
    unique = len(set(short)) == len(short)
    return dict(zip(short if unique else [str(study.folder) for study in studies], studies))


# Heading -> `(studies) -> HTML`.
COMPARISONS = {
    'Verdicts': compare_verdicts,
    'Newest samples': compare_samples,
    'Scores': compare_scores,
    'Curves': compare_curves,
    'What differs': compare_configs,
}

"""How it went, in a word and in pictures."""

import json
from html import escape

import numpy as np

from gan_jax.analysis import page, record, resemblance, verdict
from gan_jax.analysis.study import Study
from gan_jax.usage import UsageError

_FRAMES, _LONGEST = 40, 560
_SIGNS = {'Healthy': 'good', 'Too early to say': 'unsure', 'No images to judge': 'unsure'}


def judge(study: Study) -> verdict.Verdict:
    """Returns the verdict on a run."""
    try:
        images = resemblance.measure(*study.pixels)
    except UsageError:  # no checkpoint, or no data here: the rules about images are left out
        images = None
    return verdict.judge(study.history, study.config.steps, images)


def seconds_logged(history: record.History) -> float:
    """Returns how long training took up to its last logged step."""
    steps, rates = record.series(history, 'steps_per_second')
    return float(np.sum(np.diff(steps, prepend=0) / rates))


def show_verdict(study: Study) -> str:
    """The word, how far the run came, and every rule with what it found."""
    found = judge(study)
    step = study.history[-1]['step'] if study.history else 0
    end = 'all' if step >= study.config.steps else f'{step:,} of'
    time = duration(seconds_logged(study.history))
    facts = f'It took {end} {study.config.steps:,} steps, in {time}'
    sign = _SIGNS.get(found.word, 'bad')
    rules = [
        (rule.verdict, rule.rule, rule.found, 'yes' if rule.holds else 'no') for rule in found.rules
    ]
    note = (
        'The rules are tried in this order, and the first one that holds gives the verdict. '
        'Distances are Euclidean, of pixels. Rules find gross failures; which of '
        'two healthy runs is better is for scores to say.'
    )
    return (
        f'<p class="verdict {sign}">{escape(found.word)}</p>'
        + page.paragraph(found.sentence)
        + page.paragraph(f'{facts}.', 'lead')
        + page.table(['Verdict', 'its rule', 'found', 'holds'], rules)
        + page.paragraph(note, 'aside')
    )


def duration(seconds: float) -> str:
    """Returns a time as a person says it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f'{hours} h {minutes} min'
    return f'{minutes} min {rest} s' if minutes else f'{rest} s'


def show_samples(study: Study) -> str:
    """What the run draws now, and a slider through what it drew from the same latents before."""
    columns = study.config.log.grid[1]
    files = record.sample_files(study.folder)
    if not files:
        return page.paragraph('No grid was drawn in training yet.')
    steps = list(files)
    chosen = np.linspace(0, len(steps) - 1, min(_FRAMES, len(steps))).round().astype(int)
    frames = []
    for step in (steps[place] for place in chosen):
        uri, size = page.encode_file(files[step], _LONGEST)
        label = f'step {step:,}'
        alt = f'Grid of generated images, {columns} in a row, at {label}'
        frames.append({'uri': uri, 'label': label, 'alt': alt})
    last = len(frames) - 1
    slider = (
        f'<div class="through wide">{page.image_tag(uri, size, alt)}'
        '<label for="through"><span>Through training</span>'
        f'<output for="through">{label}</output></label>'
        f'<input id="through" type="range" min="0" max="{last}" value="{last}">'
        f'<script type="application/json">{json.dumps(frames)}</script></div>'
    )
    told = (
        f'Drawn from the same latents at {len(frames)} moments of training: drag, or use the arrow '
        'keys.'
    )
    return page.row([page.figure(slider, told), _data_picture(study)], 'pair')


def _data_picture(study: Study) -> str:
    file = study.folder / 'samples' / 'data.png'
    if not file.exists():
        return ''
    image = page.image_tag(*page.encode_file(file, _LONGEST), 'Grid of real images')
    return page.figure(image, 'The data: the first images of the set.', 'wide')

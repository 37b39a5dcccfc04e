"""What latents do: from one to another, without their tails, class by class."""

import jax
import numpy as np

from gan_jax.analysis import page
from gan_jax.analysis.study import Study
from gan_jax.interpolation import lead, linear, spherical

_STEPS, _ROWS = 10, 4
_THRESHOLDS = 0.25, 0.5, 1.0, 1.5, 2.0
_PER_CLASS = 10  # and so many classes, those with most samples


def show_interpolation(study: Study) -> str:
    """From one sample to another by the straight way and along the arc, where there is a way."""
    if study.run.game.between is None:
        return ''
    latents = study.run.latents(2 * _ROWS, jax.random.key(1))
    start, end = ({name: array[half::2] for name, array in latents.items()} for half in (0, 1))
    told = {
        linear: 'Straight: the latents between are shorter than those that training drew.',
        spherical: 'Along the arc: the latents between are as long as those that training drew.',
    }
    return page.row(
        [
            page.grid(
                study.run.draw(lead(way, start, end, _STEPS))['image'],
                _STEPS,
                f'{_ROWS} rows of generated images, each changing from its first to its last',
                caption,
                'wide',
            )
            for way, caption in told.items()
        ],
        'pair',
    )


def show_truncation(study: Study) -> str:
    """The same latents with more and more of their tails."""
    if study.run.game.truncate is None or study.run.game.mixes:
        return ''  # of styles it says something else: see `styles.py`
    latents = study.run.latents(_STEPS, jax.random.key(2))
    rows = [study.run.draw(study.run.truncate(latents, t))['image'] for t in _THRESHOLDS]
    rows.append(study.run.draw(latents)['image'])
    thresholds = ', '.join(f'{t:g}' for t in _THRESHOLDS)
    return page.grid(
        np.concatenate(rows),
        _STEPS,
        f'{len(rows)} rows of generated images, more various from row to row',
        f'The same {_STEPS} latents, row by row within plus or minus {thresholds}, and whole. A '
        'small threshold draws typical images; how soon columns differ is how various they are.',
        'wide',
    )


def show_classes(study: Study) -> str:
    """A row of samples per class, of a game that draws labels."""
    if 'label' not in study.drawn:
        return ''
    labels, images = study.drawn['label'], study.drawn['image']
    classes, counts = np.unique(labels, return_counts=True)
    shown = np.sort(np.argsort(-counts, kind='stable')[:_PER_CLASS])
    columns = min(_PER_CLASS, counts[shown].min())
    names = dict(enumerate(study.label_names))
    said = ', '.join(str(names.get(c, c)) for c in classes[shown])
    return page.grid(
        np.concatenate([images[labels == c][:columns] for c in classes[shown]]),
        columns,
        f'{len(shown)} rows of generated images, one class in each',
        f'Row by row: {said}. Each has the first {columns} samples of its class.',
        'wide',
    )

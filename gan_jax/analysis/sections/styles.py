"""What styles decide, of a game that makes images by styles: one's mixed with another's, layer by
layer, and all of them nearer to their average.
"""

import jax
import numpy as np

from gan_jax.analysis import page
from gan_jax.analysis.study import Study

_ROWS, _COLUMNS = 4, 6
_PSIS = 0.0, 0.25, 0.5, 0.75, 1.0


def show_styles(study: Study) -> str:
    """A grid of mixtures for each kind of layers, and a sweep of truncation."""
    if not study.run.game.mixes:
        return ''
    grids = [_mixtures(study, name) for name in study.run.game.mixes]
    return page.row([*grids, _truncations(study)], 'pair')


def _mixtures(study: Study, name: str) -> str:
    """Destinations at the left, sources at the top: Karras et al. 2019, figure 3."""
    run = study.run
    latents = run.latents(_ROWS + _COLUMNS, jax.random.key(4))
    own = np.repeat(np.arange(_ROWS), _COLUMNS)
    others = _ROWS + np.tile(np.arange(_COLUMNS), _ROWS)
    mixed = run.draw(run.mix(name, _take(latents, own), _take(latents, others)))['image']
    whole = run.draw(latents)['image']
    corner = np.full_like(whole[:1], 255)
    rows = zip(np.split(whole[:_ROWS], _ROWS), np.split(mixed, _ROWS))
    return page.grid(
        np.concatenate([corner, whole[_ROWS:], *(image for row in rows for image in row)]),
        1 + _COLUMNS,
        f'{_ROWS} rows of generated images with the {name} styles of the image above each column',
        f'The {name} styles of the top row, all others of the left column.',
    )


def _truncations(study: Study) -> str:
    latents = study.run.latents(_COLUMNS, jax.random.key(2))
    rows = [study.run.draw(study.run.truncate(latents, psi))['image'] for psi in _PSIS]
    told = ', '.join(f'{psi:g}' for psi in _PSIS)
    return page.grid(
        np.concatenate(rows),
        _COLUMNS,
        f'{len(rows)} rows of generated images, more various from row to row',
        f'The same {_COLUMNS} latents with styles so far from their average, row by row: {told}. '
        'At 0 images differ by their noise alone.',
    )


def _take(latents: dict[str, np.ndarray], indices: np.ndarray) -> dict[str, np.ndarray]:
    return {name: array[indices] for name, array in latents.items()}

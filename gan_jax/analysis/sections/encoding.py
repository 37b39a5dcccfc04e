"""What a game that encodes images makes of them, and what each of its latents does."""

import numpy as np

from gan_jax.analysis import page
from gan_jax.analysis.study import Study

_PAIRS, _COLUMNS = 32, 8  # columns of pairs
_ENCODED = 512  # images by which latents are put in order
_LATENTS, WALK, _FURTHEST = 10, 9, 3.0  # images of a walk, and its ends in units of the latents


def show_reconstructions(study: Study) -> str:
    """Real images, each with what is drawn from its code beside it."""
    if study.run.game.encode is None:
        return ''
    images = study.real['image'][:_PAIRS]
    drawn = study.run.draw({'z': study.encode(images)})['image']
    pairs = np.stack([images, drawn], axis=1).reshape(-1, *images.shape[1:])
    return page.grid(
        pairs,
        2 * _COLUMNS,
        f'{_COLUMNS} columns of pairs, a real image and its reconstruction',
        'In pairs: a real image, and to its right what is drawn from its code alone.',
        'wide',
    )


def show_traversal(study: Study) -> str:
    """One image's code with one latent moved at a time, those first that tell images apart."""
    if study.run.game.encode is None:
        return ''
    images, deviations = traverse(study)
    count = min(_ENCODED, len(study.real['image']))
    used = ', '.join(f'{deviation:.2f}' for deviation in deviations)
    return page.grid(
        images,
        WALK,
        f'{len(deviations)} rows of generated images, one latent moving in each',
        f'The code of the first real image, with one latent moved from {-_FURTHEST:g} to '
        f'{_FURTHEST:g} in each row, from the one that differs most between images. Of '
        f'{count} images, standard deviations of the latents shown: {used}; one near 0 says '
        'nothing of an image.',
        'wide',
    )


def traverse(study: Study) -> tuple[np.ndarray, np.ndarray]:
    """Returns uint8 images [L * WALK, H, W, C] of `show_traversal`, and its L deviations."""
    codes = study.encode(study.real['image'][:_ENCODED])
    spread = codes.std(axis=0)
    moved = np.argsort(-spread, kind='stable')[:_LATENTS]
    walk = np.repeat(codes[:1], len(moved) * WALK, axis=0)
    walk[np.arange(len(walk)), np.repeat(moved, WALK)] = np.tile(
        np.linspace(-_FURTHEST, _FURTHEST, WALK), len(moved)
    )
    return study.run.draw({'z': walk})['image'], spread[moved]

"""What moves an image, and which pixels move the judgement of one."""

import jax
import numpy as np

from gan_jax.analysis import charts, heat, jacobian, page, walks
from gan_jax.analysis.sections.training import PALETTE
from gan_jax.analysis.study import Study
from gan_jax.interpolation import floating
from gan_jax.pictures import to_signed

_LATENTS, _LEADING, _STEPS = 4, 4, 9
_FURTHEST = 4.0  # of a walk, in units of the latents
_JUDGED = 8


def show_jacobian(study: Study) -> str:
    """Singular values of the Jacobian of images by latents, and the leading directions."""
    if study.run.game.between is None:
        return ''
    latents = study.run.latents(_LATENTS, jax.random.key(3))
    if not floating(latents):
        return ''
    each = [{name: a[i : i + 1] for name, a in latents.items()} for i in range(_LATENTS)]

    def column(state, pair):
        networks = study.networks(state)
        return jacobian.columns(lambda z: study.run.game.draw(networks, z)['image'], *pair)

    found = [jacobian.directions(lambda *p: study.by_batch(column, p), one) for one in each]
    lines = [
        charts.Line(f'latent {i + 1}', colour, *_felt(one.values))
        for i, (one, colour) in enumerate(zip(found, PALETTE))
    ]
    ranks = [jacobian.effective_rank(one.values) for one in found]
    leading = {name: array[:_LEADING] for name, array in found[0].latents.items()}
    amounts = np.linspace(-_FURTHEST, _FURTHEST, _STEPS)
    images = study.run.draw(walks.along(each[0], leading, amounts))['image']
    size = sum(array[0].size for array in floating(latents).values())
    told = (
        f'An image changes along few of the {size} directions of its latent: '
        f'{min(ranks):.1f} to {max(ranks):.1f} of them at {_LATENTS} latents, by the effective '
        'rank. In the picture its own image is in the middle of each row, and at either end it is '
        f'{_FURTHEST:g} away.'
    )
    strips = page.grid(
        images,
        _STEPS,
        f'{_LEADING} rows of generated images, each changing along one direction of the latent',
        f'What the {_LEADING} strongest directions of latent 1 change, one per row.',
        'wide',
    )
    chart = charts.curves('Singular values of the Jacobian', lines, log=True)
    return page.row([chart, strips], 'pair') + page.paragraph(told, 'aside')


def show_saliency(study: Study) -> str:
    """Which pixels a critic's decision hangs on: |d logit / d pixel|, over both kinds of images."""
    critic = study.critic

    def influence(state, images):
        networks = study.networks(state)
        return jacobian.saliency(lambda images: critic(networks, images), images)

    def draw(images, kind):
        maps = study.by_batch(influence, to_signed(images))
        channels = np.concatenate([heat.to_rgb(images), heat.coloured(maps)])
        return page.grid(
            channels,
            len(images),
            f'{kind} images above maps of the pixels that the judgement hangs on',
            f'{kind} images, and below each how much every pixel moves its logit, from black over '
            'orange to white, as a share of the greatest in that image.',
            'wide',
        )

    some = study.real['image'][:_JUDGED], study.drawn['image'][:_JUDGED]
    return page.row(map(draw, some, ('Real', 'Generated')), 'pair')


def _felt(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and their places, down to a thousandth of the largest."""
    felt = values[values >= values[0] / 1000]
    return np.arange(1, len(felt) + 1), felt

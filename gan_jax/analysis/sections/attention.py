"""Where the pixels of an image look while it is drawn."""

import jax
import numpy as np

from gan_jax import pictures
from gan_jax.analysis import heat, page
from gan_jax.analysis.study import Study
from gan_jax.game import Observed

_IMAGES, _QUERIES, _SIDE = 6, 3, 128  # samples, pixels of each, and how large they are shown


def show_attention(study: Study) -> str:
    """Samples with some of their pixels, and what each of these attends to."""
    run = study.run
    latents = run.latents(_IMAGES, jax.random.key(4))

    def observe(state, latents):
        networks = study.networks(state, Observed)
        run.game.draw(networks, latents)
        found = jax.tree_util.tree_leaves_with_path(networks.sown)
        maps = [leaf for path, leaf in found if jax.tree_util.DictKey('attention') in path]
        return maps[-1] if maps else np.zeros((_IMAGES, 0))

    attention = study.by_batch(observe, latents)
    if not attention.size:
        return ''
    images = heat.to_rgb(run.draw(latents)['image'])
    cells = [cell for pair in zip(images, attention) for cell in _attending(*pair)]
    rows, columns = attention.shape[1:3]
    return page.grid(
        np.stack(cells),
        2 * (1 + _QUERIES),
        f'{_IMAGES} generated images, each before maps of what {_QUERIES} of its pixels attend to',
        f'A generated image, then three times the same: in orange, what the pixel at the dot reads '
        f'more of than of others while the image is drawn, in the last layer that attends, of '
        f'{rows} x {columns} pixels. The first dot is where attention is most concentrated, each '
        'of the others where it differs most from that at the dots before.',
        'wide',
    )


def _attending(image: np.ndarray, attention: np.ndarray) -> list[np.ndarray]:
    height, width = attention.shape[:2]
    size = (_SIDE * image.shape[1] // image.shape[0], _SIDE)
    excess = np.maximum(attention - 1 / attention[0, 0].size, 0)  # over what is everyone's
    shares = excess / max(excess.max(), 1e-30)
    cells = [pictures.enlarge(image, size)]
    for row, column in distinct(attention, _QUERIES):
        shown = heat.overlaid(image, shares[row, column], size)
        cells.append(heat.marked(shown, ((row + 0.5) / height, (column + 0.5) / width)))
    return cells


def distinct(attention: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Returns pixels whose maps differ: the most concentrated one, then the furthest from those.

    attention: [H, W, h, w], of each pixel a distribution over pixels. Distances are the sums of
    absolute differences.
    """
    maps = attention.reshape(-1, attention[0, 0].size)
    chosen = [int(np.square(maps).sum(axis=1).argmax())]
    while len(chosen) < count:
        distances = [np.abs(maps - maps[one]).sum(axis=1) for one in chosen]
        chosen.append(int(np.min(distances, axis=0).argmax()))
    return [divmod(one, attention.shape[1]) for one in chosen]

"""Samples beside the data: the nearest real images, and both kinds in the plane."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from gan_jax.analysis import charts, page, resemblance
from gan_jax.analysis.study import Study
from gan_jax.metrics import nearest
from gan_jax.usage import UsageError

_SHOWN, _NEIGHBOURS = 10, 4
_POINTS = 200  # of each kind: for so few the exact t-SNE is quicker than its approximation


def show_neighbours(study: Study) -> str:
    """Samples above the real images that are nearest to each: copies would show here."""
    generated, real = study.features
    shown = min(_SHOWN, len(generated))
    indices = nearest(generated[:shown], real, min(_NEIGHBOURS, len(real))).indices
    rows = [study.drawn['image'][:shown], *study.real['image'][indices.T]]
    measured = resemblance.measure(generated, real)
    whole = (
        f'Top row: the first {shown} samples, unchosen. Below each: the {indices.shape[1]} nearest '
        f'of {len(real):,} real images, in {study.described_by}, nearest first. Over '
        f'{len(generated)} samples, the nearest real image is typically {measured.distance:.2f} '
        'times as far as that of a real one; near 0 they would be copies.'
    )
    alt = f'{shown} generated images, and in each column below the real images most like it'
    return page.grid(np.concatenate(rows), shown, alt, whole, 'wide')


def show_plane(study: Study) -> str:
    """Real and generated images as points, by PCA of the real ones and by t-SNE of both."""
    generated, real = study.features
    count = min(_POINTS, len(generated), len(real))
    generated, real = generated[:count], real[:: len(real) // count][:count]
    if count < 3:
        raise UsageError('a plane needs three real and three generated images')
    pca = PCA(2).fit(real)
    share = pca.explained_variance_ratio_.sum()
    perplexity = min(30, (2 * count - 1) / 3)
    tsne = TSNE(2, perplexity=perplexity, init='pca', method='exact', random_state=0)
    both = tsne.fit_transform(np.concatenate([real, generated]))

    def cloud(title, real, generated):
        return charts.scatter(
            title, {'real': ('real', real), 'generated': ('generated', generated)}
        )

    explained = (
        f'{count} real and {count} generated images by their {study.described_by}. The axes of PCA '
        f'are those of the real images and hold {share:.0%} of their variance; t-SNE keeps '
        'neighbours together, and its distances mean little. Where a colour is alone, a kind of '
        'image is missing or made up.'
    )
    return page.row(
        [cloud('PCA', pca.transform(real), pca.transform(generated))]
        + [cloud('t-SNE', both[:count], both[count:])],
        'pair',
    ) + page.paragraph(explained, 'aside')

"""Scores of images by their classes: how each class looks, and which ones there are."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from gan_jax.metrics.bootstrap import Estimate, around
from gan_jax.metrics.frechet import Accumulator, Moments, fid
from gan_jax.usage import UsageError


class IntraDistance(NamedTuple):
    """The Frechet distances within classes."""

    mean: float  # over the classes, however many images each has
    by_class: Mapping[int, float]


class ModeCoverage(NamedTuple):
    """Which classes are generated, and how unlike the reference's their shares are."""

    seen: int  # classes of at least one image: more of them with more images, so no interval
    divergence: Estimate  # KL(generated || reference) in nats; few images make it larger


def summarize_classes(batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Mapping[int, Moments]:
    """Returns the moments of each class, from batches of features [n, D] and labels [n].

    A class takes 8 D^2 bytes and those of the features that its moments wait for.

    Raises:
      UsageError: a class of one image.
    """
    accumulators = {}
    for features, labels in batches:
        labels = np.asarray(labels)
        for label in np.unique(labels):
            of_class = np.asarray(features)[labels == label]
            accumulators.setdefault(int(label), Accumulator()).add(of_class)
    try:
        return {label: accumulators[label].moments() for label in sorted(accumulators)}
    except UsageError as error:
        raise UsageError(f'each class needs a covariance: {error}') from error


def intra_fid(generated: Mapping[int, Moments], reference: Mapping[int, Moments]) -> IntraDistance:
    """Returns each class's `fid` and their mean: Miyato and Koyama 2018, arXiv 1802.05637.

    Raises:
      UsageError: a class that one set has and the other has not.
    """
    lonely = sorted(generated.keys() ^ reference.keys())
    if lonely:
        lacking = 'reference' if lonely[0] in generated else 'generated'
        raise UsageError(f'{lacking}: there are no images of class {lonely[0]}')
    distances = {label: fid(moments, reference[label]) for label, moments in generated.items()}
    return IntraDistance(float(np.mean(list(distances.values()))), distances)


def mode_coverage(labels: np.ndarray, shares: np.ndarray) -> ModeCoverage:
    """Returns how many classes are generated, and KL(generated || reference).

    Srivastava et al. 2017, arXiv 1705.07761; Lin et al. 2018, arXiv 1712.04086.

    Args:
      labels: of the generated images, [N], as a classifier gives them.
      shares: of each class in the reference, [classes]; counts will do.

    Raises:
      UsageError: no labels, a label of no class, or of one that the reference has not: KL is
        infinite.
    """
    labels, shares = np.asarray(labels), np.asarray(shares, np.float64)
    if not len(labels):
        raise UsageError('generated: there are no labels')
    if labels.min() < 0 or labels.max() >= len(shares):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise UsageError(f'the label {wrong} is none of 0 .. {len(shares) - 1}')
    found = np.bincount(labels, minlength=len(shares)) / len(labels)
    strange = (found > 0) & (shares == 0)
    if strange.any():
        raise UsageError(
            f'reference: there are no images of class {strange.argmax()}, which is generated: '
            'the divergence from it is infinite'
        )
    # An image of class c moves the divergence by log(p_c / q_c), less the mean of that.
    influences = np.log(found[labels] / (shares / shares.sum())[labels])
    divergence = around(influences.mean(), influences.std() / len(labels) ** 0.5)
    return ModeCoverage(int((found > 0).sum()), divergence)

"""Scores of generated images, by features of any extractor; usable without the rest.

    from gan_jax.metrics import fid, summarize
    score = fid(summarize(generated), summarize(reference))  # features [N, D]

Every score is a function of features alone; which images, which extractor and how many make it
comparable, and belong to it.
"""

from gan_jax.metrics.frechet import Accumulator, Moments, fid, fid_infinity, summarize
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel import kid
from gan_jax.metrics.manifold import density_coverage, precision_recall

__all__ = [
    'Accumulator',
    'Moments',
    'density_coverage',
    'fid',
    'fid_infinity',
    'inception_score',
    'kid',
    'precision_recall',
    'summarize',
]

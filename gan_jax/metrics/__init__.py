"""Scores of generated images, by features of any extractor; usable without the rest.

    from gan_jax.metrics import fid, load_inception, summarize

    network = load_inception()  # fetched once, or from a file
    sets = generated, reference  # batches of uint8 images [n, H, W, 3] each
    score = fid(*(summarize(network(b).pooled for b in batches) for batches in sets))

Every score is a function of features alone: which images, which extractor and how many make it
comparable, and have to be said beside it.
"""

from gan_jax.metrics.classification import classification_accuracy_score
from gan_jax.metrics.classifier import Classifier, accuracy, load_classifier, save_classifier
from gan_jax.metrics.classifier_training import shift_and_mirror, train_classifier
from gan_jax.metrics.extractor import Extractor, Features, stream_features
from gan_jax.metrics.frechet import Accumulator, Moments, fid, fid_infinity, summarize
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel import kid
from gan_jax.metrics.manifold import density_coverage, precision_recall
from gan_jax.metrics.weights import load_inception

__all__ = [
    'Accumulator',
    'Classifier',
    'Extractor',
    'Features',
    'Moments',
    'accuracy',
    'classification_accuracy_score',
    'density_coverage',
    'fid',
    'fid_infinity',
    'inception_score',
    'kid',
    'load_classifier',
    'load_inception',
    'precision_recall',
    'save_classifier',
    'shift_and_mirror',
    'stream_features',
    'summarize',
    'train_classifier',
]

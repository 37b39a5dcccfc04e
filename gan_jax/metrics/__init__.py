"""Scores of generated images, by features of any extractor; usable without the rest.

    from gan_jax.metrics import fid, load_inception, summarize

    network = load_inception()  # fetched once, or from a file
    sets = generated, reference  # batches of uint8 images [n, H, W, 3] each
    score = fid(*(summarize(network(b).pooled for b in batches) for batches in sets))

Every score is a function of features alone: which images, which extractor and how many make it
comparable, and have to be said beside it.
"""

from gan_jax.metrics.bootstrap import Estimate, bootstrap, mean_estimate
from gan_jax.metrics.classes import (
    IntraDistance,
    ModeCoverage,
    intra_fid,
    mode_coverage,
    summarize_classes,
)
from gan_jax.metrics.classifier import Classifier, accuracy, load_classifier, save_classifier
from gan_jax.metrics.classifier.accuracy_score import classification_accuracy_score
from gan_jax.metrics.classifier.training import shift, shift_and_mirror, train_classifier
from gan_jax.metrics.comparison import KEPT, SCORES, Seen, see
from gan_jax.metrics.distances import Neighbours, nearest
from gan_jax.metrics.extractor import Extractor, Features, stream_features
from gan_jax.metrics.frechet import Accumulator, Moments, fid, fid_estimate, fid_infinity, summarize
from gan_jax.metrics.inception.weights import load_inception
from gan_jax.metrics.inception_score import (
    InceptionScoreAccumulator,
    inception_score,
    inception_score_estimate,
)
from gan_jax.metrics.kernel import kid, kid_estimate
from gan_jax.metrics.manifold import (
    density_coverage,
    density_coverage_estimates,
    precision_recall,
    precision_recall_estimates,
)
from gan_jax.metrics.memorisation import authenticity
from gan_jax.metrics.naming import (
    Score,
    Scored,
    choose_scores,
    counted_names,
    describe,
    doubts,
    take_scores,
)
from gan_jax.metrics.path_length import perceptual_path_length
from gan_jax.metrics.similarity import PairSimilarity, pair_similarity
from gan_jax.metrics.summary import Summary, SummaryAccumulator, load_summary, save_summary

__all__ = [
    'KEPT',
    'Accumulator',
    'Classifier',
    'Estimate',
    'Extractor',
    'Features',
    'InceptionScoreAccumulator',
    'IntraDistance',
    'ModeCoverage',
    'Moments',
    'Neighbours',
    'PairSimilarity',
    'SCORES',
    'Score',
    'Scored',
    'Seen',
    'Summary',
    'SummaryAccumulator',
    'accuracy',
    'authenticity',
    'bootstrap',
    'choose_scores',
    'classification_accuracy_score',
    'counted_names',
    'density_coverage',
    'density_coverage_estimates',
    'describe',
    'doubts',
    'fid',
    'fid_estimate',
    'fid_infinity',
    'inception_score',
    'inception_score_estimate',
    'intra_fid',
    'kid',
    'kid_estimate',
    'load_classifier',
    'load_inception',
    'load_summary',
    'mean_estimate',
    'mode_coverage',
    'nearest',
    'pair_similarity',
    'perceptual_path_length',
    'precision_recall',
    'precision_recall_estimates',
    'save_classifier',
    'save_summary',
    'see',
    'shift',
    'shift_and_mirror',
    'stream_features',
    'summarize',
    'summarize_classes',
    'take_scores',
    'train_classifier',
]

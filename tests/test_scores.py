"""Scores: closed forms, properties, and what other implementations make of the same features."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy
from sklearn.linear_model import LinearRegression

from gan_jax import metrics
from gan_jax.metrics import distances
from gan_jax.usage import UsageError
from tests.reference.make_scores import draw

CASES = json.loads((Path(__file__).parent / 'reference' / 'scores.json').read_text())['cases']
every_case = pytest.mark.parametrize(
    'case', CASES, ids=lambda case: 'x'.join(map(str, case['sizes']))
)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# What torch-fidelity and the authors of density and coverage make of the same features.


@every_case
def test_fid_is_torch_fidelitys(case):
    one, other = (metrics.summarize(features) for features in draw(*case['sizes']))
    assert metrics.fid(one, other) == pytest.approx(case['fid'], rel=1e-6)


@every_case
def test_kid_is_torch_fidelitys(case):
    """Of all images at once: subsets are drawn by another generator."""
    count = min(case['sizes'][:2])
    one, other = (features[:count] for features in draw(*case['sizes']))
    mean, deviation = metrics.kid(one, other, subsets=2, subset_size=count)
    assert mean == pytest.approx(case['kid_of_the_first'], rel=1e-6)
    assert deviation == pytest.approx(0, abs=1e-9)


@every_case
def test_inception_score_is_torch_fidelitys(case):
    logits, _ = draw(*case['sizes'])
    assert metrics.inception_score(logits) == pytest.approx(case['inception_score'], rel=1e-6)


@every_case
def test_precision_and_recall_are_torch_fidelitys(case):
    said = metrics.precision_recall(*draw(*case['sizes']))
    assert said == pytest.approx(case['precision_recall'], rel=1e-6)


@every_case
def test_density_and_coverage_are_their_authors(case, monkeypatch):
    """In blocks of any size."""
    monkeypatch.setattr(distances, '_BLOCK', 100)
    features = draw(*case['sizes'])
    said = (*metrics.precision_recall(*features, 5), *metrics.density_coverage(*features))
    names = 'precision', 'recall', 'density', 'coverage'
    assert said == pytest.approx([case['prdc'][name] for name in names], rel=1e-6)


# Closed forms and properties.


def gaussian(mean, covariance, count: int = 1000) -> metrics.Moments:
    return metrics.Moments(count, np.asarray(mean, float), np.asarray(covariance, float))


def test_fid_of_gaussians_whose_axes_agree():
    """|m - m'|^2 + sum (s - s')^2, in any rotation."""
    turn, _ = np.linalg.qr(normal(3, 3))
    one, other = (turn @ np.diag(variances) @ turn.T for variances in ([1, 4, 9], [4, 4, 0]))
    distance = metrics.fid(gaussian([1, 2, 3], one), gaussian([1, 0, 3], other))
    assert distance == pytest.approx(4 + 1 + 0 + 9, rel=1e-9)


def test_fid_is_a_symmetric_distance():
    one, other = (metrics.summarize(normal(200, 12, seed=seed)) for seed in (0, 1))
    assert metrics.fid(one, other) == pytest.approx(metrics.fid(other, one), rel=1e-9)
    assert metrics.fid(one, one) == pytest.approx(0, abs=1e-9)
    assert metrics.fid(one, other) > 0.01


def test_fid_of_fewer_images_than_features_is_real_and_without_rounding():
    """Two sets in planes of their own, at right angles: nothing is left of the root."""
    features = normal(20, 64)
    features -= features.mean(axis=0)
    one = np.concatenate([features, np.zeros_like(features)], axis=1)
    other = np.concatenate([np.zeros_like(features), features], axis=1)
    moments = [metrics.summarize(each) for each in (one, other)]
    assert metrics.fid(*moments) == pytest.approx(2 * np.trace(moments[0].covariance), rel=1e-12)


def test_moments_do_not_depend_on_the_batches():
    """Far from zero too, where float32 or a difference of squares would lose all digits."""
    features = (1e4 + normal(501, 5)).astype(np.float32)
    for size in (1, 7, 100, 501):
        batches = (features[start : start + size] for start in range(0, 501, size))
        said = metrics.summarize(batches)
        assert said.count == 501
        exact = features.astype(np.float64)
        np.testing.assert_allclose(said.mean, exact.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(said.covariance, np.cov(exact, rowvar=False), rtol=1e-9)


def test_fid_infinity_takes_the_bias_of_few_images_away():
    """Of two sets of one Gaussian: their distance is what few images make of nothing."""
    generated = normal(6000, 24)
    reference = gaussian(np.zeros(24), np.eye(24))
    biased = metrics.fid(metrics.summarize(generated[:5000]), reference)
    assert biased > 0.03
    assert abs(metrics.fid_infinity(generated, reference)) < biased / 4


def test_fid_infinity_is_its_definition():
    """By SciPy's root of a matrix and scikit-learn's line, as its authors' code has it."""
    generated, reference = normal(6000, 6), normal(500, 6, seed=1) + 0.2
    random = np.random.default_rng(3)
    counts = np.linspace(5000, 6000, 15).astype(int)
    distances = []
    for count in counts:
        subset = random.choice(generated, count, replace=False)
        one, other = (np.cov(features, rowvar=False) for features in (subset, reference))
        between = subset.mean(axis=0) - reference.mean(axis=0)
        root = scipy.linalg.sqrtm(one @ other).real
        distances.append(between @ between + np.trace(one + other - 2 * root))
    line = LinearRegression().fit(1 / counts[:, None], distances)
    said = metrics.fid_infinity(generated, metrics.summarize(reference), seed=3)
    assert said == pytest.approx(line.intercept_, rel=1e-6)


def test_kid_of_one_distribution_is_nothing_and_of_two_is_not():
    """Without bias: negative as often as positive."""
    one, same = normal(400, 8), normal(400, 8, seed=1)
    mean, deviation = metrics.kid(one, same, subsets=50, subset_size=100)
    assert abs(mean) < deviation
    mean, deviation = metrics.kid(one, same + 0.5, subsets=50, subset_size=100)
    assert mean > 3 * deviation


def test_inception_score_of_sure_and_of_unsure_classifiers():
    """The number of classes where each image is surely of one and all are as frequent, else 1."""
    sure = 1e3 * np.eye(5)[np.arange(100) % 5]
    assert metrics.inception_score(sure, splits=4) == pytest.approx((5, 0), abs=1e-9)
    assert metrics.inception_score(np.zeros((100, 5))) == pytest.approx((1, 0), abs=1e-9)
    one_class = 1e3 * np.eye(5)[np.zeros(100, int)]
    assert metrics.inception_score(one_class) == pytest.approx((1, 0), abs=1e-9)


def streamed(logits: np.ndarray, size: int, splits: int):
    accumulator = metrics.InceptionScoreAccumulator(len(logits), splits)
    for start in range(0, len(logits), size):
        accumulator.add(logits[start : start + size])
    return accumulator.score()


@pytest.mark.parametrize('count, splits', [(1000, 10), (997, 10), (50, 1), (7, 7)])
def test_inception_score_batch_by_batch_is_that_of_all_at_once(count, splits):
    """And both are exp(E KL(p(y|x) || p(y))) of each part, as written."""
    logits = (5 * normal(count, 12) + 100).astype(np.float32)
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum(axis=1, keepdims=True)
    ends = [part * count // splits for part in range(splits + 1)]
    parts = [shares[start:end] for start, end in zip(ends, ends[1:])]
    scores = [np.exp((p * np.log(p / p.mean(axis=0))).sum(axis=1).mean()) for p in parts]
    expected = pytest.approx((np.mean(scores), np.std(scores)), rel=1e-12, abs=1e-12)
    assert metrics.inception_score(logits, splits) == expected
    for size in (1, 64, count):
        assert streamed(logits, size, splits) == expected


def test_an_inception_score_holds_a_row_of_sums_for_each_part():
    def peak(batches: int) -> int:
        tracemalloc.start()
        accumulator = metrics.InceptionScoreAccumulator(100 * batches)
        for seed in range(batches):
            accumulator.add(normal(100, 50, seed=seed))
        accumulator.score()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(200) < 1.05 * peak(20)


def test_balls_tell_quality_from_variety():
    """Half of the modes, well; and all of them amid as much that is far from any."""
    modes = np.array([[0.0, 0.0], [100.0, 0.0]])[np.arange(200) % 2]
    reference = modes + normal(200, 2)
    half = normal(200, 2, seed=1) + modes[0]
    noisy = np.concatenate([modes + normal(200, 2, seed=2), 1000 + normal(200, 2)])
    precision, recall = metrics.precision_recall(half, reference)
    assert precision > 0.8 and 0.3 < recall < 0.6
    precision, recall = metrics.precision_recall(noisy, reference)
    assert 0.4 < precision <= 0.5 and recall > 0.8
    assert metrics.density_coverage(half, reference).coverage < 0.6
    assert metrics.density_coverage(reference, reference) == pytest.approx((1, 1), rel=1e-6)


# What cannot be scored.


@pytest.mark.parametrize(
    'score, message',
    [
        (lambda: metrics.summarize(normal(1, 4)), '1 images are too few, 2 are needed'),
        (lambda: metrics.kid(normal(9, 4), normal(9, 5)), 'features of size 4 cannot be compared'),
        (lambda: metrics.kid(normal(9, 4), [[np.nan]] * 9), 'reference: .* not finite'),
        (lambda: metrics.inception_score(normal(9, 4)), '9 images are too few, 10 are needed'),
        (lambda: streamed(normal(9, 4), 4, 10), '9 images are too few, 10 are needed'),
        (lambda: metrics.InceptionScoreAccumulator(20).score(), '0 of 20 images have come'),
        (
            lambda: metrics.InceptionScoreAccumulator(20).add(normal(21, 4)),
            'there are more than the 20 images announced',
        ),
        (lambda: metrics.precision_recall(normal(3, 4), normal(9, 4)), 'generated: 3 images'),
        (lambda: metrics.density_coverage(normal(9, 4), normal(5, 4)), 'reference: 5 images'),
        (lambda: metrics.fid_infinity(normal(99, 4), gaussian([0] * 4, np.eye(4))), '99 images'),
        (
            lambda: metrics.fid(gaussian([0], [[1]]), gaussian([0, 0], np.eye(2))),
            'features of size 1 cannot be compared with features of size 2',
        ),
    ],
)
def test_what_cannot_be_scored_is_said(score, message):
    with pytest.raises(UsageError, match=message):
        score()

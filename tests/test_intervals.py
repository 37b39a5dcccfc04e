"""Intervals hold what other images would have scored as often as they say they do."""

import numpy as np
import pytest

from gan_jax import metrics

TRIALS = 200


def check(estimate) -> None:
    """Nine intervals in ten hold the mean of all values, and are no wider than the values vary.

    The mean has the same bias as each.
    """
    random = np.random.default_rng(0)
    values, low, high = np.array([estimate(random) for _ in range(TRIALS)]).T
    assert (low <= values).all() and (values <= high).all()
    assert np.mean((low <= values.mean()) & (values.mean() <= high)) > 0.9
    assert np.mean(high - low) == pytest.approx(2 * 1.96 * values.std(), rel=0.3)


@pytest.mark.parametrize('images, size', [(500, 8), (100, 32), (40, 64)])
def test_fid(images, size):
    """In few dimensions, in a third of the images' number, and in more than there are images."""
    mix = np.eye(size) + 0.3 * np.random.default_rng(1).normal(size=(size, size)) / size**0.5
    reference = metrics.Moments(10**6, np.zeros(size), np.eye(size))

    def estimate(random):
        features = 0.3 + random.normal(size=(images, size)) @ mix
        return metrics.fid_estimate(metrics.summarize(features), reference, features)

    check(estimate)


def test_fid_of_a_kept_sample_is_about_all_images():
    """The same interval as by all features, but for the sample's own chance; not twice as wide."""
    features = np.random.default_rng(0).normal(size=(8000, 8)) + 0.3
    moments = metrics.summarize(features)
    reference = metrics.Moments(10**6, np.zeros(8), np.eye(8))
    whole, sample = (metrics.fid_estimate(moments, reference, f) for f in (features, features[::4]))
    assert sample.value == whole.value == pytest.approx(metrics.fid(moments, reference), rel=1e-9)
    assert sample.high - sample.low == pytest.approx(whole.high - whole.low, rel=0.1)


def test_the_influences_of_fid_are_its_derivatives():
    """What one more image of weight epsilon changes, by the definition."""
    random = np.random.default_rng(0)
    x = random.normal(size=(30, 4)) * [1, 2, 3, 4]
    reference = metrics.summarize(random.normal(size=(50, 4)) + 1)

    def weighted(weights: np.ndarray) -> float:
        mean = weights @ x
        covariance = (x - mean).T * weights @ (x - mean)
        return metrics.fid(metrics.Moments(30, mean, covariance), reference)

    even, epsilon = np.full(30, 1 / 30), 1e-5
    changes = [
        weighted((1 - epsilon) * even + epsilon * np.eye(30)[i])
        - weighted((1 + epsilon) * even - epsilon * np.eye(30)[i])
        for i in range(30)
    ]
    moments = metrics.summarize(x)._replace(covariance=np.cov(x.T, ddof=0))
    said = metrics.fid_estimate(moments, reference, x)
    deviation = np.std(changes) / (2 * epsilon) / 30**0.5
    assert said.high - said.value == pytest.approx(1.959964 * deviation, rel=1e-5)


@pytest.mark.parametrize('subset_size, subsets', [(30, 8), (1000, 2)])
def test_kid(subset_size, subsets):
    """Of small subsets, whose own chance counts, and of all images at once."""
    reference = np.random.default_rng(1).normal(size=(200, 8))

    def estimate(random):
        features = 0.2 + 1.1 * random.normal(size=(200, 8))
        seed = int(random.integers(2**31))
        return metrics.kid_estimate(features, reference, subsets, subset_size, seed)

    check(estimate)


def test_inception_score():
    def estimate(random):
        logits = 3 * random.normal(size=(400, 10))
        score = metrics.inception_score(logits, splits=4)
        return metrics.inception_score_estimate(score, logits, total=400)

    check(estimate)


def test_shares_of_images():
    def estimate(random):
        return metrics.mean_estimate(random.random(300) < 0.8)

    check(estimate)


def test_a_bootstrap_is_seeded_and_its_mean_has_the_known_deviation():
    values = np.random.default_rng(0).normal(size=400)

    def estimate(seed: int) -> metrics.Estimate:
        return metrics.bootstrap(lambda indices: values[indices].mean(), 400, seed=seed)

    said = estimate(0)
    assert said == estimate(0) != estimate(1)
    assert said.value == values.mean()
    sides = said.high - said.value, said.value - said.low
    assert sides == pytest.approx([1.96 * values.std() / 20] * 2, rel=0.1)


def test_balls_have_the_same_shares_with_intervals():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(100, 4)), 0.5 + random.normal(size=(150, 4))
    for plain, estimated in (
        (metrics.precision_recall, metrics.precision_recall_estimates),
        (metrics.density_coverage, metrics.density_coverage_estimates),
    ):
        said = estimated(one, other)
        assert [each.value for each in said] == pytest.approx(plain(one, other), rel=1e-12)
        assert all(each.low < each.value < each.high for each in said)

"""Scores by classes: closed forms, and what is to be said of a class that is missing."""

import numpy as np
import pytest

from gan_jax import metrics
from gan_jax.usage import UsageError


def drawn(shift: float = 0.0, count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Features of three classes that lie apart, and their labels; the second one's are shifted."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    features = random.normal(size=(count, 4)) + 10 * labels[:, None]
    return features + shift * (labels == 1)[:, None], labels


def test_distances_are_those_of_each_class_alone():
    """By hand, in batches that divide the classes, and by the closed form of a shift."""
    moved, labels = drawn(2.0)
    features, _ = drawn()
    whole = metrics.summarize_classes([(features, labels)])
    parts = [(moved[part], labels[part]) for part in (slice(0, 10), slice(10, 11), slice(11, 90))]
    said = metrics.intra_fid(metrics.summarize_classes(parts), whole)
    assert list(said.by_class) == [0, 1, 2]
    assert list(said.by_class.values()) == pytest.approx([0, 4 * 2.0**2, 0], abs=1e-9)
    assert said.mean == pytest.approx(16 / 3)
    for label, moments in whole.items():
        alone = metrics.summarize(features[labels == label])
        assert moments.count == alone.count == 30
        np.testing.assert_allclose(moments.covariance, alone.covariance, rtol=1e-9)


def test_classes_exchanged_are_seen_within_them_alone():
    """All images together are the same set."""
    features, labels = drawn()
    one, other = (
        metrics.summarize_classes([(features, of)]) for of in (labels, np.array([1, 0, 2])[labels])
    )
    assert metrics.intra_fid(one, other).mean > 100


def test_a_class_that_is_missing_or_too_small_is_said():
    features, labels = drawn()
    every = metrics.summarize_classes([(features, labels)])
    some = {label: every[label] for label in (0, 2)}
    with pytest.raises(UsageError, match='generated: there are no images of class 1'):
        metrics.intra_fid(some, every)
    with pytest.raises(UsageError, match='reference: there are no images of class 1'):
        metrics.intra_fid(every, some)
    with pytest.raises(UsageError, match='each class needs a covariance: 1 images are too few'):
        metrics.summarize_classes([(features[:4], labels[:4])])


def test_modes_of_known_shares():
    """Half of 1,000 modes as often: KL = log 2. Shares or counts, and in any order."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(0, 1000, 2), 20))
    for shares in (np.full(1000, 1e-3), np.full(1000, 7)):
        said = metrics.mode_coverage(labels, shares)
        assert said.seen == 500
        assert said.divergence.value == pytest.approx(np.log(2), rel=1e-12)


def test_divergence_is_of_the_generated_from_the_reference():
    """sum p log(p / q), not sum q log(q / p)."""
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])
    labels = np.repeat(np.arange(3), (1000 * p).round().astype(int))
    assert metrics.mode_coverage(labels, q).divergence.value == pytest.approx(
        (p * np.log(p / q)).sum()
    )


def test_the_interval_of_a_divergence_holds_what_other_images_have():
    p, q = [0.7, 0.2, 0.1], np.full(3, 1 / 3)
    random = np.random.default_rng(0)
    divergences = [
        metrics.mode_coverage(random.choice(3, 1000, p=p), q).divergence for _ in range(300)
    ]
    mean = np.mean([each.value for each in divergences])
    assert np.mean([each.low <= mean <= each.high for each in divergences]) > 0.9


@pytest.mark.parametrize(
    'labels, message',
    [
        (np.zeros(0, int), 'generated: there are no labels'),
        ([0, 3], 'the label 3 is none of 0 .. 2'),
        ([-1, 0], 'the label -1 is none of 0 .. 2'),
        ([0, 2], 'reference: there are no images of class 2, .* infinite'),
    ],
)
def test_labels_of_no_class_are_refused(labels, message):
    with pytest.raises(UsageError, match=message):
        metrics.mode_coverage(labels, [1, 1, 0])

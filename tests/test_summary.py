"""What is kept of a set of images: a uniform sample and moments, in memory that does not grow."""

import tracemalloc

import numpy as np
import pytest

from gan_jax import metrics
from gan_jax.usage import UsageError


def batch(random: np.random.Generator, count: int) -> metrics.Features:
    return metrics.Features(*random.normal(size=(2, count, 8)).astype(np.float32))


def summarize(sizes, kept: int, labels=lambda indices: None, seed: int = 0) -> metrics.Summary:
    """Returns the summary of images whose features and logits are their number, twice over."""
    accumulator = metrics.SummaryAccumulator(kept, seed)
    ends = np.cumsum([0, *sizes])
    for indices in (np.arange(*pair) for pair in zip(ends, ends[1:])):
        said = np.stack([indices, -indices], axis=1).astype(np.float32)
        accumulator.add(metrics.Features(said, 10 * said), labels(indices))
    return accumulator.summary({'set': 'numbers', 'sizes': list(sizes)})


def test_what_is_kept_belongs_together_and_moments_are_of_all():
    summary = summarize([30, 1, 69], kept=20, labels=lambda indices: indices % 7)
    assert len(set(summary.indices)) == 20 and (np.diff(summary.indices) > 0).all()
    np.testing.assert_array_equal(summary.features[:, 0], summary.indices)
    np.testing.assert_array_equal(summary.logits[:, 1], -10 * summary.indices)
    np.testing.assert_array_equal(summary.labels, summary.indices % 7)
    assert summary.moments.count == 100
    assert summary.moments.mean == pytest.approx([49.5, -49.5])


def test_all_of_a_small_set_are_kept():
    summary = summarize([4, 5], kept=20)
    np.testing.assert_array_equal(summary.indices, np.arange(9))
    assert summary.labels is None


def test_the_sample_depends_on_the_seed_and_not_on_the_batches():
    one, same, other = (
        summarize([100], kept=20),
        summarize([7, 50, 43], kept=20),
        summarize([100], kept=20, seed=1),
    )
    np.testing.assert_array_equal(one.indices, same.indices)
    assert set(one.indices) != set(other.indices)


def test_every_image_and_every_pair_is_kept_as_often():
    """Within 4.5 standard deviations of its chance: 60 images and 1,770 pairs."""
    trials, count, kept = 4000, 60, 15
    together = np.zeros((count, count))
    for seed in range(trials):
        is_kept = np.isin(np.arange(count), summarize([25, 35], kept, seed=seed).indices)
        together += np.outer(is_kept, is_kept)
    alone, pairs = together.diagonal() / trials, together[np.triu_indices(count, 1)] / trials
    for shares, chance in (
        (alone, kept / count),
        (pairs, kept * (kept - 1) / (count * (count - 1))),
    ):
        assert np.abs(shares - chance).max() < 4.5 * (chance * (1 - chance) / trials) ** 0.5


def test_memory_does_not_grow_with_the_set():
    def peak(batches: int) -> int:
        random = np.random.default_rng(0)
        tracemalloc.start()
        accumulator = metrics.SummaryAccumulator(kept=500)
        for _ in range(batches):
            accumulator.add(batch(random, 100))
        accumulator.summary({})
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(400) < 1.05 * peak(40)


@pytest.mark.parametrize('labels', [lambda indices: None, lambda indices: indices % 3])
def test_a_summary_read_is_the_one_written(tmp_path, labels):
    written = summarize([30, 20], kept=10, labels=labels)
    metrics.save_summary(tmp_path / 'set.npz', written)
    assert [file.name for file in tmp_path.iterdir()] == ['set.npz']
    read = metrics.load_summary(str(tmp_path / 'set.npz'))
    assert read.protocol == written.protocol
    assert read.moments.count == written.moments.count
    for said, expected in zip(
        (*read.moments[1:], *read[1:5]), (*written.moments[1:], *written[1:5])
    ):
        np.testing.assert_array_equal(said, expected)
        assert said is expected or said.dtype == expected.dtype


@pytest.mark.parametrize('content', [b'', b'<html>', 'array'])
def test_other_files_are_said_to_be_none(tmp_path, content):
    file = tmp_path / 'set.npz'
    if content == 'array':
        np.savez(file, array=np.zeros(3))
    else:
        file.write_bytes(content)
    with pytest.raises(UsageError, match='set.npz.* holds no summary of a set of images'):
        metrics.load_summary(file)
    with pytest.raises(UsageError, match='missing.npz.* cannot be read: No such file'):
        metrics.load_summary(tmp_path / 'missing.npz')


def test_labels_of_some_images_only_are_refused():
    labels = iter([None, np.zeros(5, int)])
    with pytest.raises(UsageError, match='either all images of a set have labels or none has'):
        summarize([5, 5], kept=10, labels=lambda indices: next(labels))

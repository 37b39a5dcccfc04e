"""Distances by blocks over devices: exact, the same on one device, in memory of a block at most."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax import mesh as meshes, metrics
from gan_jax.metrics import distances
from gan_jax.usage import UsageError

STATUS = Path('/proc/self/status')
one_device_and_all = pytest.mark.parametrize('devices', [1, None])


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def by_hand(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.linalg.norm(features[:, None] - others, axis=2)


@pytest.fixture
def use(monkeypatch):
    """Takes blocks of 64 rows on some devices; returns on how many each result was."""
    make_mesh, gather, used = meshes.make_mesh, meshes.gather, []

    def spy(tree):
        used.extend(len(leaf.sharding.device_set) for leaf in jax.tree.leaves(tree))
        assert all(leaf.shape[0] <= 64 for leaf in jax.tree.leaves(tree))
        return gather(tree)

    def choose(devices: int | None) -> list[int]:
        monkeypatch.setattr(distances, '_BLOCK', 64)
        monkeypatch.setattr(meshes, 'make_mesh', lambda: make_mesh(jax.devices()[:devices]))
        monkeypatch.setattr(meshes, 'gather', spy)
        return used

    return choose


@one_device_and_all
def test_the_nearest_are_those_of_brute_force(use, devices):
    """Of numbers of images that neither blocks nor devices divide."""
    used = use(devices)
    features, others = normal(147, 5), normal(99, 5, seed=1)
    said = metrics.nearest(features, others, count=4)
    exact = by_hand(features, others)
    np.testing.assert_array_equal(said.indices, exact.argsort(axis=1)[:, :4])
    np.testing.assert_allclose(said.distances, np.sort(exact, axis=1)[:, :4], rtol=1e-9)
    assert set(used) == {devices or jax.device_count()}


def test_scores_are_the_same_on_one_device_and_on_all(use):
    features = normal(147, 5), 0.3 + normal(99, 5, seed=1)

    def scores(devices: int | None) -> tuple[float, ...]:
        use(devices)
        return (
            *metrics.precision_recall(*features),
            *metrics.density_coverage(*features),
            *metrics.authenticity(*features),
        )

    assert scores(1) == pytest.approx(scores(None), rel=1e-12)


def test_an_image_is_nearest_to_itself_far_from_zero_too():
    features = (1e4 + normal(50, 8)).astype(np.float32)
    said = metrics.nearest(features, features)
    np.testing.assert_array_equal(said.indices[:, 0], np.arange(50))
    assert said.distances.max() < 1e-3


def test_equals_are_neighbours_each():
    said = metrics.nearest(np.zeros((1, 1)), np.array([[5.0], [0], [3], [0]]), count=3)
    np.testing.assert_array_equal(said.indices, [[1, 3, 2]])
    np.testing.assert_array_equal(said.distances, [[0, 0, 3]])


@pytest.mark.skipif(not STATUS.exists(), reason='only Linux says what a process has held at most')
def test_memory_does_not_grow_with_the_images():
    """Twenty blocks, which would be 650 MB at once, take a few blocks' more than one does."""
    measure = f"""
import numpy as np
from gan_jax import metrics

def grown(count):
    before = peak()
    metrics.nearest(features[:count], others)
    return peak() - before

def peak():
    (line,) = (line for line in open('{STATUS}') if line.startswith('VmHWM'))
    return int(line.split()[1])

features, others = np.random.default_rng(0).normal(size=(20480, 4)), np.ones((4000, 4))
print(grown(1024), grown(20480))
"""
    output = subprocess.run([sys.executable, '-c', measure], capture_output=True, check=True).stdout
    of_one, of_all = map(int, output.split())  # kilobytes
    block = 1024 * 4000 * 8 / 1024
    assert of_one > block / 2
    assert of_all < 5 * block


def test_as_many_others_as_neighbours_are_needed():
    with pytest.raises(UsageError, match='reference: 3 images are too few, 4 are needed'):
        metrics.nearest(normal(5, 2), normal(3, 2), count=4)


# Authenticity.


def test_authenticity_is_that_of_brute_force():
    generated, training = normal(60, 3), normal(80, 3, seed=1)
    away = by_hand(generated, training)
    among = by_hand(training, training) + np.diag(np.full(80, np.inf))
    own = among.min(axis=1)[away.argmin(axis=1)]
    assert metrics.authenticity(generated, training).value == np.mean(away.min(axis=1) > own)


def test_copies_are_not_authentic_and_strangers_are():
    """A quarter are copies, but for a thousandth of a step, of images one step apart."""
    training = np.arange(40.0)[:, None]
    generated = np.concatenate([training[:10] + 1e-3, 100 + 10 * training[:30]])
    said = metrics.authenticity(generated, training)
    assert said.value == 0.75 and said.low < 0.75 < said.high
    assert metrics.authenticity(training, training).value == 0

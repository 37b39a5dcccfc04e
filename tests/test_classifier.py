"""The classifier of a data set: what it learns, how it is kept, and what it cannot learn from."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan_jax import mesh as meshes, metrics
from gan_jax.metrics.classifier import Network, training
from gan_jax.metrics.classifier.training import shift
from gan_jax.usage import UsageError

TINY = dict(classes=10, name='digits', features=8, epochs=1)


def digits() -> tuple[np.ndarray, np.ndarray]:
    """All 1,797 scans, in an order that no scanner made."""
    stored = load_digits()
    order = np.random.default_rng(0).permutation(len(stored.target))
    images = np.round(stored.images * 255 / 16).astype(np.uint8)[..., None]
    return images[order], stored.target[order]


IMAGES, LABELS = digits()
SEEN, SEEN_LABELS = IMAGES[:1437], LABELS[:1437]
HELD_OUT, HELD_OUT_LABELS = IMAGES[1437:], LABELS[1437:]
FEW, FEW_LABELS = IMAGES[:300], LABELS[:300]


@pytest.fixture(scope='module')
def classifier():
    """Trained on four fifths of the scans for some seconds."""
    return metrics.train_classifier(
        SEEN, SEEN_LABELS, classes=10, name='digits', features=64, epochs=8
    )


@pytest.fixture(scope='module')
def small():
    """Trained for two steps."""
    return metrics.train_classifier(FEW, FEW_LABELS, **TINY)


# What it learns.


def test_it_reads_digits_that_it_has_not_seen(classifier):
    assert metrics.accuracy(classifier, HELD_OUT, HELD_OUT_LABELS) > 0.95


def test_its_features_and_logits_score(classifier):
    """Real digits come near ten sure classes, and the more noise, the further from real ones."""

    def features(images):
        parts = list(metrics.stream_features(classifier, [images]))
        return metrics.Features(*(np.concatenate(part) for part in zip(*parts)))

    def distance(noise):
        images = HELD_OUT + noise * np.random.default_rng(0).normal(size=HELD_OUT.shape)
        pooled = features(np.clip(images, 0, 255).astype(np.uint8)).pooled
        return metrics.fid(metrics.summarize(pooled), reference)

    reference = metrics.summarize(features(SEEN).pooled)
    distances = [distance(noise) for noise in (0, 40, 80)]
    assert 3 * distances[0] < distances[1] < distances[2]
    assert metrics.inception_score(features(HELD_OUT).logits, splits=1).mean > 7


def test_an_image_has_the_same_features_in_any_company(classifier):
    """The statistics of batches are fixed."""
    together, alone = classifier(HELD_OUT[:32]), classifier(HELD_OUT[:1])
    np.testing.assert_allclose(together.pooled[:1], alone.pooled, atol=1e-5)
    np.testing.assert_allclose(together.logits[:1], alone.logits, atol=1e-4)


def test_accuracy_is_the_share_of_right_answers():
    """Of a network that answers with the image's first pixel."""

    def apply(variables, images):
        logits = jax.nn.one_hot(images[:, 0, 0, 0], 4)
        return metrics.Features(logits, logits)

    answers = metrics.Extractor('first pixel', apply, {}, 'none', channels=(1,))
    images = np.arange(100, dtype=np.uint8).reshape(-1, 1, 1, 1) % 4
    labels = np.arange(100) % 4
    assert metrics.accuracy(answers, images, labels) == 1
    labels[:30] = (labels[:30] + 1) % 4
    assert metrics.accuracy(answers, images, labels) == 0.7


def test_the_score_is_nothing_where_generated_labels_lie():
    """Real images as generated ones, each as the next digit: to learn nothing would give 0.1."""
    score = metrics.classification_accuracy_score(
        *(SEEN, (SEEN_LABELS + 1) % 10, HELD_OUT, HELD_OUT_LABELS),
        classes=10,
        features=32,
        epochs=5,
    )
    assert score < 0.03


# How it is trained.


def test_the_same_seed_trains_the_same_bits(small):
    assert metrics.train_classifier(FEW, FEW_LABELS, **TINY).digest == small.digest


@pytest.mark.skipif(jax.device_count() < 2, reason='needs two devices')
def test_two_devices_train_what_one_does(small, monkeypatch):
    """Normalisation is over the whole batch."""
    one = meshes.make_mesh(jax.devices()[:1])
    monkeypatch.setattr(training.meshes, 'make_mesh', lambda: one)
    alone = metrics.train_classifier(FEW, FEW_LABELS, **TINY)
    for ours, theirs in zip(*map(jax.tree.leaves, (small.variables, alone.variables))):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_images_are_shifted_by_an_eighth_and_never_mirrored():
    """By -2 .. 2 pixels of 16 in both directions, every way as often."""
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 1), np.uint8)
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), 'reflect')
    ways = [padded[i : i + 16, j : j + 16] for i in range(5) for j in range(5)]
    shifted = np.asarray(shift(jnp.asarray(np.stack([image] * 2000)), jax.random.key(0)))
    found = [sum(np.array_equal(way, one) for one in shifted) for way in ways]
    assert sum(found) == 2000
    assert 40 < min(found) and max(found) < 120


def test_half_of_the_images_are_mirrored_where_that_is_asked_for():
    """Of 4x4 pixels, which are too few to be shifted."""
    image = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
    images = jnp.asarray(np.stack([image] * 1000))
    said = np.asarray(metrics.shift_and_mirror(images, jax.random.key(0)))
    same, mirrored = (np.all(said == way, axis=(1, 2, 3)) for way in (image, image[:, ::-1]))
    assert np.all(same ^ mirrored) and 400 < mirrored.sum() < 600


@pytest.mark.parametrize(
    'shape', [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3), (24, 48, 3)], ids=str
)
def test_images_of_any_size_end_as_so_many_features(shape):
    """Convolved from their own size on, until the shorter side is of 3 to 5 pixels."""
    network = Network(shape, classes=5, features=64)
    images = jax.ShapeDtypeStruct((2, *shape), jnp.uint8)
    variables = jax.eval_shape(network.init, jax.random.key(0), images)
    said, convolved = jax.eval_shape(
        lambda variables, images: network.apply(
            variables, images, capture_intermediates=lambda module, _: isinstance(module, nn.Conv)
        ),
        variables,
        images,
    )
    assert said.pooled.shape == (2, 64) and said.logits.shape == (2, 5)
    sizes = [each.shape[1:3] for each in jax.tree.leaves(convolved)]
    assert max(sizes) == shape[:2] and 3 <= min(map(min, sizes)) <= 5


# How it is kept.


def test_it_comes_back_from_a_file(small, tmp_path):
    path = tmp_path / 'new' / 'digits.npz'
    metrics.save_classifier(path, small)
    loaded = metrics.load_classifier(path)
    assert (loaded.name, loaded.network) == (small.name, small.network)
    assert loaded.digest == small.digest
    np.testing.assert_array_equal(loaded(FEW[:9]).logits, small(FEW[:9]).logits)
    assert [file.name for file in path.parent.iterdir()] == ['digits.npz']


def test_a_damaged_file_is_said_wherever_it_is_damaged(small, tmp_path):
    """Cut off, or with bytes changed: what comes back at all is what was saved."""
    path = tmp_path / 'digits.npz'
    metrics.save_classifier(path, small)
    whole = path.read_bytes()
    cut = [whole[:size] for size in (0, 3, 100, len(whole) // 2, len(whole) - 1)]
    changed = []
    for place in np.random.default_rng(0).integers(0, len(whole), 60):
        changed.append(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    damaged = 0
    for content in [*cut, *changed]:
        path.write_bytes(content)
        try:
            assert metrics.load_classifier(path).digest == small.digest
        except UsageError as error:
            damaged += 1
            assert '\n' not in str(error) and 'digits.npz' in str(error)
    assert damaged > len(cut) + 40


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(features=9), 'the weights of another network'),
        (dict(shape=(16, 16, 1)), 'the weights of another network'),
        (dict(shape='square'), 'is damaged or holds no classifier'),
    ],
)
def test_a_file_of_something_else_is_said(small, tmp_path, change, message):
    path = tmp_path / 'digits.npz'
    metrics.save_classifier(path, small)
    np.savez(path, **{**np.load(path), **change})
    with pytest.raises(UsageError, match=message):
        metrics.load_classifier(path)


def train(images=FEW, labels=FEW_LABELS):
    return metrics.train_classifier(images, labels, **TINY)


@pytest.mark.parametrize(
    'mistake, message',
    [
        (lambda _: train(FEW / 255), r'must be uint8 \[N, H, W, C\], not float64 \[300, 8, 8, 1\]'),
        (lambda _: train(FEW[..., 0]), r'not uint8 \[300, 8, 8\]'),
        (lambda _: train(labels=LABELS[:299]), r'must be 300 integers.*not int64 \[299\]'),
        (lambda _: train(labels=FEW_LABELS + 1), r'within 0 \.\. 9; there is 10'),
        (lambda _: train(FEW[:50], FEW_LABELS[:50]), '50 images are too few, 128 are needed'),
        (lambda small: small(np.zeros((2, 16, 16, 1), np.uint8)), 'of 8x8x1, not of 16x16x1'),
        (lambda small: small(np.zeros((2, 8, 8, 3), np.uint8)), 'whose channels are 1, not 3'),
        (lambda small: metrics.accuracy(small, FEW, LABELS[:9]), '300 images .* with 9 labels'),
        (lambda _: metrics.load_classifier('no.npz'), "no classifier 'no.npz'"),
        (
            lambda _: metrics.classification_accuracy_score(
                FEW, FEW_LABELS, np.zeros((9, 16, 16, 1), np.uint8), LABELS[:9], classes=10
            ),
            r'\[300, 8, 8, 1\] cannot be tested on real ones \[9, 16, 16, 1\]',
        ),
    ],
)
def test_what_cannot_be_classified_is_said(small, mistake, message):
    with pytest.raises(UsageError, match=message):
        mistake(small)

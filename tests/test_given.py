"""Any two sets of images, by their paths: as they are read, scored and refused."""

import json
import tracemalloc

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax import tuning
from gan_jax.data import given
from gan_jax.metrics import Extractor, Features, fid, see, stream_features, summarize
from gan_jax.metrics.__main__ import main
from gan_jax.metrics.classifier import Network, make_classifier, save_classifier
from gan_jax.usage import UsageError


@pytest.fixture(autouse=True)
def _no_tuning(monkeypatch):
    """Of the process that all tests share."""
    monkeypatch.setattr(tuning, 'prepare', lambda: None)
    monkeypatch.setattr(tuning, 'keep_compiled', lambda: None)


def draw(count: int = 40, shape: tuple = (8, 8, 3), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def folder(path, images) -> str:
    path.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(path / f'{index:03d}.png')
    return str(path)


def archive(path, **arrays) -> str:
    np.savez(path, **arrays)
    return str(path)


def read(path: str) -> np.ndarray:
    return np.concatenate(list(given.open_given(path).batches()))


def in_some_order(images: np.ndarray) -> list[bytes]:
    return sorted(image.tobytes() for image in images)


@pytest.mark.parametrize('shape', [(8, 8, 3), (6, 9, 1)])
def test_a_folder_and_an_archive_hold_the_same_images_in_an_order_of_no_class(tmp_path, shape):
    """Every one of them, of more than one chunk, and each set in the same order each time."""
    images = draw(150, shape)
    paths = folder(tmp_path / 'a', images), archive(tmp_path / 'b.npz', image=images)
    for path in paths:
        found = read(path)
        assert given.open_given(path).shape == shape
        assert in_some_order(found) == in_some_order(images)
        assert not np.array_equal(found, images)
        np.testing.assert_array_equal(found, read(path))


def test_a_coloured_folder_makes_grey_files_colour_and_a_palette_is_one(tmp_path):
    path = folder(tmp_path / 'a', draw(2))
    Image.fromarray(draw(1, (8, 8, 1))[0, ..., 0]).save(tmp_path / 'a' / '3.png')
    Image.fromarray(draw(1)[0]).quantize(8).save(tmp_path / 'a' / '000.png')
    assert read(path).shape == (3, 8, 8, 3)


@pytest.fixture
def classifier(tmp_path) -> str:
    """The file of a small network that has learnt nothing."""
    network = Network((8, 8, 3), classes=5, features=16)
    variables = network.init(jax.random.key(0), draw(1))
    file = tmp_path / 'classifier.npz'
    save_classifier(file, make_classifier('drawn', network, variables))
    return f'--classifier={file}'


def test_the_command_says_scores_and_what_they_are_of(tmp_path, capsys, classifier):
    ours, theirs = draw(), draw(60, seed=1)
    paths = folder(tmp_path / 'a', ours), archive(tmp_path / 'b.npz', image=theirs)
    out = tmp_path / 'scores.json'
    assert main([*paths, classifier, '--scores=fid40,kid,precision_recall', f'--out={out}']) == 0
    printed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert printed == ['fid40', 'kid40', 'precision40', 'recall40']
    said = json.loads(out.read_text())
    assert said['protocol']['extractor'] == 'drawn'
    assert said['protocol']['reference']['images'] == 60
    assert len(said['protocol']['reference']['pixels']) == 64
    network = Network((8, 8, 3), classes=5, features=16)
    variables = network.init(jax.random.key(0), draw(1))
    features = [network.apply(variables, images).pooled for images in (ours, theirs)]
    exact = fid(*map(summarize, map(np.asarray, features)))
    assert said['scores']['fid40']['value'] == pytest.approx(exact, rel=1e-4)


def test_a_set_is_as_far_from_itself_as_nothing(tmp_path, capsys, classifier):
    """The check that real images against themselves, by the whole pipeline, are."""
    path = folder(tmp_path / 'a', draw())
    out = tmp_path / 'out.json'
    assert main([path, path, classifier, '--scores=fid,precision_recall', f'--out={out}']) == 0
    scores = json.loads(out.read_text())['scores']
    assert scores['fid40']['value'] == pytest.approx(0, abs=1e-6)
    assert (scores['precision40']['value'], scores['recall40']['value']) == (1, 1)


def test_few_images_for_their_features_are_remarked_on(tmp_path, capsys, classifier):
    """16 features: of 10 images their FID would be much larger, of 20 it would be less so."""
    few, many = (archive(tmp_path / f'{n}.npz', image=draw(n)) for n in (10, 20))
    assert main([few, many, classifier, '--scores=fid']) == 0
    assert 'note: 10 images are fewer than their 16 features' in capsys.readouterr().out
    assert main([many, many, classifier, '--scores=fid']) == 0
    assert 'note' not in capsys.readouterr().out


def damaged(path) -> str:
    np.savez_compressed(path, image=draw())
    whole = bytearray(path.read_bytes())
    whole[200:400] = bytes(200)
    path.write_bytes(whole)
    return str(path)


BAD = {
    'nothing there': (lambda p: str(p / 'no'), "there is no folder or file '.*no'"),
    'no images': (lambda p: str((p / 'x').mkdir() or p / 'x'), 'no images in'),
    'a text': (lambda p: str((p / 'x.png').write_text('x') and p / 'x.png'), 'no archive of arr'),
    'an array': (lambda p: np.save(p / 'x.npy', draw()) or str(p / 'x.npy'), 'no archive of arr'),
    'no array of images': (
        lambda p: archive(p / 'x.npz', mu=np.zeros(3)),
        "holds no array 'image': mu",
    ),
    'not enough dimensions': (lambda p: archive(p / 'x.npz', image=draw()[0, 0]), r'not \(8, 3\)'),
    'NaN': (lambda p: archive(p / 'x.npz', image=draw() * np.nan), 'pixels that are not finite'),
    'floats': (lambda p: archive(p / 'x.npz', image=draw() / 255), 'holds float64 pixels: round'),
    'another size': (lambda p: archive(p / 'x.npz', image=draw(9, (9, 8, 3))), '9x8x3 and 8x8x3'),
    'grey': (lambda p: archive(p / 'x.npz', image=draw(9, (8, 8))), '8x8x1 and 8x8x3'),
    'too few': (lambda p: archive(p / 'x.npz', image=draw(1)), 'images are too few'),
    'an empty archive': (lambda p: str((p / 'x.npz').write_bytes(b'') or p / 'x.npz'), 'no archiv'),
    'a damaged archive': (lambda p: damaged(p / 'x.npz'), 'no archive of arrays'),
    'sizes within': (
        lambda p: folder(p / 'x', [*draw(2), *draw(1, (8, 9, 3))]),
        'one size: the first has 8x8, .*002.png has 9x8',
    ),
}


@pytest.mark.parametrize('case', BAD)
def test_what_cannot_be_scored_is_one_line(tmp_path, capsys, classifier, case):
    make, message = BAD[case]
    reference = archive(tmp_path / 'reference.npz', image=draw())
    assert main([make(tmp_path), reference, classifier]) == 2
    said = capsys.readouterr().err
    assert said.startswith('error: ') and said.count('\n') == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(said)


@pytest.mark.parametrize(
    'flags, message',
    [
        (['--scores=fdi'], "unknown score 'fdi'; did you mean 'fid'"),
        (
            ['--scores=fid50k'],
            'fid50k is a score of 50,000 generated images, and this one is of 40',
        ),
        (['--classifier=no.npz'], "no classifier 'no.npz'"),
        (['--weights=no.pth', '--classifier='], "no weights 'no.pth'"),
        (['--out=/no/such/folder/x.json'], 'cannot write'),
        (['--scors=fid'], 'unrecognized arguments: --scors=fid; -h says what there is'),
    ],
)
def test_flags_that_cannot_be_meant_are_one_line(tmp_path, capsys, classifier, flags, message):
    path = archive(tmp_path / 'a.npz', image=draw())
    assert main([path, path, classifier, *flags]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count('\n') == 1


def test_a_picture_in_colour_among_grey_ones_is_named(tmp_path):
    """Its colours would be lost; the other way round nothing is."""
    path = folder(tmp_path / 'a', [*draw(2, (8, 8, 1)), *draw(1)])
    with pytest.raises(UsageError, match='002.png is in colour, and the first image of its set is'):
        read(path)


def test_a_picture_that_its_camera_turned_has_the_size_that_it_is_shown_with(tmp_path):
    image = Image.fromarray(draw(1, (8, 9, 3))[0])
    turned = Image.Exif()
    turned[0x0112] = 6
    image.save(tmp_path / '0.jpg')
    image.save(tmp_path / '1.jpg', exif=turned)
    with pytest.raises(UsageError, match='the first has 9x8, .*1.jpg has 8x9'):
        read(str(tmp_path))


def test_an_unreadable_file_is_named(tmp_path):
    path = folder(tmp_path / 'a', draw(70))
    whole = (tmp_path / 'a' / '066.png').read_bytes()
    (tmp_path / 'a' / '066.png').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match='066.png cannot be'):
        read(path)


@pytest.mark.parametrize('sizes', [(1, 1), (100,), (63, 64, 65), (128, 128), (3, 0, 200)])
def test_features_of_a_stream_are_those_of_all_images_at_once(sizes):
    """In batches of any size, none of them dropped: over the two devices that tests pretend."""
    images = draw(sum(sizes))
    sums = Extractor('sums', lambda _, x: Features(x.sum((1, 2)), x.sum((1, 2))), (), 'none')
    batches = np.split(images, np.cumsum(sizes)[:-1])
    streamed = [features.pooled for features in stream_features(sums, iter(batches))]
    np.testing.assert_array_equal(np.concatenate(streamed), sums(images).pooled)


def test_what_scores_need_takes_no_more_memory_for_more_images():
    """By the whole way from images to a summary: ten times the images, the same peak."""
    sums = Extractor('sums', lambda _, x: Features(x.sum((1, 2)), x.sum((1, 2))), (), 'none')
    images = draw(100, (64, 64, 3))

    def peak(batches: int) -> int:
        tracemalloc.start()
        see(sums, ({'image': images} for _ in range(batches)), 100 * batches, {})
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)  # what is compiled
    # What is freed a moment later varies by a batch or two; all images are 270 batches more.
    assert peak(300) < peak(30) + 2 * images.nbytes


def test_grey_images_are_repeated_for_a_network_of_colours():
    sums = Extractor('sums', lambda _, x: Features(x.sum((1, 2)), x.sum((1, 2))), (), 'none')
    grey = draw(3, (8, 8, 1))
    np.testing.assert_array_equal(sums(grey).pooled, sums(grey.repeat(3, -1)).pooled)
    with pytest.raises(UsageError, match='sums takes images whose channels are 3, not 4'):
        sums(draw(3, (8, 8, 4)))

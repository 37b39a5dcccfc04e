"""Two sets of images: pairs, and domains without pairs; the parts and changes they are made of."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image
from test_data import ONE_DEVICE, OTHER, RESIDENT, STREAMED, batch_of, config

from gan_jax import data
from gan_jax.data import changes, parts
from gan_jax.data.arrays import Arrays
from gan_jax.pictures import beside
from gan_jax.usage import UsageError

either_source = pytest.mark.parametrize('resident_mb', [RESIDENT, STREAMED])


def two_sets(relation, other=None, **changed):
    """Returns `config.data` of the digits and a second set of them."""
    return config(size=(8, 8), other={**OTHER, 'relation': relation, **(other or {})}, **changed)


def failing(settings: ConfigDict) -> str:
    """Returns what is said of a configuration that cannot be used."""
    with pytest.raises(UsageError) as caught:
        data.open_source(settings, 2, 1, 0, ONE_DEVICE)
    return str(caught.value)


@either_source
def test_one_key_crops_and_mirrors_both_images_of_a_pair(resident_mb, monkeypatch):
    """The second set is the first one's negative: the two still add up, window by window."""
    monkeypatch.setitem(changes.CHANGES, 'negative', lambda image: 255 - image)
    settings = two_sets('paired', dict(change='negative'), resident_mb=resident_mb)
    settings.update(size=(5, 6), crop_from=(8, 8), flip=True)
    source = data.open_source(settings, 32, 2, 0, ONE_DEVICE)
    batch = batch_of(source, 0)
    source.close()
    assert batch['image'].shape == batch['other'].shape == (2, 32, 5, 6, 1)
    np.testing.assert_array_equal(batch['image'], -batch['other'])
    plain = batch_of(data.open_source(two_sets('paired'), 32, 2, 0, ONE_DEVICE), 0)
    windows = {array.tobytes() for array in batch['image'].reshape(64, -1)}
    uncut = {array[:5, :6].tobytes() for array in plain['image'].reshape(64, 8, 8)}
    assert len(windows & uncut) < 20  # they were cropped and mirrored at all


@either_source
def test_two_domains_are_disjoint_and_each_has_its_own_order(resident_mb):
    parts_of = dict(split='train[:30]'), dict(split='train[30:70]')
    settings = two_sets('unpaired', parts_of[1], resident_mb=resident_mb, **parts_of[0])
    source = data.open_source(settings, 30, 1, 0, ONE_DEVICE)
    assert source.num_examples == 70
    batches = [batch_of(source, step) for step in range(4)]
    source.close()
    seen = {
        name: [array.tobytes() for batch in batches for array in np.asarray(batch[name][0])]
        for name in ('image', 'other')
    }
    assert (len(set(seen['image'])), len(set(seen['other']))) == (30, 40)
    assert not set(seen['image']) & set(seen['other'])
    # An epoch of the first is 30 examples long, one of the second 40.
    assert len(set(seen['image'][30:60])) == 30 and len(set(seen['other'][:40])) == 40


def test_domains_of_one_set_are_not_in_one_order():
    source = data.open_source(two_sets('unpaired'), 32, 1, 0, ONE_DEVICE)
    batch = batch_of(source, 0)
    assert not np.array_equal(batch['image'], batch['other'])


def test_an_example_batch_has_the_second_images_shape_too():
    assert data.example_batch(two_sets('unpaired'), 5)['other'].shape == (5, 8, 8, 1)


def test_inputs_are_held_out_drawn_by_their_key_and_none_twice():
    settings = two_sets('paired', dict(change='outline'), held_out='train[-40:]')
    inputs = data.open_inputs(settings, 40)
    one, again, other = (inputs(jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one['other'], again['other'])
    assert not np.array_equal(one['other'], other['other'])
    expected = data.open_examples(two_sets('none', split='train[-40:]')).read(0, 40)['image']
    drawn = np.rint((np.asarray(one['image']) + 1) * 127.5).astype(np.uint8)
    assert {image.tobytes() for image in drawn} == {image.tobytes() for image in expected}
    assert len(data.open_inputs(settings, 100)(jax.random.key(0))['image']) == 100


def test_one_sets_inputs_are_zeros_of_no_data_set():
    batch = data.open_inputs(config(name='no such set'), 3)(jax.random.key(0))
    assert batch['image'].shape == (3, 4, 4, 1) and not batch['image'].any()


def test_files_side_by_side_are_pairs(tmp_path):
    for name, colours in (('1', ('red', 'lime')), ('2', ('blue', 'white'))):
        both = Image.new('RGB', (9, 4), colours[0])
        both.paste(colours[1], (4, 0, 9, 4))
        both.save(tmp_path / f'{name}.png')
    settings = two_sets('paired', dict(side='right'), side='left', name='folder', channels=3)
    settings.update(data_dir=str(tmp_path), size=(4, 4))
    examples = data.open_examples(settings).read(0, 2)
    assert [tuple(image[0, 0]) for image in examples['image']] == [(255, 0, 0), (0, 0, 255)]
    assert [tuple(image[3, 3]) for image in examples['other']] == [(0, 255, 0), (255, 255, 255)]
    assert beside(examples).shape == (2, 4, 8, 3)


def test_folders_make_pairs_by_their_names(tmp_path):
    for folder, names in (('a', '12'), ('b', '13'), ('c', '123')):
        (tmp_path / folder).mkdir()
        for name in names:
            Image.new('L', (8, 8)).save(tmp_path / folder / f'{name}.png')
    settings = two_sets('paired', dict(data_dir=str(tmp_path / 'b')), name='folder')
    settings.data_dir = str(tmp_path / 'a')
    assert 'both files of one have the same name' in failing(settings)
    settings.other.data_dir = str(tmp_path / 'c')
    assert '2 images and 3 others make no pairs' in failing(settings)
    settings.other.relation = 'unpaired'
    assert data.open_source(settings, 2, 1, 0, ONE_DEVICE).num_examples == 5


def test_mistakes_in_the_second_set_are_named():
    assert "did you mean 'paired'" in failing(two_sets('pared'))
    assert "did you mean 'outline'" in failing(two_sets('paired', dict(change='outlines')))
    assert "did you mean 'left'" in failing(two_sets('paired', dict(side='lef')))
    assert "unknown class '11'" in failing(two_sets('none', only='11'))
    assert "'train[:80%]'" in failing(two_sets('none', split='train[80%]'))


@pytest.mark.parametrize(
    'split, expected',
    (
        ('train', range(10)),
        ('train[:40%]', range(4)),
        ('train[40%:80%]', range(4, 8)),
        ('train[-3:]', range(7, 10)),
        ('train[2:-20%]', range(2, 8)),
    ),
)
def test_parts_of_a_split_are_written_as_tfds_does(split, expected):
    images = Arrays(np.arange(10, dtype=np.uint8).reshape(10, 1, 1), np.arange(10) % 3, 'abc')
    part = parts.take_split(images, split, 'ten')
    assert [np.asarray(image).item() for image, _ in part.read(range(len(part)))] == [*expected]
    assert part.describe(0) == images.describe(expected[0])


def test_a_class_is_its_images_alone():
    images = Arrays(np.arange(10, dtype=np.uint8).reshape(10, 1, 1), np.arange(10) % 3, 'abc')
    part = parts.take_class(images, 'b')
    assert [(np.asarray(image).item(), label) for image, label in part.read(range(3))] == [
        (1, 1),
        (4, 1),
        (7, 1),
    ]
    assert len(part) == 3 and part.label_names == ('a', 'b', 'c')


def test_an_outline_is_where_the_image_changes():
    image = np.zeros((8, 8, 1), np.uint8)
    image[:, 4:] = 100
    expected = np.zeros((8, 8, 1), np.uint8)
    expected[:, 3:5] = 200
    np.testing.assert_array_equal(changes.outline(image), expected)
    np.testing.assert_array_equal(changes.outline(image + 100), np.minimum(expected, 255))


def test_digits_lean_to_the_right_are_inverted_and_come_back():
    image = np.zeros((16, 16, 1), np.uint8)
    image[:, 7:9] = 255
    leaning = 255 - changes.slanted_inverse(image).astype(int)
    columns = (leaning[..., 0] * np.arange(16)).sum(axis=1) / leaning[..., 0].sum(axis=1)
    np.testing.assert_allclose(columns - 7.5, changes.SLANT * (7.5 - np.arange(16)), atol=0.2)
    digits = data.open_examples(two_sets('none', split='train[:50]')).read(0, 50)['image']
    back = [changes.slant(changes.slant(digit, 0.3), -0.3).astype(int) for digit in digits]
    assert np.mean(np.abs(np.stack(back) - digits)) < 12

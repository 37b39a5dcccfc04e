"""The data room: every example once an epoch, the same whoever reads it, pixels by stated rules."""

import io
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import data, mesh
from gan_jax.data import decode, folder, preprocess, tfds_prepare
from gan_jax.data.arrays import Arrays
from gan_jax.data.order import Order
from gan_jax.data.resident import Resident
from gan_jax.data.streamed import Streamed
from gan_jax.usage import UsageError

ROOT = Path(__file__).parents[1]
TFDS = Path(os.environ.get('GAN_JAX_TFDS', ROOT.parent / 'shared' / 'tfds'))
ONE_DEVICE = mesh.make_mesh(jax.devices()[:1])
RESIDENT, STREAMED = 1024, 0  # MiB


def config(**changes):
    fields = dict(
        name='digits',
        data_dir='',
        split='train',
        size=(4, 4),
        channels=1,
        crop_from=(0, 0),
        flip=False,
        alpha='white',
        resident_mb=RESIDENT,
        workers=0,
    )
    return ConfigDict(fields | changes)


def numbered(count):
    """Returns an image set in which image i is filled with i and labelled i % 3."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, 4, 4))
    return Arrays(images, np.arange(count) % 3, ['a', 'b', 'c'])


def open_numbered(count=10, batch_size=3, microbatches=2, seed=0, **changes):
    return data.open_source(
        config(**changes), batch_size, microbatches, seed, ONE_DEVICE, numbered(count)
    )


def numbers(source, step):
    """Returns which of the numbered images the step takes, [K, B], and checks the labels."""
    batch = source.batch(source.feed(step), jax.random.key(step))
    image = np.asarray(batch['image'])
    assert image.dtype == np.float32 and image.shape[2:] == (4, 4, 1)
    found = np.rint((image[..., 0, 0, 0] + 1) * 127.5).astype(int)
    np.testing.assert_array_equal(batch['label'], found % 3)
    return found


def failing(**changes):
    """Returns the message of the UsageError that opening must raise."""
    with pytest.raises(UsageError) as caught:
        data.open_source(config(**changes), 6, 2, 0, ONE_DEVICE)
    assert '\n' not in str(caught.value)
    return str(caught.value)


# Order


@pytest.mark.parametrize('resident_mb', [RESIDENT, STREAMED])
def test_an_epoch_holds_every_example_once_and_batches_straddle_epochs(resident_mb):
    source = open_numbered(count=10, resident_mb=resident_mb)
    assert isinstance(source, Resident if resident_mb else Streamed)
    assert (source.num_examples, source.num_classes) == (10, 3)
    epochs = np.stack([numbers(source, step) for step in range(5)]).reshape(3, 10)
    for epoch in epochs:
        assert sorted(epoch) == list(range(10))
    assert len({tuple(epoch) for epoch in epochs}) == 3
    source.close()


def test_a_set_smaller_than_a_batch_repeats_within_it():
    found = numbers(open_numbered(count=2, batch_size=8, microbatches=1), 0).reshape(4, 2)
    np.testing.assert_array_equal(np.sort(found), [[0, 1]] * 4)


def test_order_depends_on_the_seed_and_the_step_alone():
    order, same, other = (Order(1000, 2, 50, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(order.indices(123), same.indices(123))
    assert (order.indices(123) != other.indices(123)).any()
    # Nor is another seed's epoch one of this seed's: seeds are not added to epochs.
    epochs = [np.stack([o.indices(s) for s in range(30)]).reshape(3, -1) for o in (order, other)]
    assert not any((a == b).all() for a in epochs[0] for b in epochs[1])


def test_streamed_takes_what_resident_takes_and_starts_at_any_step():
    resident, streamed = open_numbered(), open_numbered(resident_mb=STREAMED)
    steps = [7, 8, 9, 3, 4, 4, 10**9, 0]
    for step in steps:
        np.testing.assert_array_equal(numbers(streamed, step), numbers(resident, step))
    streamed.close()


def test_worker_processes_give_the_batches_that_threads_give(tmp_path):
    """Spawns two processes."""
    for number in range(10):
        Image.new('L', (5, 4), 20 * number).save(tmp_path / f'{number}.png')
    place = dict(name='folder', data_dir=str(tmp_path), resident_mb=STREAMED)
    settings = [config(**place, workers=workers) for workers in (0, 2)]
    sources = [data.open_source(each, 3, 2, 0, ONE_DEVICE) for each in settings]
    # All feeds of a source are alive at once: none may share memory that is used again.
    feeds = [[source.feed(step) for step in [5, 6, 7, 8, 2]] for source in sources]
    jax.tree.map(np.testing.assert_array_equal, *feeds)
    assert list(feeds[0][0]) == ['image']
    for source in sources:
        source.close()


def test_two_processes_read_the_batches_that_one_reads():
    """Spawns two JAX processes of two devices each."""
    script = textwrap.dedent("""
        import sys
        sys.path[:0] = sys.argv[1:]
        from gan_jax import mesh
        mesh.initialize_distributed()
        import jax
        import test_data

        devices = mesh.make_mesh()
        assert (jax.process_count(), devices.size) == (2, 4)
        for resident_mb in (test_data.RESIDENT, test_data.STREAMED):
            changes = dict(resident_mb=resident_mb, size=(3, 3), crop_from=(4, 4), flip=True)
            settings = test_data.config(**changes)
            source = test_data.data.open_source(settings, 8, 2, 0, devices, test_data.numbered(50))
            step = jax.jit(source.batch).lower(source.feed(9), jax.random.key(0)).compile()
            assert 'all-gather' not in step.as_text()
            batch = step(source.feed(9), jax.random.key(0))
            assert {a.sharding.spec for a in batch.values()} == {mesh.split(devices, 1).spec}
            image = mesh.gather(batch)['image']
            source.close()
            print('took', ((image[..., 0, 0, 0] + 1) * 127.5).round().astype(int).tolist())
    """)
    with socket.socket() as free:
        free.bind(('localhost', 0))
        address = f'localhost:{free.getsockname()[1]}'
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', script, str(ROOT), str(ROOT / 'tests')],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ
            | dict(
                JAX_COORDINATOR_ADDRESS=address,
                JAX_NUM_PROCESSES='2',
                JAX_PROCESS_ID=str(number),
                JAX_PLATFORMS='cpu',
                XLA_FLAGS='--xla_force_host_platform_device_count=2',
            ),
        )
        for number in range(2)
    ]
    expected = Order(50, 2, 8, seed=0).indices(9).tolist()
    try:
        for process in processes:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
            took = [line for line in output.splitlines() if line.startswith('took')]
            assert took == [f'took {expected}'] * 2
    finally:
        for process in processes:
            process.kill()


def test_a_damaged_image_stops_the_stream_with_its_name(tmp_path):
    good = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(good, 'PNG')
    (tmp_path / 'broken.png').write_bytes(good.getvalue()[:2000])
    for resident_mb in (RESIDENT, STREAMED):
        settings = config(name='folder', data_dir=str(tmp_path), resident_mb=resident_mb)
        with pytest.raises(UsageError, match='broken.png cannot be decoded'):
            data.open_source(settings, 1, 1, 0, ONE_DEVICE).feed(0)


# On the device


def test_normalize_reaches_both_ends_exactly():
    values = jax.jit(preprocess.normalize)(jnp.arange(256, dtype=jnp.uint8))
    assert values.dtype == jnp.float32
    assert (values[0], values[255]) == (-1, 1)
    np.testing.assert_allclose(values, np.arange(256) / 127.5 - 1, atol=1e-7)


def test_flip_is_an_involution_and_random_flip_mirrors_half():
    images = jnp.arange(2 * 200 * 3 * 4).reshape(2, 200, 3, 4, 1)
    chosen = jnp.ones((2, 200), bool)
    np.testing.assert_array_equal(preprocess.flip(images, chosen), images[..., ::-1, :])
    np.testing.assert_array_equal(preprocess.flip(preprocess.flip(images, chosen), chosen), images)
    flipped = preprocess.random_flip(images, jax.random.key(0))
    mirrored = (flipped == images[..., ::-1, :]).all((-3, -2, -1))
    kept = (flipped == images).all((-3, -2, -1))
    assert (mirrored ^ kept).all()
    assert 0.4 < mirrored.mean() < 0.6


def test_random_crops_are_windows_and_all_places_occur():
    images = jnp.arange(2 * 300 * 5 * 6).reshape(2, 300, 5, 6, 1)
    crops = preprocess.random_crop(images, (3, 4), jax.random.key(0))
    assert crops.shape == (2, 300, 3, 4, 1)
    offsets = crops[..., 0, 0, 0] - images[..., 0, 0, 0]
    rows, columns = np.divmod(offsets, 6)
    assert (np.unique(rows).tolist(), np.unique(columns).tolist()) == ([0, 1, 2], [0, 1, 2])
    window = jnp.arange(3)[:, None] * 6 + jnp.arange(4)
    assert (crops[..., 0] - crops[..., :1, :1, 0] == window).all()
    again = preprocess.random_crop(images, (3, 4), jax.random.key(1))
    assert (again != crops).any()


@pytest.mark.parametrize('resident_mb', [RESIDENT, STREAMED])
def test_batches_are_cropped_flipped_and_drawn_from_their_key(resident_mb):
    ramp = np.arange(6 * 8, dtype=np.uint8).reshape(1, 6, 8)
    settings = config(size=(4, 5), crop_from=(6, 8), flip=True, resident_mb=resident_mb)
    source = data.open_source(settings, 32, 2, 0, ONE_DEVICE, Arrays(ramp))
    feed = source.feed(0)
    batch = source.batch(feed, jax.random.key(0))
    assert list(batch) == ['image'] and batch['image'].shape == (2, 32, 4, 5, 1)
    assert len(np.unique(batch['image'][:, :, 0, 0], axis=1)[0]) > 4
    same, other = (source.batch(feed, jax.random.key(seed))['image'] for seed in (0, 1))
    np.testing.assert_array_equal(batch['image'], same)
    assert (other != same).any()
    np.testing.assert_array_equal(source.examples(9)['image'][0, ..., 0], ramp[0, 1:5, 1:6])
    source.close()


# On the host: one stated rule for every mode


def palette(transparent):
    image = Image.new('P', (1, 1), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    if transparent:
        image.info['transparency'] = 1
    return image


def keyed_rgb():
    image = Image.new('RGB', (1, 1), (200, 100, 50))
    image.info['transparency'] = (200, 100, 50)
    return image


COLOUR = (200, 100, 50)  # its luma is 124
MODES = {
    '1': (Image.new('1', (1, 1), 1), 255, (255,) * 3, (255,) * 4),
    'L': (Image.new('L', (1, 1), 100), 100, (100,) * 3, (100, 100, 100, 255)),
    'LA': (Image.new('LA', (1, 1), (100, 51)), 224, (224,) * 3, (100, 100, 100, 51)),
    'P': (palette(False), 124, COLOUR, (*COLOUR, 255)),
    'P transparent': (palette(True), 255, (255,) * 3, (*COLOUR, 0)),
    'RGB': (Image.new('RGB', (1, 1), COLOUR), 124, COLOUR, (*COLOUR, 255)),
    'RGB transparent': (keyed_rgb(), 255, (255,) * 3, (*COLOUR, 0)),
    'RGBA': (Image.new('RGBA', (1, 1), (*COLOUR, 51)), 229, (244, 224, 214), (*COLOUR, 51)),
    'CMYK': (Image.new('CMYK', (1, 1), (55, 155, 205, 0)), 124, COLOUR, (*COLOUR, 255)),
    'YCbCr': (Image.new('YCbCr', (1, 1), (76, 85, 255)), 76, (254, 0, 0), (254, 0, 0, 255)),
    'HSV': (Image.new('HSV', (1, 1), (0, 255, 255)), 76, (255, 0, 0), (255, 0, 0, 255)),
    'I;16': (Image.new('I;16', (1, 1), 25700), 100, (100,) * 3, (100, 100, 100, 255)),
    'I;16B': (Image.new('I;16B', (1, 1), 25700), 100, (100,) * 3, (100, 100, 100, 255)),
    'I': (Image.new('I', (1, 1), 129), 1, (1,) * 3, (1, 1, 1, 255)),
    'F': (Image.new('F', (1, 1), 0.2), 51, (51,) * 3, (51, 51, 51, 255)),
}


@pytest.mark.parametrize('mode', MODES)
def test_each_mode_becomes_each_number_of_channels(mode):
    image, *expected = MODES[mode]
    for channels, value in zip((1, 3, 4), expected, strict=True):
        array = decode.to_array(decode.to_channels(image, channels, 'white'))
        assert array.dtype == np.uint8 and array.shape == (1, 1, channels)
        np.testing.assert_array_equal(array[0, 0], value)


@pytest.mark.parametrize(
    'alpha, grey, colour',
    [('white', 229, (244, 224, 214)), ('black', 25, (40, 20, 10)), ('drop', 124, COLOUR)],
)
def test_transparency_is_laid_over_a_background_or_dropped(alpha, grey, colour):
    image = MODES['RGBA'][0]
    assert decode.to_channels(image, 1, alpha).getpixel((0, 0)) == grey
    assert decode.to_channels(image, 3, alpha).getpixel((0, 0)) == colour
    assert decode.to_channels(image, 4, alpha).getpixel((0, 0)) == (*COLOUR, 51)


def test_sixteen_bits_are_divided_by_257_and_rounded():
    values = np.array([[0, 128, 129, 257, 65406, 65407, 65535]], np.uint16)
    image = decode.to_channels(Image.fromarray(values), 1, 'white')
    assert decode.to_array(image).ravel().tolist() == [0, 0, 1, 1, 254, 255, 255]


@pytest.mark.parametrize(
    'image',
    [
        Image.new('I', (1, 1), 70000),
        Image.new('F', (1, 1), 2.0),
        Image.new('F', (1, 1), float('nan')),
    ],
)
def test_values_out_of_range_are_refused(image):
    with pytest.raises(ValueError, match=image.mode):
        decode.to_channels(image, 1, 'white')


def test_resize_covers_and_cuts_out_the_centre_and_leaves_the_right_size_alone():
    stripes = np.repeat(np.array([0, 100, 200], np.uint8), 20)[None].repeat(20, axis=0)
    wide = Image.fromarray(stripes)  # 20 high, 60 wide
    assert decode.resize(wide, (20, 60)) is wide
    assert set(np.unique(np.asarray(decode.resize(wide, (20, 20))))) == {100}
    assert decode.resize(wide, (5, 9)).size == (9, 5)
    assert decode.resize(wide, (30, 7)).size == (7, 30)
    assert decode.resize(wide, (200, 600)).size == (600, 200)
    middle = np.asarray(decode.resize(wide, (10, 30)))  # the same aspect: nothing is cut
    assert (middle[:, [5, 15, 25]] == [0, 100, 200]).all()


# Data sets


def test_digits_are_scaled_scans_with_labels():
    source = data.open_source(config(size=(8, 8), channels=3), 6, 2, 0, ONE_DEVICE)
    assert source.num_examples == 1797
    assert source.label_names == tuple('0123456789')
    examples = source.examples(3)
    assert examples['label'].tolist() == [0, 1, 2]
    # The first row of the first scan is 0 0 5 13 9 1 0 0.
    assert examples['image'][0, 0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert (examples['image'] == examples['image'][..., :1]).all()
    for size in (16, 32):
        source = data.open_source(config(size=(size, size)), 6, 2, 0, ONE_DEVICE)
        assert source.examples(2, start=1796)['image'].shape == (1, size, size, 1)
        image = source.batch(source.feed(0), jax.random.key(0))['image']
        assert image.shape == (2, 6, size, size, 1)


def test_the_example_batch_has_the_shape_of_a_batch():
    batch = data.example_batch(config(name='no such set', size=(4, 6), channels=3), 5)
    assert {name: (array.shape, array.dtype) for name, array in batch.items()} == {
        'image': ((5, 4, 6, 3), np.float32),
        'label': ((5,), np.int32),
    }


def test_a_folder_of_classes_is_read_in_sorted_order_and_upright(tmp_path):
    for name in ('cat/2.png', 'cat/deeper/1.jpg', 'ant/9.bmp', 'ant/10.tif'):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (6, 6), len(name)).save(file)
    (tmp_path / 'cat' / 'notes.txt').write_text('no image')
    (tmp_path / 'cat' / '.hidden.png').write_text('no image')
    (tmp_path / '.git').mkdir()
    (tmp_path / '.git' / 'x.png').write_text('no image')
    (tmp_path / 'empty').mkdir()
    # Stored lying on its side: EXIF orientation 6 is a turn by 90 degrees.
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.zeros((6, 6), np.uint8)
    lying[0] = 250
    Image.fromarray(lying).save(tmp_path / 'ant' / '1.png', exif=exif)

    settings = config(name='folder', data_dir=str(tmp_path), size=(6, 6))
    images = folder.open_folder(settings)
    names = [str(file.relative_to(tmp_path)) for file in images.files]
    assert names == ['ant/1.png', 'ant/10.tif', 'ant/9.bmp', 'cat/2.png', 'cat/deeper/1.jpg']
    assert (images.label_names, images.skipped) == (('ant', 'cat'), 1)
    source = data.open_source(settings, 6, 2, 0, ONE_DEVICE)
    examples = source.examples(5)
    assert examples['label'].tolist() == [0, 0, 0, 1, 1]
    assert (examples['image'][0, :, -1] == 250).all() and (examples['image'][0, :, :-1] == 0).all()


def test_a_folder_without_classes_has_no_labels(tmp_path):
    Image.new('L', (4, 4)).save(tmp_path / 'a.png')
    source = data.open_source(config(name='folder', data_dir=str(tmp_path)), 2, 1, 0, ONE_DEVICE)
    assert (source.num_classes, source.label_names) == (0, ())
    assert list(source.batch(source.feed(0), jax.random.key(0))) == ['image']


def test_folders_that_cannot_serve_are_named(tmp_path):
    place = dict(name='folder', data_dir=str(tmp_path))
    assert '--config.data.data_dir' in failing(name='folder')
    assert 'no folder' in failing(name='folder', data_dir=str(tmp_path / 'absent'))
    (tmp_path / 'notes.txt').write_text('no image')
    assert f'no images in {tmp_path} (1 other files)' in failing(**place)
    (tmp_path / 'a.png').write_text('no image')
    assert 'a.png cannot be read as an image' in failing(**place)
    Image.new('L', (4, 4)).save(tmp_path / 'a.png')
    (tmp_path / 'class').mkdir()
    Image.new('L', (4, 4)).save(tmp_path / 'class' / 'b.png')
    assert 'in sub-folders' in failing(**place)


def test_mistakes_in_the_configuration_are_named():
    assert "did you mean 'cifar10'" in failing(name='cifar01')
    assert "did you mean 'digits'" in failing(name='digit')
    assert "one split, 'train'" in failing(split='test')
    assert "did you mean 'white'" in failing(alpha='whit')
    assert '1, 3 or 4' in failing(channels=2)
    assert 'data.size' in failing(size=(0, 4))
    assert 'crop_from' in failing(size=(8, 8), crop_from=(9, 7))
    with pytest.raises(UsageError, match='no examples'):
        data.open_source(config(), 6, 2, 0, ONE_DEVICE, numbered(0))


# TFDS


def prepare(data_dir, name='pictures', file_format='array_record', image=True):
    """Writes a prepared set of 5 transparent pictures, as TFDS does it with TensorFlow."""
    import tensorflow_datasets as tfds
    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.proto import tf_example_pb2

    features = {'label': tfds.features.ClassLabel(names=['even', 'odd'])}
    if image:
        features['image'] = tfds.features.Image(shape=(4, 4, 4))
        features['mask'] = tfds.features.Image(shape=(4, 4, 1))
    home = data_dir / name / '1.0.0'
    home.mkdir(parents=True)
    tfds.features.FeaturesDict(features).save_config(home)
    split = dict(name='train', shardLengths=['5'], numBytes='1')
    split['filepathTemplate'] = '{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}'
    info = dict(name=name, version='1.0.0', fileFormat=file_format, splits=[split])
    (home / 'dataset_info.json').write_text(json.dumps(info))
    shard = home / f'{name}-train.{file_format}-00000-of-00001'
    writer = ArrayRecordWriter(str(shard), 'group_size:1')
    for number in range(5):
        png = io.BytesIO()
        Image.new('RGBA', (4, 4), (number, number, number, 255)).save(png, 'PNG')
        example = tf_example_pb2.Example()
        example.features.feature['label'].int64_list.value.append(number % 2)
        example.features.feature['image'].bytes_list.value.append(png.getvalue())
        example.features.feature['mask'].bytes_list.value.append(b'nobody decodes this')
        writer.write(example.SerializeToString())
    writer.close()
    return dict(name=name, data_dir=str(data_dir))


def test_a_prepared_tfds_set_is_read_without_tensorflow(tmp_path):
    place = prepare(tmp_path)
    source = data.open_source(config(**place), 6, 2, 0, ONE_DEVICE)
    assert source.label_names == ('even', 'odd')
    assert source.examples(5)['label'].tolist() == [0, 1, 0, 1, 0]
    assert source.examples(5)['image'][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    part = data.open_source(config(**place, split='train[1:3]'), 6, 2, 0, ONE_DEVICE)
    assert part.examples(5)['label'].tolist() == [1, 0]
    for split in ('tset', 'train[3:1]', 'train[3:3]', ''):
        message = failing(**place, split=split)
        assert repr(split) in message and 'its splits: train' in message


def test_prepared_sets_that_cannot_serve_are_named(tmp_path):
    assert 'tfrecord' in failing(**prepare(tmp_path, 'records', file_format='tfrecord'))
    assert "no images in a feature 'image'; it has label" in failing(
        **prepare(tmp_path, 'labels', image=False)
    )


@pytest.mark.parametrize('tensorflow, reason', [(False, 'pip install'), (True, 'network')])
def test_an_unprepared_set_fails_within_seconds(tmp_path, monkeypatch, tensorflow, reason):
    if tensorflow:  # but no network: a host that never answers
        monkeypatch.setattr(tfds_prepare.importlib.util, 'find_spec', lambda name: object())
        monkeypatch.setattr(socket, 'create_connection', lambda *_: time.sleep(60))
    else:
        monkeypatch.setattr(tfds_prepare.importlib.util, 'find_spec', lambda name: None)
    start = time.monotonic()
    message = failing(name='celeb_a', data_dir=str(tmp_path))
    assert time.monotonic() - start < 10
    for part in ('celeb_a', str(tmp_path), '--config.data.data_dir', 'name=digits', reason):
        assert part in message


def test_an_unprepared_set_is_prepared_as_array_record(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    prepared, place = [], dict(name='mnist', data_dir=str(tmp_path))

    def builder(name, data_dir):
        builder = tfds.core.read_only_builder.builder_from_files(**prepare(tmp_path, name))
        builder.download_and_prepare = lambda file_format: prepared.append(file_format)
        return builder

    monkeypatch.setattr(tfds_prepare.importlib.util, 'find_spec', lambda name: object())
    monkeypatch.setattr(tfds_prepare, '_keep_tensorflow_off_accelerators', lambda: None)
    monkeypatch.setattr(tfds_prepare, '_online', lambda: True)
    with monkeypatch.context() as context:
        context.setattr(tfds, 'builder', lambda name, data_dir: 1 / 0)
        assert 'could not be prepared: division by zero' in failing(**place)
    monkeypatch.setattr(tfds, 'builder', builder)
    assert data.open_source(config(**place), 6, 2, 0, ONE_DEVICE).num_examples == 5
    assert prepared == ['array_record']


@pytest.mark.skipif(
    not TFDS.is_dir(), reason=f'no prepared sets in {TFDS}; GAN_JAX_TFDS=DIR names another place'
)
@pytest.mark.parametrize(
    'name, size, channels, labels, pixels',
    [
        ('mnist', 28, 1, [1, 9, 0, 1, 0], [13727, 24362, 52597, 19901, 30695]),
        ('cifar10', 32, 3, [4, 5, 9, 1, 8], [427623, 445281, 294504, 385008, 421905]),
    ],
)
def test_real_sets_begin_with_their_first_images(name, size, channels, labels, pixels):
    settings = config(
        name=name, data_dir=str(TFDS), size=(size, size), channels=channels, split='test[:100]'
    )
    source = data.open_source(settings, 6, 2, 0, ONE_DEVICE)
    examples = source.examples(5)
    assert (source.num_examples, source.num_classes) == (100, 10)
    assert examples['label'].tolist() == labels
    assert examples['image'].sum((1, 2, 3), dtype=int).tolist() == pixels

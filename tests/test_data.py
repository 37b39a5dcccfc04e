"""The data room: every example once an epoch, the same whoever reads it, pixels by stated rules."""

import io
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import data, mesh
from gan_jax.data import folder, preprocess
from gan_jax.data.arrays import Arrays
from gan_jax.data.order import Order
from gan_jax.data.resident import Resident
from gan_jax.data.streamed import Streamed
from gan_jax.usage import UsageError

ROOT = Path(__file__).parents[1]
ONE_DEVICE = mesh.make_mesh(jax.devices()[:1])
RESIDENT, STREAMED = 1024, 0  # MiB


OTHER = dict(name='', data_dir='', split='', held_out='', only='', side='', change='')


def config(**changes):
    fields = dict(
        name='digits',
        data_dir='',
        split='train',
        size=(4, 4),
        channels=1,
        classes=0,
        crop_from=(0, 0),
        flip=False,
        alpha='white',
        resident_mb=RESIDENT,
        workers=0,
        held_out='',
        only='',
        side='',
        change='none',
        other=dict(OTHER, relation='none'),
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


def batch_of(source, step, seed=0):
    feed = source.feed(range(step, step + 1))
    own = jax.tree.map(lambda array: array[0], feed.steps)
    return source.batch(feed.shared, own, jax.random.key(seed))


def numbers(source, step):
    """Returns which of the numbered images the step takes, [K, B], and checks the labels."""
    batch = batch_of(source, step, seed=step)
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
    feeds = [[source.feed(range(*i)) for i in [(5, 8), (8, 9), (2, 3)]] for source in sources]
    jax.tree.map(np.testing.assert_array_equal, *feeds)
    assert list(feeds[0][0].steps) == ['image']
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
            feed = source.feed(range(9, 10))

            @jax.jit
            def read(feed):
                own = jax.tree.map(lambda array: array[0], feed.steps)
                return source.batch(feed.shared, own, jax.random.key(0))

            assert 'all-gather' not in read.lower(feed).compile().as_text()
            batch = read(feed)
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
            data.open_source(settings, 1, 1, 0, ONE_DEVICE).feed(range(1))


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
    batch = batch_of(source, 0)
    assert list(batch) == ['image'] and batch['image'].shape == (2, 32, 4, 5, 1)
    assert len(np.unique(batch['image'][:, :, 0, 0], axis=1)[0]) > 4
    same, other = (batch_of(source, 0, seed)['image'] for seed in (0, 1))
    np.testing.assert_array_equal(batch['image'], same)
    assert (other != same).any()
    np.testing.assert_array_equal(source.examples(9)['image'][0, ..., 0], ramp[0, 1:5, 1:6])
    source.close()


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
        image = batch_of(source, 0)['image']
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
    assert list(batch_of(source, 0)) == ['image']


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

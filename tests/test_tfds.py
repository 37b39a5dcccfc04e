"""TFDS sets: read without TensorFlow once they are prepared."""

import io
import json
import os
import socket
import time
from pathlib import Path

import pytest
from PIL import Image
from test_data import ONE_DEVICE, config, failing

from gan_jax import data
from gan_jax.data import tfds_prepare

ROOT = Path(__file__).parents[1]
TFDS = Path(os.environ.get('GAN_JAX_TFDS', ROOT.parent / 'shared' / 'tfds'))


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

"""Trains the classifier of a data set and tests it on images that it has not seen.

    python -m benchmarks.classifier [--data mnist] [--size 28] [--data_dir DIR] [--mirror]

Held out are TFDS's split `test` and a fifth of the digits. Training is from its beginning to its
end, compilation included; the processor's seconds are all cores' together, and say more on a
machine with neighbours. What other sets have in the result file stays.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks import measure
from gan_jax import tuning
from gan_jax.command_line import load_config
from gan_jax.data.digits import open_digits
from gan_jax.data.image_set import Decoded
from gan_jax.data.tfds_source import open_tfds
from gan_jax.metrics import accuracy, shift_and_mirror, train_classifier

Examples = tuple[np.ndarray, np.ndarray]  # uint8 [N, H, W, C], int32 [N]


def read(name: str, size: int, data_dir: str) -> tuple[Examples, Examples]:
    """Returns the images and labels to train on, and those held out."""

    def decode(open_images, split: str) -> Examples:
        data = load_config(f'configs/dcgan.py:{name}').data
        data.update(split=split, data_dir=data_dir, size=(size, size) if size else data.size)
        decoded = Decoded(open_images(data), data.size, data.channels, data.alpha)
        arrays = decoded.read_many(range(len(decoded)))
        return arrays['image'], arrays['label']

    if name != 'digits':
        return decode(open_tfds, 'train'), decode(open_tfds, 'test')
    images, labels = decode(open_digits, 'train')
    order = np.random.default_rng(0).permutation(len(images))
    held_out, rest = np.split(order, [len(images) // 5])
    return (images[rest], labels[rest]), (images[held_out], labels[held_out])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', default='digits')
    parser.add_argument('--size', type=int, default=0, help="height and width, if not the preset's")
    parser.add_argument('--data_dir', default='')
    parser.add_argument('--epochs', type=int, default=0, help="if not the data's own")
    parser.add_argument('--features', type=int, default=0, help="if not the data's own")
    parser.add_argument('--mirror', action='store_true', help='half of the images')
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'classifier.json')
    arguments = parser.parse_args()
    tuning.prepare()
    (images, labels), held_out = read(arguments.data, arguments.size, arguments.data_dir)
    augment = dict(augment=shift_and_mirror) if arguments.mirror else {}
    begin, processor = time.perf_counter(), time.process_time()
    classifier = train_classifier(
        images,
        labels,
        classes=int(labels.max()) + 1,
        name=arguments.data,
        epochs=arguments.epochs,
        features=arguments.features,
        **augment,
    )
    said = {
        'seconds': round(time.perf_counter() - begin, 1),
        'processor_seconds': round(time.process_time() - processor, 1),
        'features': classifier.network.features,
        'trained_on': len(images),
        'tested_on': len(held_out[0]),
        'accuracy': round(accuracy(classifier, *held_out), 4),
    }
    name = '{}-{}x{}'.format(arguments.data, *images.shape[1:3])
    print(name, said)
    sets = json.loads(arguments.out.read_text())['sets'] if arguments.out.exists() else {}
    sets[name] = {**said, **measure.origin('classifier')}
    arguments.out.write_text(json.dumps({'sets': sets}, indent=1) + '\n')


if __name__ == '__main__':
    main()

"""Counts the modes of stacked MNIST that one pair covers by each loss.

    python -m benchmarks.stacked_mnist [--data_dir DIR] [--steps 10000] [--seeds 0,1,2]
        [--methods non_saturating,...] [--widths 8,16]

Of the 1,000 triples of digits, those among 26,000 samples (Srivastava et al. 2017, arXiv
1705.07761), each channel read by a classifier of MNIST, and the KL divergence from those of as many
real images. The pair is DCGAN's at half of its widths, whose discriminator is a quarter as wide as
its generator or, by `--widths 16,32`, as wide as it: weak ones invite collapse (Metz et al. 2017,
arXiv 1611.02163, section 3.3.1). It is without normalisation, so that penalties are defined, and
draws by a moving average. Trained by the user's own
command. Writes `../results/stacked_mnist.json`; what other methods have there stays.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import measure
from benchmarks.classifier import read
from gan_jax import tuning
from gan_jax.data.stacked_mnist import StackedDigits
from gan_jax.metrics import stream_features, train_classifier
from gan_jax.metrics.classes import mode_coverage
from gan_jax.metrics.classifier import Classifier

OUT = measure.SHOWN / 'stacked_mnist.json'
SAMPLES = 26_000
PAIR = {
    'data.name': 'stacked_mnist',
    'data.channels': 3,
    'data.classes': 0,
    'prior.size': 256,
    'networks.generator.widths': '(64,32)',
    'networks.discriminator.normalization': 'none',
    'optimizers.generator.learning_rate': 1e-3,
    'optimizers.discriminator.learning_rate': 1e-3,
}
METHODS = {
    'non_saturating': {'loss.name': 'non_saturating'},
    'least_squares': {'loss.name': 'least_squares'},
    'wasserstein + gradient_penalty': {
        'loss.name': 'wasserstein',
        'penalties.gradient_penalty': 10,
        'critic_updates': 5,
    },
    'hinge + r1': {'loss.name': 'hinge', 'penalties.r1': 1},
    'relativistic + r1 + r2': {'loss.name': 'relativistic', 'penalties.r1': 1, 'penalties.r2': 1},
}


def sample(fields: dict, folder: Path) -> np.ndarray:
    """Trains by the user's own command and returns uint8 samples, [SAMPLES, 28, 28, 3]."""
    run = [sys.executable, 'main.py', '--config=configs/dcgan.py:mnist', f'--workdir={folder}/run']
    run += [f'--config.{name}={value}' for name, value in fields.items()]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    file = folder / 'samples.npz'
    draw = [*run, '--mode=sample', f'--num={SAMPLES}', f'--out={file}']
    subprocess.run(draw, check=True, stdout=subprocess.DEVNULL)
    return np.load(file)['image']


def read_triples(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Returns the numbers 0 .. 999 that the channels of images [N, H, W, 3] spell."""
    channels = np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3], 1)
    batches = np.array_split(channels, -(-len(channels) // 1024))
    seen = stream_features(classifier, batches, len(channels))
    digits = np.concatenate([features.logits.argmax(axis=1) for features in seen])
    return digits.reshape(-1, 3) @ [100, 10, 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data_dir', default='')
    parser.add_argument('--steps', type=int, default=10_000)
    parser.add_argument('--seeds', default='0,1,2')
    parser.add_argument('--methods', default=','.join(METHODS))
    parser.add_argument('--widths', default='8,16', help="of the discriminator's layers")
    arguments = parser.parse_args()
    tuning.prepare()
    (digits, labels), _ = read('mnist', 28, arguments.data_dir)
    classifier = train_classifier(digits, labels, classes=10, name='mnist')
    stacks = StackedDigits(digits[..., 0], labels, SAMPLES).read(range(SAMPLES))
    real = read_triples(classifier, np.stack([np.asarray(image) for image, _ in stacks]))
    # Half a triple more of each, so that none is impossible.
    shares = np.bincount(real, minlength=1000) + 0.5
    common = {
        **PAIR,
        'networks.discriminator.widths': f'({arguments.widths})',
        'steps': arguments.steps,
        'data.data_dir': arguments.data_dir,
    }
    runs = {name: [] for name in arguments.methods.split(',')}
    for seed, name in itertools.product(map(int, arguments.seeds.split(',')), runs):
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            images = sample({**common, **METHODS[name], 'seed': seed}, Path(folder))
        coverage = mode_coverage(read_triples(classifier, images), shares)
        said = {
            'seed': seed,
            'seconds': round(time.perf_counter() - begin, 1),
            'modes': coverage.seen,
            'kl': round(float(coverage.divergence.value), 4),
        }
        print(name, said, flush=True)
        runs[name].append(said)
        methods = json.loads(OUT.read_text()) if OUT.exists() else {}
        methods[name] = {
            'discriminator': arguments.widths,
            'steps': arguments.steps,
            'fields': METHODS[name],
            'runs': runs[name],
            'modes_of_real_images': len(np.unique(real)),
            **measure.origin('stacked_mnist'),
        }
        OUT.write_text(json.dumps(methods, indent=1) + '\n')


if __name__ == '__main__':
    main()

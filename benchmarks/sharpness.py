"""Measures how sharp reconstructions are: of `configs/vae_gan.py` and of a VAE with its networks.

    python -m benchmarks.sharpness [--data mnist] [--data_dir DIR] [--steps N] [--seeds 0,1,2]

Both have the same encoder, decoder, latents, optimiser, batches and steps; the VAE's likelihood is
normal, with a deviation of 0.2. Both reconstruct the same images of the split that they are scored
on, MNIST's unseen ones, from the middle of each posterior. Of an image in [0, 1]

    gradient   the mean length of the differences between neighbours, to the right and below
    laplacian  the mean square of what is left of a pixel without the mean of its four neighbours

and both are said as shares of what real images have: 1 is as sharp as they are. Writes
`results/sharpness.json` and, beside the README's pictures, `vae_gan-reconstructions.png`: real
images, the VAE's, and VAE-GAN's, row by row, of the first seed.
"""

import argparse
import tempfile

import numpy as np
from ml_collections import ConfigDict

from benchmarks import measure
from configs import vae, vae_gan
from gan_jax.analysis.study import open_study
from gan_jax.data import open_examples
from gan_jax.pictures import make_grid, save_png
from gan_jax.train import train

SHOWN, TESTED = 12, 2000  # images


def gradient(images: np.ndarray) -> float:
    """Returns the mean length of the differences between neighbours of images in [0, 1]."""
    right, below = (np.diff(images, axis=axis) for axis in (2, 1))
    return float(np.hypot(right[:, :-1], below[:, :, :-1]).mean())


def laplacian(images: np.ndarray) -> float:
    """Returns the mean square of a pixel less the mean of its four neighbours."""
    inner = images[:, 1:-1, 1:-1]
    sides = images[:, :-2, 1:-1], images[:, 2:, 1:-1], images[:, 1:-1, :-2], images[:, 1:-1, 2:]
    return float(np.square(inner - sum(sides) / 4).mean())


MEASURES = {'gradient': gradient, 'laplacian': laplacian}


def settings(data: str, data_dir: str, steps: int, seed: int) -> dict[str, ConfigDict]:
    """Returns the two configs."""
    joined, alone = vae_gan.get_config(data), vae.get_config(data)
    for config in (joined, alone):
        config.data.data_dir = data_dir
        config.steps = steps or joined.steps
        config.seed = seed
    alone.unlock()
    alone.networks = {name: joined.networks[name] for name in ('encoder', 'decoder')}
    alone.optimizers.autoencoder = joined.optimizers.encoder
    alone.likelihood = dict(name='gaussian', stddev=0.2)
    for name in ('data', 'prior', 'batch_size', 'ema_decay'):
        alone[name] = joined[name]
    return {'vae': alone, 'vae_gan': joined}


def reconstruct(config: ConfigDict, real: np.ndarray) -> np.ndarray:
    """Trains an autoencoder and returns what it makes of uint8 images [N, H, W, C]."""
    with tempfile.TemporaryDirectory() as folder:
        train(config, folder)
        study = open_study(folder)
        return study.run.draw({'z': study.encode(real)})['image']


def compare(images: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """Returns the sharpness of uint8 images as shares of the real ones', and the squared error."""
    images, real = (pixels / np.float32(255) for pixels in (images, real))
    shares = {name: of(images) / of(real) for name, of in MEASURES.items()}
    return {**shares, 'squared_error': float(np.square(images - real).mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', default='mnist')
    parser.add_argument('--data_dir', default='')
    parser.add_argument('--steps', type=int, default=0, help="the preset's by default")
    parser.add_argument('--seeds', default='0,1,2')
    arguments = parser.parse_args()
    shown, said = {}, {}
    for seed in map(int, arguments.seeds.split(',')):
        configs = settings(arguments.data, arguments.data_dir, arguments.steps, seed)
        scored = configs['vae_gan']
        split = ConfigDict({**scored.data, 'split': scored.eval.split})
        real = shown.setdefault('real', open_examples(split).read(0, TESTED)['image'])
        for name, config in configs.items():
            images = reconstruct(config, real)
            shown.setdefault(name, images)
            said.setdefault(name, {})[seed] = compare(images, real)
            print(name, seed, said[name][seed], flush=True)
    rows = np.concatenate([images[:SHOWN] for images in shown.values()])
    save_png(measure.SHOWN / 'vae_gan-reconstructions.png', make_grid(rows, SHOWN))
    results = dict(
        data=arguments.data, split=scored.eval.split, steps=scored.steps, images=len(real), of=said
    )
    measure.write(measure.RESULTS / 'sharpness.json', 'sharpness', results)


if __name__ == '__main__':
    main()

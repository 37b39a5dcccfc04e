"""BigGAN: Brock et al. 2019, Large Scale GAN Training, arXiv 1809.11096.

SAGAN's pair, wider, with large batches: a vector per class that all blocks share, a chunk of the
latent for each of them, orthogonal initialisation and regularisation, two updates of the
discriminator for one of the generator, and samples of a moving average whose batch statistics are
taken anew, from latents without their tails where `--truncation` says so.

`:imagenet128` and `:imagenet256` are the paper's: 2,048 images an update, which
`--config.accumulate` splits. `:imagenet64` has the layout that the authors' PyTorch code has for
it; the paper has none. `:cifar10` is as that code has it: four updates of 50 images, gains and
biases of each class in place of shared vectors and chunks, weights from N(0, 0.02), here but for
those gains and biases, no attention, no regularisation. A folder with a subfolder for each class:

    python main.py --config=configs/biggan.py:imagenet128 --config.data.name=folder \
        --config.data.data_dir=PHOTOS --config.data.classes=20 --config.accumulate=16

    python main.py --config=configs/biggan.py
    python main.py --config=configs/biggan.py:cifar10
    python main.py --config=configs/biggan.py --mode=sample --truncation=0.5

Measured: digits, 2 cores of AMD EPYC: 1,500 steps in under 327 s; confidence 0.97.
Measured: truncation at 1, 0.5 and 0.25 raises the digits' precision from 0.86 to 0.93, 0.96 and
0.99, while recall falls from 0.64 to 0.30, 0.10 and 0.00 (`benchmarks/results/truncation.json`).
Paper: Inception Score 98.8, FID 8.7 on ImageNet at 128x128; 9.22, 14.73 on CIFAR-10.
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import attending, biggan


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = biggan.system(attending.networks(base.ORTHOGONAL_INIT, generator=_SHARED))
    if data == 'cifar10':
        config.condition.generator = 'normalization'
        config.networks = attending.networks(base.NORMAL_INIT)
    return base.finish(config, PRESETS, data)


_SHARED = dict(name='biggan.Generator', embedding=128)


def _imagenet(height: int, latents: int, attention: int = 64) -> dict:
    networks = attending.layout(height, width=96, attention=(attention,))
    return dict(biggan.imagenet((5e-5, 2e-4), networks), prior=dict(size=latents))


def _digits(height: int, steps: int) -> dict:
    networks = attending.layout(height, width=8, attention=(height // 2,))
    return biggan.small(steps, latents=60, networks=networks)


PRESETS = {
    'digits': dict(_digits(16, 1500), data=dict(size=(16, 16))),
    'mnist': _digits(28, 6000),
    'fashion_mnist': _digits(28, 6000),
    'cifar10': biggan.cifar10(attending.layout(32, width=64, attention=())),
    'imagenet64': _imagenet(64, latents=120, attention=32),
    'imagenet128': _imagenet(128, latents=120),
    'imagenet256': _imagenet(256, latents=140),
}

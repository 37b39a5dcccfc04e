"""SAGAN: Zhang et al. 2019, Self-Attention Generative Adversarial Networks, arXiv 1805.08318.

Residual networks in which the pixels of one image size attend to each other, spectral normalisation
in both, and two learning rates for one update of either: 4e-4 for the discriminator and 1e-4 for
the generator. Classes are told by conditional batch normalisation and by projection.

ImageNet at 128x128 is as the authors' code trains it (b2 is the paper's): 1,000,000 steps of 256
images, width 64, attention at 32x32. CIFAR-10 and MNIST have BigGAN's layout for small images and
attention at 16x16 and 14x14; the paper has neither. The embedded digits, at 16x16, are learnt at
higher rates.

    python main.py --config=configs/sagan.py
    python main.py --config=configs/sagan.py:cifar10

Measured: digits, 2 cores of AMD EPYC: 1,500 steps in under 240 s; confidence 0.98.
Paper: Inception Score 52.52, FID 18.65 on ImageNet at 128x128.
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import attending


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(optimizer=dict(name='adam', b1=0.0, b2=0.9))
    config.optimizers.generator.learning_rate = 1e-4
    config.optimizers.discriminator.learning_rate = 4e-4
    config.batch_size = 256
    config.loss.name = 'hinge'
    config.condition = dict(generator='normalization', discriminator='projection')
    config.networks = attending.networks(base.GLOROT_INIT)
    return base.finish(config, PRESETS, data)


def _rates(generator: float, discriminator: float) -> dict:
    return dict(
        generator=dict(learning_rate=generator), discriminator=dict(learning_rate=discriminator)
    )


_MNIST = dict(
    steps=6000,
    batch_size=64,
    ema_decay=0.995,
    networks=attending.layout(28, width=16, attention=(14,)),
)

PRESETS = {
    'digits': dict(
        steps=1500,
        batch_size=64,
        ema_decay=0.995,
        data=dict(size=(16, 16)),
        networks=attending.layout(16, width=8, attention=(8,)),
        optimizers=_rates(5e-4, 2e-3),
    ),
    'mnist': _MNIST,
    'fashion_mnist': _MNIST,
    'cifar10': dict(
        steps=100_000, batch_size=64, networks=attending.layout(32, width=64, attention=(16,))
    ),
    'imagenet128': dict(steps=1_000_000, networks=attending.layout(128, width=64, attention=(32,))),
}

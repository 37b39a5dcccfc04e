"""SNGAN: Miyato et al. 2018, Spectral Normalization for GANs, arXiv 1802.05957.

The residual pair of table 4 with spectral normalisation in the discriminator and the hinge loss,
as the authors' code trains it on CIFAR-10: 50,000 generator updates of 128 images, five
discriminator updates of 64 each, the rate falling to zero.

On CIFAR-10 the authors also add noise U(0, 1/128) to the data, which is left out here. Their
singular vectors move whenever the discriminator is called, eleven times a step; here once in each
of its updates, which see real and generated images with the same ones, as in algorithm 1. The
embedded digits train a narrower pair at ten times the rate and batches of 64 in both players, and
draw from a moving average of the generator.

    python main.py --config=configs/sngan.py
    python main.py --config=configs/sngan.py:cifar10

Measured: digits, 2 cores of AMD EPYC: 2,200 steps in under 331 s; confidence 0.88.
Paper: FID 21.7 +- 0.21, Inception Score 8.22 +- 0.05 on CIFAR-10 (5,000 samples).
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import residual


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(
        optimizer=dict(name='adam', learning_rate=2e-4, b1=0.0, b2=0.9, schedule='linear')
    )
    config.batch_size = 64
    config.critic_updates = 5
    config.generator_batch = 2
    config.loss.name = 'hinge'
    config.networks = residual.networks(
        generator=dict(width=256),
        discriminator=dict(weights='spectral_norm', pooling='sum', last_bias=False),
    )
    return base.finish(config, residual.presets(steps=50_000), data)

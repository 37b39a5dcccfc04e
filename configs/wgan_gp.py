"""WGAN-GP: Gulrajani et al. 2017, Improved Training of Wasserstein GANs, arXiv 1704.00028.

The residual pair of the authors' unconditional CIFAR-10 model: five critic updates of 64 images
for each generator update of 128, a gradient penalty of weight 10, the rate falling to zero.

On CIFAR-10 the authors also add noise U(0, 1/128) to the data and draw with the statistics of the
batch; here there is no noise, and the running statistics draw. Their critic moves first. The
embedded digits train a narrower pair at ten times the rate and batches of 64 in both players, and
draw from a moving average of the generator.

    python main.py --config=configs/wgan_gp.py
    python main.py --config=configs/wgan_gp.py:cifar10

Measured: digits, 2 cores of AMD EPYC: 2,200 steps in 171 s; confidence 0.88.
Paper: Inception Score 7.86 +- 0.07 on CIFAR-10, unconditional (table 3).
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
    config.loss.name = 'wasserstein'
    config.penalties.gradient_penalty = 10.0
    config.networks = residual.networks()
    return base.finish(config, residual.presets(steps=100_000), data)

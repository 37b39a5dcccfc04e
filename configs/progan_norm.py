"""PROGAN_NORM: DCGAN's plain convolutional pair, the least squares loss, and a norm loss.

As `configs/snovengan.py` without residual blocks: l1 sum|w| + l2 sum w^2 over the weights of either
player, beside the loss of LSGAN (Mao et al. 2017). It has no paper: rates and weights are ours.
What the norm loss does to the gradients is measured by `benchmarks/norm_loss.py`.

    python main.py --config=configs/progan_norm.py
    python main.py --config=configs/progan_norm.py:mnist

Measured: digits, three seeds: sums of the weights' magnitudes 45 % (generator) and 38 % lower than
without the norm loss; norms of gradients, medians over the second half, 17 to 29 % higher for the
generator; for the discriminator from 14 % lower to 20 % higher, which is no effect.
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import dcgan


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(
        optimizer=dict(name='adam', learning_rate=2e-4, b1=0.5, l1=1e-4, l2=1e-3)
    )
    config.batch_size = 64
    config.prior = dict(name='gaussian', size=100)
    config.loss.name = 'least_squares'
    config.networks = dcgan.networks(kernel_size=5)
    return base.finish(config, dcgan.presets(), data)

"""WGAN-GP: Gulrajani et al. 2017, Improved Training of Wasserstein GANs, arXiv 1704.00028.

The residual pair, critic and generator updates, rate and decay of the authors' CIFAR-10 model,
unconditional. The embedded digits train a narrower pair at 8x8 with a faster rate.

    python main.py --config=configs/wgan_gp.py
    python main.py --config=configs/wgan_gp.py:cifar10
"""

from ml_collections import ConfigDict

from configs import base

SMALL = dict(
    steps=2500,
    networks=dict(
        generator=dict(width=32, blocks=1),
        discriminator=dict(width=32, downsamples=(False, False)),
    ),
    optimizers=dict(generator=dict(learning_rate=1e-3), discriminator=dict(learning_rate=1e-3)),
)
MNIST = dict(
    steps=20_000,
    networks=dict(
        generator=dict(width=64, blocks=2),
        discriminator=dict(width=64, downsamples=(True, False, False)),
    ),
)
PRESETS = {
    'digits': SMALL,
    'mnist': MNIST,
    'fashion_mnist': MNIST,
    'cifar10': dict(steps=100_000, generator_batch=2),
    'folder': dict(steps=100_000, networks=dict(generator=dict(blocks=4))),
}


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(data)
    config.batch_size = 64
    config.critic_updates = 5
    config.loss.name = 'wasserstein'
    config.penalties.gradient_penalty = 10.0
    config.networks.generator = dict(
        name='resnet.Generator',
        width=128,
        blocks=3,
        normalization='batch',
        kernel_init=base.RESIDUAL_INIT,
        outer_init=base.GLOROT_INIT,
    )
    config.networks.discriminator = dict(
        name='resnet.Discriminator',
        width=128,
        downsamples=(True, False, False),
        normalization='none',
        weights='plain',
        pooling='mean',
        last_bias=True,
        kernel_init=base.RESIDUAL_INIT,
        outer_init=base.GLOROT_INIT,
    )
    for player in ('generator', 'discriminator'):
        config.optimizers[player].update(learning_rate=2e-4, b1=0.0, b2=0.9, schedule='linear')
    return base.finish(config, PRESETS, data)

"""StyleGAN: Karras et al. 2019, A Style-Based Generator Architecture for GANs, arXiv 1812.04948.

A mapping network of eight layers at a hundredth of the rate, styles by adaptive instance
normalisation, noise, style mixing, the non-saturating loss and R1 with gamma = 10 at every step, as
in configuration F. The authors grow both networks from 8x8 pixels; here all levels train from the
start, at the last level's rate and batch. Truncation is of all layers' styles, in the paper's
figures of the first eight. `:folder` is 256x256 pixels of the authors' 1024x1024.
The paper has none of the small images: for CIFAR-10 R1 is as weak as in StyleGAN2-ADA's setting,
and MNIST and the embedded digits have smaller networks.

    python main.py --config=configs/stylegan.py
    python main.py --config=configs/stylegan.py:folder --config.data.data_dir=PICTURES
    python main.py --config=configs/stylegan.py --mode=sample --truncation=0.7 --out=typical.png

Measured: digits, 2 cores of AMD EPYC: 2,500 steps in under 513 s; confidence 0.75.
Paper: FID 4.40 on FFHQ, 1024x1024.
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import style_based


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(optimizer=dict(name='adam', learning_rate=1e-3, b1=0.0, b2=0.99))
    config.batch_size = 32
    config.generation = 'style_based'
    config.styles.mixing = 0.9
    config.prior.size = 512
    config.penalties.r1 = 10.0
    config.networks = dict(
        mapping=dict(name='stylegan.Mapping', width=512, layers=8),
        synthesis=dict(name='stylegan.Synthesis', channel_base=16384, channel_max=512),
        discriminator=dict(
            name='stylegan.Discriminator', channel_base=16384, channel_max=512, group_size=4
        ),
    )
    rate = dict(learning_rate=2e-3)
    cifar10 = dict(
        steps=390_625,
        batch_size=64,
        ema_decay=base.half_life(10_000, 64),
        penalties=dict(r1=0.01),
    )
    faces = dict(
        steps=781_250,
        ema_decay=base.half_life(10_000, 32),
        data=dict(size=(256, 256), flip=True),
        optimizers=dict(generator=rate, discriminator=rate),
    )
    presets = style_based.presets() | dict(cifar10=cifar10, folder=faces)
    return base.finish(config, presets, data)

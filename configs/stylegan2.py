"""StyleGAN2: Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, 1912.04958.

Configuration F: weight demodulation, the generator's skips, the residual discriminator, path length
regularisation every 4 steps and R1 every 16, of 25 million images. `:folder` is that at 256x256
pixels, `:cifar10` the authors' setting for it (StyleGAN2-ADA, arXiv 2006.06676) without
augmentation: two mapping layers, a discriminator without residuals, and neither style mixing nor
path lengths. The embedded digits and MNIST are smaller networks.

    python main.py --config=configs/stylegan2.py
    python main.py --config=configs/stylegan2.py:cifar10
    python main.py --config=configs/stylegan2.py:folder --config.data.data_dir=PICTURES
    python main.py --config=configs/stylegan2.py --mode=sample --truncation=0.7 --out=typical.png

Measured: digits, 2 cores of AMD EPYC: 2,500 steps in under 688 s; confidence 0.77.
Paper: FID 2.84 +- 0.03 on FFHQ, 1024x1024.
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import style_based


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    return base.finish(configuration_f(), presets(), data)


def configuration_f() -> ConfigDict:
    """Returns the published setting, whatever the size of images."""
    config = base.adversarial(optimizer={})
    config.steps = 781_250
    config.batch_size = 32
    config.ema_decay = base.half_life(10_000, 32)
    config.generation = 'style_based'
    config.styles.mixing = 0.9
    config.prior.size = 512
    config.penalties.r1 = 10.0
    config.terms.path_length = 2.0
    config.intervals = dict(penalties=16, path_length=4)
    config.optimizers = rates(2e-3)
    config.networks = dict(
        mapping=dict(name='stylegan2.Mapping', width=512, layers=8),
        synthesis=dict(name='stylegan2.Synthesis', channel_base=32768, channel_max=512),
        discriminator=dict(
            name='stylegan2.ResidualDiscriminator',  # 'SkipDiscriminator', 'PlainDiscriminator'
            channel_base=32768,
            channel_max=512,
            group_size=4,
        ),
    )
    return config


def rates(learning_rate: float) -> dict:
    """Returns both optimisers' fields, for path lengths every 4 steps and R1 every 16."""
    return dict(
        generator=style_based.lazily(4, learning_rate, b1=0.0, b2=0.99),
        discriminator=style_based.lazily(16, learning_rate, b1=0.0, b2=0.99),
    )


def presets() -> dict[str, dict]:
    """Returns the fields that each data set changes."""
    faces = dict(data=dict(size=(256, 256), flip=True))
    return style_based.presets() | dict(cifar10=cifar10(), folder=faces)


def cifar10() -> dict:
    """Returns what the authors set for CIFAR-10, of 100 million images."""
    return dict(
        steps=1_562_500,
        batch_size=64,
        ema_decay=base.half_life(500_000, 64),
        ema_rampup=0.05,
        styles=dict(mixing=0.0),
        penalties=dict(r1=0.01),
        terms=dict(path_length=0.0),
        optimizers=rates(2.5e-3),
        networks=dict(
            mapping=dict(layers=2),
            discriminator=dict(name='stylegan2.PlainDiscriminator', group_size=32),
        ),
    )

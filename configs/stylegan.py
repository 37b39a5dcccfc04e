"""StyleGAN: Karras et al. 2019, A Style-Based Generator Architecture for GANs, arXiv 1812.04948.

A mapping network of eight layers at a hundredth of the rate, styles by adaptive instance
normalisation, noise, style mixing, the non-saturating loss and R1 with gamma = 10 at every step, as
in configuration F. The authors grow both networks from 8x8 pixels; here all levels train from the
start, at the last level's rate and batch. `:folder` is 256x256 pixels of the authors' 1024x1024;
the embedded digits, MNIST and CIFAR-10, which the paper has not, are smaller networks and batches.

    python main.py --config=configs/stylegan.py
    python main.py --config=configs/stylegan.py:folder --config.data.data_dir=PICTURES
    python main.py --config=configs/stylegan.py --mode=sample --truncation=0.7 --out=typical.png

Measured: nothing yet.
Paper: FID 4.40 on FFHQ, 1024x1024.
"""

from ml_collections import ConfigDict

from configs import base


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
        synthesis=dict(name='stylegan.Synthesis', width=16384, most=512),
        discriminator=dict(name='stylegan.Discriminator', width=16384, most=512, group_size=4),
    )
    # The authors' average of the generator forgets half of itself in 10,000 images.
    average = base.half_life(10_000, 32)
    rate = dict(learning_rate=2e-3)
    presets = {
        'digits': base.small_styles(width=512, steps=2500),
        'mnist': base.small_styles(width=2048, steps=10_000) | dict(data=dict(size=(32, 32))),
        'cifar10': dict(steps=390_000, batch_size=64, ema_decay=base.half_life(10_000, 64)),
        'folder': dict(
            steps=781_250,
            ema_decay=average,
            data=dict(size=(256, 256), flip=True),
            optimizers=dict(generator=rate, discriminator=rate),
        ),
    }
    return base.finish(config, presets, data)

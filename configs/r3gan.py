"""R3GAN: Huang et al. 2024, The GAN is dead; long live the GAN!, arXiv 2501.05441.

Every real image against a generated one, R1 and R2 at every step, and grouped residual networks
without normalisation (configuration E). Over a burn-in the rate, the penalties and 1 - b2 fall
along a cosine, while the moving average's half-life and the chance of an augmentation rise from 0.
The generator's loss is the authors' code's, softplus(D(x) - D(G(z))), not the paper's zero-sum one.
CIFAR-10 and ImageNet are conditional, by an embedding beside z and a projection; `folder` and
`folder_256` are the settings of FFHQ at 64 and 256 pixels.

The authors compute the stage of 4x4 pixels in float32 and the others in bfloat16; here all are
float32, or bfloat16 by `--config.dtype`. The embedded digits train narrow networks at higher rates.

    python main.py --config=configs/r3gan.py
    python main.py --config=configs/r3gan.py:cifar10

Measured: digits, 2 cores of AMD EPYC: 2,000 steps in under 329 s; confidence 0.94.
Paper: FID 1.96 on CIFAR-10, 1.95 and 2.75 on FFHQ at 64 and 256 pixels, 1.27 and 2.09 on ImageNet
at 32 and 64; on stacked MNIST 1,000 modes, KL 0.029.
"""

from ml_collections import ConfigDict

from configs import base


def preset(
    *widths: int,  # of the generator's stages, smallest image first
    group: int = 8,  # channels of a stage for each group of its 3x3 convolutions
    images: float,  # of the run
    burn_in: float,  # images
    batch_size: int,
    penalty: float,  # gamma of R1 and of R2 at first; a tenth of it in the end
    half_life: float,  # images, of the moving average in the end
    conditional: bool = False,
    learning_rate: float = 2e-4,
    last_rate: float = 1 / 4,  # in the end, as a share of the first
    **fields,
) -> dict:
    """Returns the fields of a published setting, which are in images and here in steps."""
    kind = 'Conditional' if conditional else ''
    groups = tuple(width // group for width in widths)
    optimizer = dict(learning_rate=learning_rate)
    return dict(
        steps=round(images / batch_size),
        batch_size=batch_size,
        burn_in=dict(steps=round(burn_in / batch_size), learning_rate=last_rate),
        ema_decay=base.half_life(half_life, batch_size),
        penalties=dict(r1=penalty, r2=penalty),
        optimizers=dict(generator=optimizer, discriminator=optimizer),
        networks=dict(
            generator=dict(name=f'r3gan.{kind}Generator', widths=widths, groups=groups),
            discriminator=dict(
                name=f'r3gan.{kind}Discriminator', widths=widths[::-1], groups=groups[::-1]
            ),
        ),
        **fields,
    )


def augmented(probability: float) -> dict:
    """Returns the fields of mirrored data and augmentations of this probability in the end."""
    return dict(
        data=dict(flip=True),
        augmentation=dict(name='scheduled_ada', ada=dict(probability=probability)),
    )


FFHQ = dict(burn_in=20e6, batch_size=256, half_life=5e5, **augmented(0.3))
IMAGENET = dict(
    group=16,
    images=1e9,
    burn_in=2e8,
    batch_size=4096,
    half_life=5e7,
    conditional=True,
)
SMALL = dict(
    images=2000 * 32,
    burn_in=1000 * 32,
    batch_size=32,
    half_life=4000,
    conditional=True,
    learning_rate=1e-3,
)
PRESETS = {
    'digits': preset(32, 32, penalty=1, **SMALL),
    'stacked_mnist': preset(
        *(768, 768, 768, 768),
        images=10e6,
        burn_in=2e6,
        batch_size=512,
        penalty=1,
        half_life=5e5,
        last_rate=1.0,
    ),
    'cifar10': preset(
        *(768, 768, 768, 768),
        images=250e6,
        burn_in=20e6,
        batch_size=512,
        penalty=0.05,
        half_life=5e6,
        conditional=True,
        **augmented(0.55),
    ),
    'imagenet32': preset(1536, 1536, 1536, 1536, penalty=0.5, **IMAGENET, **augmented(0.5)),
    'imagenet64': preset(1536, 1536, 1536, 1536, 1536, penalty=1, **IMAGENET, **augmented(0.4)),
    'folder': preset(768, 768, 768, 768, 384, images=100e6, penalty=2, **FFHQ),
    'folder_256': preset(768, 768, 768, 768, 384, 192, 96, images=200e6, penalty=150, **FFHQ),
}


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(optimizer=dict(name='adam', b1=0.0, b2=0.9))
    config.prior = dict(name='gaussian', size=64)
    config.loss.name = 'relativistic'
    config.burn_in.update(b2=0.1, penalties=0.1)
    colours = ('brightness', 'contrast', 'luma_flip', 'hue', 'saturation')
    config.augmentation.ada.multipliers.update(dict.fromkeys(colours, 0.5), cutout=1.0)
    config.networks = dict(
        generator=dict(name='', widths=(), groups=(), blocks=2, expansion=2),
        discriminator=dict(name='', widths=(), groups=(), blocks=2, expansion=2),
    )
    return base.finish(config, PRESETS, data)

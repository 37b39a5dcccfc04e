"""CycleGAN: Zhu et al. 2017, Unpaired Image-to-Image Translation, arXiv 1703.10593.

Two residual translators of nine blocks and two 70x70 PatchGANs with least-squares losses, cycle
weight 10 and identity weight 5; discriminators see a pool of 50 earlier translations. One image a
step; the rate is constant for the first half of the run, then falls to zero: update by update here,
epoch by epoch in the authors' code. A run is 200 epochs of the larger set.

The embedded run translates between the digits as they are and other ones of them, slanted and
inverted, at 16x16 pixels by narrower networks without the identity loss: the paper has it for
domains of the same colours, and with it digits are inverted but become other digits. Samples are of
a fifth of the scans, which training does not see. Each picture of a grid has two rows: an image of
the second domain, its translation into the first and that one's back; then the same from the first.

    python main.py --config=configs/cyclegan.py
    python main.py --config=configs/cyclegan.py:horse2zebra
    python main.py --config=configs/cyclegan.py:horse2zebra --config.data.name=cycle_gan/maps
    python main.py --config=configs/cyclegan.py:folders --config.data.data_dir=A \\
        --config.data.other.data_dir=B
    python main.py --config=configs/cyclegan.py:cifar10   # horses and deer

Measured: digits, of 359 scans that training has not seen 96.1 % keep their class into the digits
and 96.7 % out of them, where 97.5 % of the scans themselves are seen right; a cycle's error falls
from 0.73 to 0.07 (`benchmarks/results/translation.json`).
Paper: per-pixel accuracy 0.58 of photographs to labels, Cityscapes.
"""

from ml_collections import ConfigDict

from configs import base

# An instance's normalisation without gains, whose convolutions have biases that it undoes.
_LAYERS = dict(normalization='plain_instance', normalized_bias=True, kernel_init=base.NORMAL_INIT)


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for two domains."""
    config = base.run_fields('cyclegan')
    config.batch_size = 1
    config.pool = 50  # earlier translations into each domain
    config.loss = dict(name='least_squares', label_smoothing=0.0)
    config.augmentation = base.augmentation_fields()
    config.terms = dict(
        adversarial=2.0,  # the translators' least squares have no half, unlike LSGAN's
        cycle=10.0,
        identity=5.0,
    )
    config.networks = dict(
        translator=dict(
            name='resnet_translator.Translator',
            width=64,
            halvings=2,
            blocks=9,
            upsampling='transposed',
            **_LAYERS,
        ),
        discriminator=dict(
            name='patchgan.Discriminator',
            widths=(64, 128, 256, 512),
            weights='plain',
            **_LAYERS,
        ),
    )
    rate = dict(learning_rate=2e-4, b1=0.5, schedule='constant_then_linear')
    config.optimizers = {
        player: base.optimizer_fields(**rate) for player in ('translators', 'discriminators')
    }
    return base.finish(config, PRESETS, data)


_PHOTOGRAPHS = dict(size=(256, 256), crop_from=(286, 286), flip=True)
_RATE = dict(learning_rate=5e-4)

PRESETS = {
    'digits': dict(
        steps=600,
        batch_size=8,
        data=dict(
            size=(16, 16),
            split='train[:40%]',
            held_out='train[80%:]',
            other=dict(relation='unpaired', split='train[40%:80%]', change='slanted_inverse'),
        ),
        networks=dict(
            translator=dict(width=16, halvings=1, blocks=2),
            discriminator=dict(widths=(32, 64, 128)),
        ),
        # It would keep white what is white, which is to be inverted.
        terms=dict(identity=0.0),
        optimizers=dict(translators=_RATE, discriminators=_RATE),
        log=dict(grid=(8, 4)),
    ),
    'cifar10': dict(
        steps=200 * 5000,
        data=dict(
            only='horse', flip=True, held_out='test', other=dict(relation='unpaired', only='deer')
        ),
        networks=dict(translator=dict(blocks=6), discriminator=dict(widths=(64, 128, 256))),
        log=dict(grid=(8, 4)),
    ),
    'horse2zebra': dict(
        steps=200 * 1334,
        data=dict(
            split='trainA',
            held_out='testA',
            other=dict(relation='unpaired', split='trainB', held_out='testB'),
            **_PHOTOGRAPHS,
        ),
        log=dict(grid=(4, 2)),
        eval=dict(split='trainA'),
    ),
    'folders': dict(
        steps=200 * 1334,
        data=dict(other=dict(relation='unpaired'), **_PHOTOGRAPHS),
        log=dict(grid=(4, 2)),
    ),
}

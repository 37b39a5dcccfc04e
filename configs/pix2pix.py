"""pix2pix: Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial Networks.

arXiv 1611.07004. A U-Net of eight halvings, whose dropout is its only noise, and a 70x70 PatchGAN
that sees the input beside the image, with L1 weight 100; 200 epochs at a constant rate, one image a
step. Either player's update draws a dropout of its own, where theirs share one. With one image, the
authors' batch normalisation is that of an instance, which is what it is called here: an image's
translation depends on no other.

The embedded run draws digits at 32x32 pixels from their outlines (morphological gradients), by
narrower networks; samples are of a fifth of the scans that training does not see. Each picture of
a grid is an outline, its translation and the digit itself.

    python main.py --config=configs/pix2pix.py
    python main.py --config=configs/pix2pix.py:folder --config.data.data_dir=facades/train
    python main.py --config=configs/pix2pix.py:folders --config.data.data_dir=IMAGES \\
        --config.data.other.data_dir=INPUTS

`folder` is of files that hold two images side by side, as the authors' data sets: on the left the
image, on the right the input (`--config.data.side=right --config.data.other.side=left` turns them
round). `folders` has a file of the same name in each. The authors stretch an image to 286x286
pixels; here its aspect is kept.

Measured: digits, of 359 scans that training has not seen, the mean of three seeds: translations are
7.1 of 255 from the true ones and 94.0 % are of their class; by L1 alone 7.0 and 93.7 %, which is no
difference: what an outline leaves open is little. Untrained 94.4 and 9.2 %
(`benchmarks/results/translation.json`).
Paper: per-pixel accuracy 0.66 of labels to photographs, Cityscapes; 0.42 by L1 alone.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for pairs of images."""
    config = base.run_fields('pix2pix')
    config.batch_size = 1
    config.loss = dict(name='non_saturating', label_smoothing=0.0)
    config.augmentation = base.augmentation_fields()
    config.terms = dict(adversarial=1.0, l1=100.0)
    layers = dict(normalization='instance', normalized_bias=False, kernel_init=base.NORMAL_INIT)
    config.networks = dict(
        translator=dict(
            name='unet.Translator',
            widths=(64, 128, 256, 512, 512, 512, 512, 512),
            dropouts=3,
            **layers,
        ),
        discriminator=dict(
            name='patchgan.Discriminator',
            widths=(64, 128, 256, 512),
            weights='plain',
            **layers,
        ),
    )
    config.optimizers = {
        player: base.optimizer_fields(learning_rate=2e-4, b1=0.5)
        for player in ('translator', 'discriminator')
    }
    return base.finish(config, PRESETS, data)


_PHOTOGRAPHS = dict(size=(256, 256), crop_from=(286, 286), flip=True)

PRESETS = {
    'digits': dict(
        steps=1000,
        batch_size=16,
        data=dict(
            size=(32, 32),
            split='train[:80%]',
            held_out='train[80%:]',
            other=dict(relation='paired', change='outline'),
        ),
        networks=dict(
            translator=dict(widths=(16, 32, 64, 128, 128)),
            discriminator=dict(widths=(16, 32, 64)),
        ),
        log=dict(grid=(8, 4)),
    ),
    'folder': dict(
        steps=200 * 400,  # facades
        data=dict(side='left', other=dict(relation='paired', side='right'), **_PHOTOGRAPHS),
        log=dict(grid=(4, 2)),
    ),
    'folders': dict(
        steps=200 * 400,
        data=dict(other=dict(relation='paired'), **_PHOTOGRAPHS),
        log=dict(grid=(4, 2)),
    ),
}

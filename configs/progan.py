"""Progressive growing: Karras et al. 2018, Progressive Growing of GANs, arXiv 1710.10196.

Both networks begin at 4x4 pixels and double them level by level. Each level fades in over 600,000
real images and trains for as many more, with WGAN-GP, a drift term, one critic update and fresh
optimisers at the start of each stage. Widths, batches and lengths (12 million images in all) are
those of the authors' code for one GPU; the rate, and on CIFAR-10 the gradient's target of 750, are
the paper's.

The generator moves first, as everywhere here. Below the last level images keep their full size with
pixels repeated, as in the authors' TensorFlow code, so that a gradient's norm means the same at
every level. MNIST is resized to 32x32, not padded, and like the embedded digits, at 16x16, trains a
narrower pair for fewer images at a shorter average.

    python main.py --config=configs/progan.py
    python main.py --config=configs/progan.py:cifar10

Measured: digits, 2 cores of AMD EPYC: 2,812 steps in under 622 s; confidence 0.70.
Measured: MNIST, a grid changes by 1.7 to 7.8 of 255 in the 25 steps over the start of a stage, and
within one by up to 13.0 (`benchmarks/results/growth.json`).
Paper: Inception Score 8.80 +- 0.05 on CIFAR-10, unconditional (appendix D).
"""

from ml_collections import ConfigDict

from configs import base

# Real images of an update by level, from 4x4 to 1024x1024 pixels.
BATCH_SIZES = (128, 128, 128, 64, 32, 16, 8, 4, 4)


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(optimizer=dict(learning_rate=1e-3, b1=0.0, b2=0.99))
    config.game = 'progressive'
    config.ema_decay = 0.999
    config.prior.size = 512
    config.growth = dict(
        level=0,  # doublings of 4x4 pixels in use
        share=1.0,  # of the image, that is the level's own as a stage begins; at its end all is
    )
    config.stages = dict(start=(), batch_size=(), growth=dict(level=(), share=()))
    # Level l, of 4 * 2^l pixels, has width / 2^(l + 1) channels, and at most max_width.
    widths = dict(width=8192, max_width=512)
    config.networks = dict(
        generator=dict(name='progan.Generator', **widths),
        discriminator=dict(name='progan.Discriminator', group_size=4, **widths),
    )
    config.loss.name = 'wasserstein'
    config.penalties.gradient_penalty = 10.0
    config.terms.drift = 1e-3
    mirrored = dict(data=dict(flip=True))
    presets = {
        'digits': narrow(grown(2, images=12_800, total=90_000, batch_sizes=(32,) * 3), 64),
        'mnist': narrow(grown(3, images=16_000, total=128_000, batch_sizes=(16,) * 4), 64),
        'cifar10': dict(gradient_target=750.0, **grown(3)),
        'celeb_a': grown(4) | mirrored,
        'celeb_a_128': grown(5) | mirrored,
        'folder': grown(4),
        'folder_256': grown(6),
        'folder_1024': grown(8),
    }
    return base.finish(config, presets, data)


def grown(
    last: int,
    images: int = 600_000,
    total: int = 12_000_000,
    batch_sizes: tuple[int, ...] = BATCH_SIZES,
) -> dict:
    """Returns the fields of a run that grows to a level.

    Args:
      images: real ones of each stage but the last.
      total: real images of all stages.
      batch_sizes: by level.
    """
    # Each level but the first fades in, then trains.
    levels = (0, *(level for level in range(1, last + 1) for _ in ('fade in', 'train')))
    batches = tuple(batch_sizes[level] for level in levels)
    starts = [0]
    for batch in batches[:-1]:
        # In tens of steps: a device takes so many in a call, which ends where a stage does.
        starts.append(starts[-1] + 10 * round(images / batch / 10))
    return dict(
        steps=starts[-1] + (total - images * (len(starts) - 1)) // batches[-1],
        batch_size=batches[-1],
        growth=dict(level=last),
        stages=dict(
            start=tuple(starts),
            batch_size=batches,
            growth=dict(level=levels, share=(1.0, *(0.0, 1.0) * last)),
        ),
    )


def narrow(preset: dict, width: int) -> dict:
    """Returns the fields of a preset for minutes on a CPU: `width` channels at 8x8 pixels."""
    widths = dict(width=4 * width, max_width=width)
    return preset | dict(
        data=dict(size=(4 * 2 ** preset['growth']['level'],) * 2),
        prior=dict(size=width),
        networks=dict(generator=widths, discriminator=widths),
        ema_decay=0.99,
    )

"""WGAN-GP's pair of residual networks, and how long systems train it."""

from configs import base


def networks(generator: dict | None = None, discriminator: dict | None = None) -> dict:
    """Returns the residual pair of WGAN-GP at CIFAR-10's size, with a system's own fields."""
    return dict(
        generator=dict(
            name='resnet.Generator',
            width=128,
            blocks=3,
            normalization='batch',
            kernel_init=base.RESIDUAL_INIT,
            outer_init=base.GLOROT_INIT,
        )
        | (generator or {}),
        discriminator=dict(
            name='resnet.Discriminator',
            width=128,
            downsamples=(True, False, False),
            normalization='none',
            weights='plain',
            answer='logit',
            pooling='mean',
            last_bias=True,
            kernel_init=base.RESIDUAL_INIT,
            outer_init=base.GLOROT_INIT,
        )
        | (discriminator or {}),
    )


def presets(steps: int) -> dict[str, dict]:
    """Returns, per data set, the size and the length of a run of the residual pair.

    Args:
      steps: the length of the published run.
    """
    rate = dict(learning_rate=2e-3)
    digits = dict(
        steps=2200,
        generator_batch=1,
        ema_decay=0.995,
        networks=dict(
            generator=dict(width=32, blocks=2),
            discriminator=dict(width=32, downsamples=(False, False)),
        ),
        optimizers=dict(generator=rate, discriminator=rate),
    )
    mnist = dict(
        steps=steps,
        networks=dict(generator=dict(width=64, blocks=2), discriminator=dict(width=64)),
    )
    large = dict(  # 64x64: the last two blocks see 8x8 pixels, as at 32x32
        steps=steps,
        networks=dict(
            generator=dict(blocks=4), discriminator=dict(downsamples=(True, True, False, False))
        ),
    )
    return {
        'digits': digits,
        'mnist': mnist,
        'fashion_mnist': mnist,
        'cifar10': dict(steps=steps),
        'celeb_a': large,
        'folder': large,
    }

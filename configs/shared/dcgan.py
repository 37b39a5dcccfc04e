"""DCGAN's pair of networks, and how long systems train it."""

from configs import base


def networks(kernel_size: int) -> dict:
    """Returns DCGAN's pair; its widths are the presets'."""
    return dict(
        generator=dict(
            name='dcgan.Generator',
            widths=(),
            kernel_size=kernel_size,
            upsampling='transposed',  # 'nearest', 'pixel_shuffle'
            # 'none', 'layer', 'instance', 'pixel'; 'group_8' and other powers of 2 up to 32
            normalization='batch',
            kernel_init=base.NORMAL_INIT,
        ),
        discriminator=dict(
            name='dcgan.Discriminator',
            widths=(),
            kernel_size=kernel_size,
            normalization='batch',
            weights='plain',  # 'spectral_norm', 'weight_norm'
            answer='logit',  # or 'minibatch_stddev', 'minibatch_discrimination'
            kernel_init=base.NORMAL_INIT,
        ),
    )


def presets(width: int = 128) -> dict[str, dict]:
    """Returns, per data set, the widths and the length of a run of DCGAN's pair.

    Args:
      width: channels of the published networks' largest images; they double as the images halve.
    """

    def preset(steps, widths, **fields):
        down, up = dict(widths=widths), dict(widths=widths[::-1])
        return dict(steps=steps, networks=dict(generator=up, discriminator=down), **fields)

    # Minutes on a CPU: small batches, of which a moving average makes up.
    short = dict(batch_size=64, ema_decay=0.995)
    return {
        'digits': preset(4000, (32, 64), data=dict(size=(16, 16)), **short),
        'mnist': preset(4500, (64, 128), **short),
        'fashion_mnist': preset(4500, (64, 128), **short),
        'cifar10': preset(100_000, (width, 2 * width, 4 * width)),
        'celeb_a': preset(100_000, (width, 2 * width, 4 * width, 8 * width)),
        'folder': preset(100_000, (width, 2 * width, 4 * width, 8 * width)),
    }

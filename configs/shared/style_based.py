"""What style-based systems share: lazy regularisation, and small networks for small images."""

from configs import base


def lazily(interval: int, learning_rate: float, b1: float, b2: float) -> dict:
    """Returns the fields of Adam where what is added to a loss has turns of its own.

    Karras et al. 2020, appendix B: one turn in `interval` steps more, for which c = k / (k + 1),
    a rate of c lambda and decays of beta^c keep a step's pace.
    """
    share = interval / (interval + 1)
    return base.optimizer_fields(
        name='adam', learning_rate=share * learning_rate, b1=b1**share, b2=b2**share
    )


def presets() -> dict[str, dict]:
    """Returns presets of networks that train in minutes and hours, by R1 of StyleGAN's weight."""

    def preset(size: int, channel_base: int, steps: int) -> dict:
        few = dict(channel_base=channel_base, channel_max=channel_base // 8)
        return dict(
            steps=steps,
            batch_size=32,
            ema_decay=base.half_life(10_000, 32),
            prior=dict(size=64),
            data=dict(size=(size, size)),
            networks=dict(mapping=dict(width=64), synthesis=few, discriminator=few),
        )

    return {'digits': preset(16, 512, 2500), 'mnist': preset(32, 2048, 10_000)}

"""Style-based networks of small images, for minutes and hours of training."""

from configs import base


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

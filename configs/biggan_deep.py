"""BigGAN-deep: Brock et al. 2019, Large Scale GAN Training, arXiv 1809.11096, appendix B.

BigGAN with bottlenecks, two blocks at every size and shortcuts without weights: four times as deep
with fewer parameters. All of the latent goes to every block, beside the class's vector.

`:imagenet128` and `:imagenet256` are the paper's: 2,048 images an update, which
`--config.accumulate` splits. The authors did not train it on smaller images; `:imagenet64` and
`:cifar10` have the layouts that their PyTorch code has for them, the latter BigGAN's rates there.

    python main.py --config=configs/biggan_deep.py
    python main.py --config=configs/biggan_deep.py:cifar10

Measured: digits, 2 cores of AMD EPYC: 1,500 steps in under 1349 s; confidence 0.96.
Paper: Inception Score 166.5, FID 7.4 on ImageNet at 128x128, from truncated latents.
"""

from ml_collections import ConfigDict

from configs import base
from configs.shared import attending


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(optimizer=dict(name='adam', b1=0.0, b2=0.999))
    config.loss.name = 'hinge'
    config.condition.discriminator = 'projection'
    config.networks = attending.networks(
        base.ORTHOGONAL_INIT, 'biggan_deep', generator=dict(embedding=128)
    )
    config.eval.standing = 16
    return base.finish(config, PRESETS, data)


def _layout(height: int, width: int, attention: tuple[int, ...]) -> dict:
    """BigGAN's: its first block is here a convolution, which leaves the image's size."""
    layout = attending.layout(height, width, attention)
    layout['discriminator']['downsamples'] = (True, *layout['discriminator']['downsamples'][:-1])
    return layout


def _imagenet(height: int, rates: tuple[float, float], attention: int = 64) -> dict:
    generator, discriminator = rates
    return dict(
        steps=150_000,
        batch_size=2048,
        critic_updates=2,
        ema_decay=0.9999,
        ema_start=20_000,
        networks=_layout(height, width=128, attention=(attention,)),
        optimizers=dict(
            generator=dict(learning_rate=generator, eps=1e-6, orthogonal=1e-4),
            discriminator=dict(learning_rate=discriminator, eps=1e-6),
        ),
    )


def _digits(height: int, steps: int) -> dict:
    return dict(
        steps=steps,
        batch_size=64,
        ema_decay=0.995,
        prior=dict(size=32),
        networks=_layout(height, width=32, attention=(height // 2,)),
        optimizers=dict(
            generator=dict(learning_rate=5e-4, orthogonal=1e-4),
            discriminator=dict(learning_rate=2e-3),
        ),
    )


PRESETS = {
    'digits': dict(**_digits(16, 1500), data=dict(size=(16, 16))),
    'mnist': _digits(28, 6000),
    'fashion_mnist': _digits(28, 6000),
    'cifar10': dict(
        steps=125_000,
        batch_size=50,
        critic_updates=4,
        ema_decay=0.9999,
        ema_start=1000,
        networks=_layout(32, width=128, attention=()),
    ),
    'imagenet64': _imagenet(64, rates=(5e-5, 2e-4), attention=32),
    'imagenet128': _imagenet(128, rates=(5e-5, 2e-4)),
    'imagenet256': _imagenet(256, rates=(2.5e-5, 2.5e-5)),
}

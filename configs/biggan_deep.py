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
from configs.shared import attending, biggan


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    networks = attending.networks(
        base.ORTHOGONAL_INIT, 'biggan_deep', generator=dict(embedding=128)
    )
    return base.finish(biggan.system(networks), PRESETS, data)


def _layout(height: int, width: int, attention: tuple[int, ...]) -> dict:
    """BigGAN's: its first block is here a convolution, which leaves the image's size."""
    layout = attending.layout(height, width, attention)
    layout['discriminator']['downsamples'] = (True, *layout['discriminator']['downsamples'][:-1])
    return layout


def _imagenet(height: int, rates: tuple[float, float], attention: int = 64) -> dict:
    return biggan.imagenet(rates, _layout(height, width=128, attention=(attention,)))


def _digits(height: int, steps: int) -> dict:
    networks = _layout(height, width=32, attention=(height // 2,))
    return biggan.small(steps, latents=32, networks=networks)


PRESETS = {
    'digits': dict(_digits(16, 1500), data=dict(size=(16, 16))),
    'mnist': _digits(28, 6000),
    'fashion_mnist': _digits(28, 6000),
    'cifar10': biggan.cifar10(_layout(32, width=128, attention=())),
    'imagenet64': _imagenet(64, rates=(5e-5, 2e-4), attention=32),
    'imagenet128': _imagenet(128, rates=(5e-5, 2e-4)),
    'imagenet256': _imagenet(256, rates=(2.5e-5, 2.5e-5)),
}

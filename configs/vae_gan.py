"""VAE-GAN: Larsen et al. 2016, Autoencoding beyond pixels using a learned similarity metric,
arXiv 1512.09300.

An encoder, a decoder that is also a generator, and a discriminator in whose last convolution
reconstructions are compared. Networks, weight decay and gamma are those of the authors' code for
64x64 faces (`:celeb_a`, `:folder`) and for CIFAR-10, the rate is the paper's: RMSProp at 3e-4,
batches of 64.

Otherwise than in the code: samples and reconstructions both face the discriminator, as in the
paper; it compares CIFAR-10's in the last convolution too, not in the one before; either player
moves in every step, where the code lets one rest that is too far ahead; and all parameters decay,
in the code kernels alone. MNIST and the digits take fewer and narrower layers, the non-saturating
loss, and a gamma by which their smaller Dis_l weighs as much.

    python main.py --config=configs/vae_gan.py
    python main.py --config=configs/vae_gan.py:mnist
    python -m benchmarks.sharpness

Measured: digits, 2 cores of AMD EPYC: 3,000 steps in under 298 s; confidence 0.84.
Measured: MNIST's test images, 4,500 steps, two seeds: reconstructions' edges are 0.99 times as
steep as the images' both times, and their Laplacian energy is 1.13 and 1.14 of the images'; of a
VAE with these networks 0.90, and 0.60.
Paper: no FID.
"""

from ml_collections import ConfigDict

from configs import base


def networks(encoder: tuple, decoder: tuple, discriminator: tuple, features: tuple) -> dict:
    """Returns the fields of the three networks.

    Args:
      encoder: channels of its convolutions, each of which halves the image.
      decoder: channels of the small image and of those that double its size.
      discriminator: channels of its convolutions, of which all but the first halve the image.
      features: units of the dense layer of the encoder and of the discriminator.
    """
    base_width, *ups = decoder
    first_width, *downs = discriminator
    return dict(
        encoder=dict(widths=encoder, features=features[0]),
        decoder=dict(base_width=base_width, widths=tuple(ups)),
        discriminator=dict(first_width=first_width, widths=tuple(downs), features=features[1]),
    )


def faces() -> dict:
    """Returns the fields of the published setting."""
    return dict(
        steps=62_500,
        networks=networks((64, 128, 256), (256, 256, 128, 32), (32, 128, 256, 256), (1024, 512)),
    )


def small(width: int, **fields) -> dict:
    """Returns the fields of what is trained in minutes on a CPU.

    Args:
      width: channels of the decoder's largest image.
    """
    return dict(
        prior=dict(size=32),
        loss=dict(name='non_saturating'),
        gamma=2e-3,
        ema_decay=0.995,
        networks=networks(
            (width, 2 * width),
            (2 * width, 2 * width, width),
            (width // 2, width, 2 * width),
            (8 * width, 4 * width),
        ),
        **fields,
    )


PRESETS = {
    'digits': small(32, steps=3000),
    'mnist': small(16, steps=4500, eval=dict(split='test')),
    'fashion_mnist': small(16, steps=4500, eval=dict(split='test')),
    'cifar10': dict(
        steps=50_000,
        prior=dict(size=256),
        gamma=1e-5,
        networks=networks((64, 128, 256), (256, 192, 128, 32), (32, 128, 192, 256), (1024, 512)),
        eval=dict(split='test'),
    ),
    'celeb_a': faces(),
    'folder': faces(),
}


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.run_fields('vae_gan')
    config.prior = dict(size=128)  # N(0, 1), of so many numbers
    config.loss = dict(name='minimax', label_smoothing=0.0)
    config.augmentation = base.augmentation_fields()
    config.gamma = 1e-6  # of the likeness in the decoder's loss
    section = dict(
        kernel_size=5, normalization='batch', kernel_init=base.initializer('lecun_normal')
    )
    names = dict(
        encoder='vae.ConvolutionalEncoder',
        decoder='vae_gan.Decoder',
        discriminator='vae_gan.Discriminator',
    )
    config.networks = {network: dict(name=name) | section for network, name in names.items()}
    # The code adds 1e-5 w to the gradient of a weight w: an l2 of half of that.
    optimizer = base.optimizer_fields(name='rmsprop', learning_rate=3e-4, decay=0.9, l2=5e-6)
    config.optimizers = dict.fromkeys(names, optimizer)
    return base.finish(config, PRESETS, data)

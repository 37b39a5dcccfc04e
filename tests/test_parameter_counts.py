"""Networks at their published settings are as large as the papers or their code have them."""

import jax
import pytest
from tiny import load

from gan_jax import mesh as meshes
from gan_jax.build import make_initial_state, state_like
from gan_jax.games import build_game

# Trainable parameters at the published setting, with where the count is from.
PUBLISHED = {
    # What the networks of the authors' code add up to, with their presets' settings.
    'r3gan:cifar10': dict(generator=20_781_952, discriminator=21_280_512),
    'r3gan:stacked_mnist': dict(generator=20_732_160, discriminator=20_683_776),
    'r3gan:folder': dict(generator=22_429_824, discriminator=22_381_440),
    'r3gan:folder_256': dict(generator=23_057_952, discriminator=23_009_568),
    'r3gan:imagenet32': dict(generator=82_914_304, discriminator=86_548_992),
    'r3gan:imagenet64': dict(generator=103_570_432, discriminator=107_205_120),
    # The sums of Miyato et al. 2018, table 4, layer by layer; PyTorch-Mimicry prints the same.
    'sngan:cifar10': dict(generator=4_276_739, discriminator=1_053_824),
    # Gulrajani et al. 2017, table 3: a dense layer, three blocks (two 3x3 convolutions, a 1x1, two
    # normalisations), 3x3 to RGB; a first block, one that halves, two that do not, a dense layer.
    'wgan_gp:cifar10': dict(
        generator=129 * 2048 + 3 * (2 * 147_584 + 16_512 + 512) + 256 + 3_459,
        discriminator=(3_584 + 147_584 + 512) + (2 * 147_584 + 16_512) + 4 * 147_584 + 129,
    ),
    # BigGAN-PyTorch's networks, instantiated; for SAGAN with its options for it.
    'sagan:imagenet128': dict(generator=42_078_852, discriminator=39_463_618),
    'biggan:cifar10': dict(generator=4_304_387, discriminator=4_207_361),
    'biggan:imagenet64': dict(generator=70_377_348, discriminator=45_511_970),
    'biggan:imagenet128': dict(generator=70_433_988, discriminator=87_982_370),
    'biggan:imagenet256': dict(generator=82_235_844, discriminator=99_225_890),
    'biggan_deep:cifar10': dict(generator=7_435_267, discriminator=2_581_249),
    'biggan_deep:imagenet64': dict(generator=49_829_636, discriminator=20_951_554),
    'biggan_deep:imagenet128': dict(generator=50_244_484, discriminator=34_590_210),
    'biggan_deep:imagenet256': dict(generator=55_736_708, discriminator=38_247_426),
    # What PyTorch's DCGAN example, the authors' networks, has of weights; here the outermost layers
    # have biases too.
    'wgan:celeb_a': dict(generator=3_576_704 + 3, discriminator=2_765_568 + 64 + 1),
    # The authors' 5x5 kernels; here the first normalisation's gain and bias are a channel's, not a
    # unit's, and the outermost layers have biases.
    'dcgan:celeb_a': dict(
        generator=18_885_760 - 2 * (16_384 - 1_024) + 3, discriminator=17_232_768 + 128 + 1
    ),
    # Karras et al. 2018, table 2: 23.1 million each; here all levels have their 1x1 convolutions.
    'progan:folder_1024': dict(
        generator=23_071_507 + 4 * 1_539 + 771 + 387 + 195 + 99,
        discriminator=23_077_137 + 4 * 2_048 + 1_024 + 512 + 256 + 128,
    ),
    # What the authors' code prints: 11.378, 2.765, 54.414 and 2.769 million.
    'cyclegan:horse2zebra': dict(
        to_image=11_378_179,
        to_other=11_378_179,
        image_discriminator=2_764_737,
        other_discriminator=2_764_737,
    ),
    'pix2pix:folder': dict(translator=54_413_955, discriminator=2_768_705),
    # Odena et al. 2017, tables 1 and 2: 110 to 4x4x384, 5x5 kernels to 192, 96 and 3 channels; 3x3
    # kernels to 16, 32, ..., 512. Gains and biases where there is a normalisation, else biases.
    'acgan:cifar10': dict(
        generator=(110 + 1) * 16 * 384 + 25 * (384 * 192 + 192 * 96 + 96 * 3) + 2 * (192 + 96) + 3,
        discriminator=9 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
        + 16
        + 2 * (32 + 64 + 128 + 256 + 512)
        + 16 * 512
        + 1,
        classifier=(16 * 512 + 1) * 10,
    ),
    # The authors' code, without the biases that its normalisations take away again: 74 numbers to
    # 1,024, to 7x7x128, 4x4 kernels to 64 channels and to one; back by 64 and 128 channels.
    'infogan:mnist': dict(
        generator=(74 + 2) * 1024 + (1024 + 2) * 7 * 7 * 128 + 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1,
        discriminator=17 * 64 + (16 * 64 + 2) * 128 + (7 * 7 * 128 + 2) * 1024 + 1025,
        recognizer=(1024 + 2) * 128 + 129 * 12,
    ),
    # Goodfellow et al. 2014, by the authors' mnist.yaml: 100-1200-1200-784; 240 units of 5 pieces.
    'gan:mnist': dict(
        generator=101 * 1200 + 1201 * 1200 + 1201 * 784,
        discriminator=785 * 240 * 5 + 241 * 240 * 5 + 241,
    ),
    # google/flax's example: 784-500-20 twice, for the mean and the log variance; 20-500-784.
    'vae:mnist': dict(encoder=785 * 500 + 2 * 501 * 20, decoder=21 * 500 + 501 * 784),
    # Larsen et al. 2016, layer by layer of the authors' code: 5x5 kernels without biases and a gain
    # and a bias for each channel, then dense layers; here also for the decoder's small image, where
    # theirs are a unit's.
    'vae_gan:celeb_a': dict(
        encoder=25 * (3 * 64 + 64 * 128 + 128 * 256)
        + 2 * (64 + 128 + 256 + 1024)
        + 64 * 256 * 1024
        + 2 * 1025 * 128,
        decoder=128 * 64 * 256
        + 25 * (256 * 256 + 256 * 128 + 128 * 32 + 32 * 3)
        + 2 * (256 + 256 + 128 + 32)
        + 3,
        discriminator=25 * (3 * 32 + 32 * 128 + 128 * 256 + 256 * 256)
        + 32
        + 2 * (128 + 256 + 256 + 512)
        + 64 * 256 * 512
        + 513,
    ),
}


@pytest.mark.parametrize('published', PUBLISHED)
def test_parameter_counts_are_the_published_ones(published):
    config = load(published)
    state = state_like(
        make_initial_state(config, build_game(config), meshes.make_mesh()), meshes.make_mesh()
    )
    counts = {
        name: sum(leaf.size for leaf in jax.tree.leaves(params))
        for name, params in state.params.items()
    }
    assert counts == PUBLISHED[published]

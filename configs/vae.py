"""VAE: Kingma and Welling 2014, Auto-Encoding Variational Bayes, arXiv 1312.6114.

The perceptrons of google/flax's example: one hidden layer of 500 units in both networks, 20
latents, Adam at 1e-3, batches of 128. Pixels are black or white: the example's are so by a fixed
set of draws (binarized_mnist), here grey ones are drawn anew whenever an image is seen, in training
and in scores. CIFAR-10's are normal, and seen by the convolutional pair of Higgins et al. 2017.

    python main.py --config=configs/vae.py
    python main.py --config=configs/vae.py:mnist
    python main.py --config=configs/vae.py:mnist --mode=eval --config.eval.scores=elbo

Measured: digits, 2 cores of AMD EPYC: 3,000 steps in under 17 s; confidence 0.74.
Measured: mnist, 10 epochs: ELBO -102.4 nats on the test images (-102.9 to -101.9;
`results/systems.json`).
Paper: no figure for this network; the example says a loss of about 104 nats after 10 epochs.
"""

from ml_collections import ConfigDict

from configs import base

EPOCH = 60_000 // 128  # steps


def variational() -> ConfigDict:
    """Returns every field of an encoder and a decoder without an opponent, with its default."""
    config = base.run_fields('vae')
    config.batch_size = 128
    config.prior = dict(size=20)  # N(0, 1), of so many numbers
    config.likelihood = dict(
        name='bernoulli',  # pixels are black or white; or 'gaussian'
        stddev=0.0,  # gaussian: of a pixel, whose range is 2
    )
    config.divergence = dict(
        weight=1.0,  # beta; of 1 the loss is the bound itself
        warmup_steps=0,  # over which the weight rises from nearly nothing
    )
    config.optimizers = dict(
        autoencoder=base.optimizer_fields(name='adam', learning_rate=1e-3, b1=0.9, b2=0.999)
    )
    config.networks = perceptrons()
    config.eval.scores = 'elbo,fid,kid'
    return config


def perceptrons() -> dict:
    """Returns the example's pair."""
    section = dict(widths=(500,), kernel_init=base.initializer('lecun_normal'))
    return dict(
        encoder=dict(name='vae.Encoder') | section, decoder=dict(name='vae.Decoder') | section
    )


def convolutions() -> dict:
    """Returns the pair of Higgins et al. 2017 for images of 64x64 pixels; 16x16 is the least."""
    section = dict(features=256, kernel_size=4, kernel_init=base.initializer('lecun_normal'))
    encoder = dict(name='vae.ConvolutionalEncoder', widths=(32, 32, 64, 64), normalization='none')
    decoder = dict(name='vae.ConvolutionalDecoder', widths=(64, 64, 32, 32))
    return dict(encoder=encoder | section, decoder=decoder | section)


UNSEEN = dict(eval=dict(split='test'))
PRESETS = {
    'digits': dict(steps=3000),
    'mnist': dict(steps=10 * EPOCH, **UNSEEN),
    'fashion_mnist': dict(steps=10 * EPOCH, **UNSEEN),
    'cifar10': dict(
        steps=100_000,
        prior=dict(size=128),
        likelihood=dict(name='gaussian', stddev=0.2),
        networks=convolutions(),
        **UNSEEN,
    ),
}


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    return base.finish(variational(), PRESETS, data)

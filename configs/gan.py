"""GAN: Goodfellow et al. 2014, Generative Adversarial Networks, arXiv 1406.2661.

MNIST's networks and rates as the authors' code has them (github.com/goodfeli/adversarial,
mnist.yaml): a perceptron that generates, 100-1200-1200-pixels, against one of maxout units with
dropout, each of five pieces; momentum of one half, and half the rate for the discriminator, whose
loss they halve. Theirs begins from uniform weights of the same deviations and from the mean image,
its rate falls by a 250,000th an update, and its momentum rises to 0.7 over 250 epochs.

    python main.py --config=configs/gan.py
    python main.py --config=configs/gan.py:mnist

Measured: digits, 2 cores of AMD EPYC: 15,000 steps in under 89 s; confidence 0.83.
Measured: of MNIST's classes 10,000 samples show all ten, FID 4.0; with a convolutional
discriminator and Adam instead all were one image, FID 51 (`results/systems.json` has the first).
Paper: Parzen window log-likelihood 225 +- 2 on MNIST.
"""

from ml_collections import ConfigDict

from configs import base


def get_config(data: str = 'digits') -> ConfigDict:
    """Returns the system with its preset for a data set."""
    config = base.adversarial(optimizer=dict(name='momentum', learning_rate=0.1, momentum=0.5))
    config.optimizers.discriminator.learning_rate = 0.05
    config.batch_size = 100
    config.steps = 30_000  # 50 epochs
    config.prior = dict(name='gaussian', size=100)
    config.loss.name = 'non_saturating'
    config.networks.generator = dict(
        name='mlp.Generator',
        widths=(1200, 1200),
        kernel_init=base.initializer('normal', stddev=0.05 / 3**0.5),
    )
    config.networks.discriminator = dict(
        name='mlp.MaxoutDiscriminator',
        widths=(240, 240),
        pieces=5,
        pixel_dropout=0.2,
        dropout=0.5,
        answer='logit',  # or 'minibatch_stddev', 'minibatch_discrimination'
        kernel_init=base.initializer('normal', stddev=0.005 / 3**0.5),
    )
    return base.finish(config, PRESETS, data)


PRESETS = {
    'digits': dict(
        steps=15_000,
        networks=dict(generator=dict(widths=(256, 256)), discriminator=dict(widths=(64, 64))),
    ),
    'mnist': dict(),
    'fashion_mnist': dict(),
}

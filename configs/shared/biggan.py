"""What BigGAN and BigGAN-deep are trained with: Brock et al. 2019, arXiv 1809.11096."""

from ml_collections import ConfigDict

from configs import base


def system(networks: dict) -> ConfigDict:
    """Returns the system with either pair of networks, before its preset for a data set."""
    config = base.adversarial(optimizer=dict(name='adam', b1=0.0, b2=0.999))
    config.loss.name = 'hinge'
    config.condition.discriminator = 'projection'
    config.eval.standing = 16
    config.networks = networks
    return config


def imagenet(rates: tuple[float, float], networks: dict) -> dict:
    """Returns the paper's training, appendix C; epsilon and the average's start are its code's.

    rates: the generator's and the discriminator's.
    """
    generator, discriminator = rates
    return dict(
        steps=150_000,
        batch_size=2048,
        critic_updates=2,
        ema_decay=0.9999,
        ema_start=20_000,
        networks=networks,
        optimizers=dict(
            generator=dict(learning_rate=generator, eps=1e-6, orthogonal=1e-4),
            discriminator=dict(learning_rate=discriminator, eps=1e-6),
        ),
    )


def cifar10(networks: dict) -> dict:
    """Returns what BigGAN-PyTorch, the authors' code, has for CIFAR-10: 500 epochs."""
    return dict(
        steps=125_000,
        batch_size=50,
        critic_updates=4,
        ema_decay=0.9999,
        ema_start=1000,
        networks=networks,
    )


def small(steps: int, latents: int, networks: dict) -> dict:
    """Returns what learns grey digits on a CPU, at higher rates than the paper's."""
    return dict(
        steps=steps,
        batch_size=64,
        ema_decay=0.995,
        prior=dict(size=latents),
        networks=networks,
        optimizers=dict(
            generator=dict(learning_rate=5e-4, orthogonal=1e-4),
            discriminator=dict(learning_rate=2e-3),
        ),
    )

"""Adversarial losses: functions of the logits of real and of generated images.

Both players' losses take both logits, so a relativistic loss is no special case. Logits are [B];
a loss is a scalar, the mean over the batch, to be minimised by its player. `real` is D(x), `fake`
is D(G(z)) before any sigmoid; -log sigmoid(x) is `softplus(-x)`, -log(1 - sigmoid(x)) is
`softplus(x)`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import relu, softplus

Array = jax.Array
LogitLoss = Callable[[Array, Array], Array]  # (real, fake) -> scalar


class Adversarial(NamedTuple):
    """The two players' losses; `paired` ones need as many generated images as real ones."""

    discriminator: LogitLoss
    generator: LogitLoss
    paired: bool = False


def logit_metrics(real: Array, **generated: Array) -> dict[str, Array]:
    """Returns the mean and the standard deviation of every kind of logits: `real_logit_mean`.

    And of the real ones the mean sign, which tells how far the discriminator knows them by heart:
    r_t of Karras et al. 2020, arXiv 2006.06676, equation 1.
    """
    moments = {
        f'{kind}_logit_{moment.__name__}': moment(values)
        for kind, values in {'real': real, **generated}.items()
        for moment in (jnp.mean, jnp.std)
    }
    return {**moments, 'real_logit_sign': jnp.mean(jnp.sign(real))}


def minimax(label_smoothing: float = 0.0) -> Adversarial:
    """The zero-sum game of Goodfellow et al. 2014, equation 1.

    One-sided label smoothing (Salimans et al. 2016, section 3.4) gives real images the target
    1 - label_smoothing: the cross-entropy gains label_smoothing * D(x).
    """

    def discriminator(real, fake):
        # -E[(1 - s) log sigmoid(D(x)) + s log(1 - sigmoid(D(x)))] - E[log(1 - sigmoid(D(G(z))))]
        return jnp.mean(softplus(-real) + label_smoothing * real) + jnp.mean(softplus(fake))

    def generator(real, fake):
        return -jnp.mean(softplus(fake))  # E[log(1 - sigmoid(D(G(z))))]

    return Adversarial(discriminator, generator)


def non_saturating(label_smoothing: float = 0.0) -> Adversarial:
    """Goodfellow et al. 2014, section 3: the generator maximises E[log D(G(z))] instead."""

    def generator(real, fake):
        return jnp.mean(softplus(-fake))

    return Adversarial(minimax(label_smoothing).discriminator, generator)


def least_squares(label_smoothing: float = 0.0) -> Adversarial:
    """LSGAN, Mao et al. 2017, equation 9 (a = 0, b = c = 1); b = 1 - label_smoothing."""

    def discriminator(real, fake):
        target = 1 - label_smoothing
        return 0.5 * jnp.mean(jnp.square(real - target)) + 0.5 * jnp.mean(jnp.square(fake))

    def generator(real, fake):
        return 0.5 * jnp.mean(jnp.square(fake - 1))

    return Adversarial(discriminator, generator)


def wasserstein() -> Adversarial:
    """WGAN, Arjovsky et al. 2017, algorithm 1."""
    return Adversarial(
        discriminator=lambda real, fake: jnp.mean(fake) - jnp.mean(real),
        generator=lambda real, fake: -jnp.mean(fake),
    )


def hinge() -> Adversarial:
    """Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17."""
    return Adversarial(
        discriminator=lambda real, fake: jnp.mean(relu(1 - real)) + jnp.mean(relu(1 + fake)),
        generator=lambda real, fake: -jnp.mean(fake),
    )


def relativistic() -> Adversarial:
    """RSGAN, Jolicoeur-Martineau 2018, equations 9 and 10: a real against a fake, in pairs."""
    return Adversarial(
        discriminator=lambda real, fake: jnp.mean(softplus(-(real - fake))),
        generator=lambda real, fake: jnp.mean(softplus(-(fake - real))),
        paired=True,
    )


def relativistic_average() -> Adversarial:
    """RaSGAN, Jolicoeur-Martineau 2018, equations 13 and 14: each side against the other's mean."""

    def against_mean(above, below):
        return jnp.mean(softplus(-(above - jnp.mean(below)))) + jnp.mean(
            softplus(below - jnp.mean(above))
        )

    return Adversarial(
        discriminator=lambda real, fake: against_mean(real, fake),
        generator=lambda real, fake: against_mean(fake, real),
    )


LOSSES = {
    loss.__name__: loss
    for loss in (
        minimax,
        non_saturating,
        least_squares,
        wasserstein,
        hinge,
        relativistic,
        relativistic_average,
    )
}

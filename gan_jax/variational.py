"""What the bound of a variational autoencoder is made of: Kingma and Welling 2014, arXiv 1312.6114.

    log p(x) >= E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)),  nats per image, with p(z) = N(0, 1)

Images are [B, H, W, C] in [-1, 1]. What a decoder says, `decoded`, are any numbers of that shape.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid, sigmoid

Array = jax.Array


class Posterior(NamedTuple):
    """q(z|x) = N(mean, exp(log_variance)), of independent numbers: [B, D] each."""

    mean: Array
    log_variance: Array

    def draw(self, key: Array) -> Array:
        """z = mean + sigma epsilon, epsilon ~ N(0, 1): section 2.4, so that gradients pass."""
        epsilon = jax.random.normal(key, self.mean.shape)
        return self.mean + jnp.exp(self.log_variance / 2) * epsilon

    def divergence(self) -> Array:
        """KL(q(z|x) || N(0, 1)), appendix B: [B]."""
        # -1/2 sum(1 + log sigma^2 - mean^2 - sigma^2)
        each = 1 + self.log_variance - jnp.square(self.mean) - jnp.exp(self.log_variance)
        return -0.5 * jnp.sum(each, axis=-1)


class Likelihood(NamedTuple):
    """p(x|z): what of an image is modelled, and how likely a decoder makes it."""

    observe: Callable[[Array, Array], Array]  # (images, key) -> observed, in [-1, 1] too
    log_density: Callable[[Array, Array], Array]  # (decoded, observed) -> [B], nats


def mean_image(decoded: Array) -> Array:
    """The mean of either likelihood: a pixel is sigmoid(decoded), from 0 for -1 to 1 for 1."""
    return 2 * sigmoid(decoded) - 1


def bernoulli() -> Likelihood:
    """A pixel is white with probability sigmoid(decoded), else black.

    A grey one is made white or black anew whenever it is seen, with the probability of its grey, as
    Salakhutdinov and Murray 2008 made MNIST binary.
    """

    def observe(images: Array, key: Array) -> Array:
        white = jax.random.uniform(key, images.shape) < (images + 1) / 2
        return jnp.where(white, 1.0, -1.0)

    def log_density(decoded: Array, observed: Array) -> Array:
        # x log s(l) + (1 - x) log(1 - s(l)) of x in {0, 1} is log s(+-l).
        return _sum(log_sigmoid(observed * decoded))

    return Likelihood(observe, log_density)


def gaussian(stddev: float) -> Likelihood:
    """A pixel is normal around `mean_image`, with this deviation in units of [-1, 1]; a density."""

    def log_density(decoded: Array, observed: Array) -> Array:
        deviations = (observed - mean_image(decoded)) / stddev
        return _sum(-0.5 * jnp.square(deviations) - jnp.log(stddev * jnp.sqrt(2 * jnp.pi)))

    return Likelihood(lambda images, key: images, log_density)


def _sum(each: Array) -> Array:
    return jnp.sum(each, axis=tuple(range(1, each.ndim)))


LIKELIHOODS = {likelihood.__name__: likelihood for likelihood in (bernoulli, gaussian)}

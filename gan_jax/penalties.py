"""Penalties on the critic near data: `(critic, real, fake, key) -> scalar`, unweighted.

`critic` maps images [B, H, W, C] to logits [B], every example on its own: the gradient of the sum
is then the batch of gradients, which a critic with batch statistics would mix. All are
differentiated again by the critic's weights, so none may detach its gradient.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.augment.simple import flip_and_shift

Array = jax.Array
Critic = Callable[[Array], Array]
Penalty = Callable[[Critic, Array, Array, Array], Array]  # (critic, real, fake, key) -> scalar


def _squared_gradient_norms(critic: Critic, images: Array) -> Array:
    gradients = jax.grad(lambda x: jnp.sum(critic(x)))(images)
    return jnp.sum(jnp.square(gradients), axis=(1, 2, 3))


def _gradient_norms(critic: Critic, images: Array) -> Array:
    # The floor keeps the root's derivative finite where a dead critic's gradient is zero.
    return jnp.sqrt(jnp.maximum(_squared_gradient_norms(critic, images), 1e-12))


def _between(real: Array, fake: Array, key: Array) -> Array:
    share = jax.random.uniform(key, (len(real), 1, 1, 1))
    return real + share * (fake - real)


def gradient_penalty(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """WGAN-GP, Gulrajani et al. 2017, equation 3: E[(|grad D(x_hat)| - 1)^2], x_hat between."""
    norms = _gradient_norms(critic, _between(real, fake, key))
    return jnp.mean(jnp.square(norms - 1))


def one_sided_gradient_penalty(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """WGAN-LP, Petzka et al. 2018, equation 8: E[max(0, |grad D(x_hat)| - 1)^2]."""
    norms = _gradient_norms(critic, _between(real, fake, key))
    return jnp.mean(jnp.square(jax.nn.relu(norms - 1)))


def dragan(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """DRAGAN, Kodali et al. 2017: E[(|grad D(x_hat)| - 1)^2], x_hat towards 0.5 std(x) noise."""
    noise_key, between_key = jax.random.split(key)
    noise = 0.5 * jnp.std(real) * jax.random.uniform(noise_key, real.shape)
    norms = _gradient_norms(critic, _between(real, real + noise, between_key))
    return jnp.mean(jnp.square(norms - 1))


def r1(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """R1, Mescheder et al. 2018, equation 9 without its gamma: 1/2 E[|grad D(x)|^2]."""
    return 0.5 * jnp.mean(_squared_gradient_norms(critic, real))


def r2(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """R2, Mescheder et al. 2018, equation 10 without its gamma: 1/2 E[|grad D(G(z))|^2]."""
    return 0.5 * jnp.mean(_squared_gradient_norms(critic, fake))


def consistency(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """CR-GAN, Zhang et al. 2020: E[(D(x) - D(T(x)))^2], where T mirrors and moves x."""
    return jnp.mean(jnp.square(critic(real) - critic(flip_and_shift(real, key))))


def balanced_consistency(critic: Critic, real: Array, fake: Array, key: Array) -> Array:
    """bCR, Zhao et al. 2021, algorithm 1 with both weights alike: of real and generated images."""
    real_key, fake_key = jax.random.split(key)
    of_fake = consistency(critic, fake, real, fake_key)
    return consistency(critic, real, fake, real_key) + of_fake


GRADIENT_PENALTIES = {
    penalty.__name__: penalty
    for penalty in (gradient_penalty, one_sided_gradient_penalty, dragan, r1, r2)
}
PENALTIES = {
    **GRADIENT_PENALTIES,
    'consistency': consistency,
    'balanced_consistency': balanced_consistency,
}

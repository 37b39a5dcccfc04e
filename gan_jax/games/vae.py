"""A variational autoencoder: an encoder and a decoder, one player, no opponent."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import models, priors
from gan_jax.game import Array, Context, Game, Networks, Phase, Report
from gan_jax.usage import make
from gan_jax.variational import LIKELIHOODS, Likelihood, Posterior, mean_image


def variational(
    encoder: nn.Module,
    decoder: nn.Module,
    prior: priors.Prior,
    likelihood: Likelihood,
    beta: Callable[[Array], Array],
    *,
    accumulate: int = 1,
    ema: tuple[str, ...] = (),
) -> Game:
    """Returns the game of Kingma and Welling 2014, with beta of Higgins et al. 2017, equation 4.

    Args:
      prior: N(0, 1), from which the divergence is measured.
      beta: how much the divergence weighs in the loss, by training step; 1 is the bound itself.
      accumulate: microbatches averaged into every update.
    """

    def bound(networks: Networks, image: Array, key: Array, train: bool) -> tuple[Array, Array]:
        """log p(x|z) of one z ~ q(z|x), and KL(q(z|x) || p(z)): [B] each, in nats."""
        observation_key, latent_key = jax.random.split(key)
        observed = likelihood.observe(image, observation_key)
        posterior = Posterior(*networks.encoder(observed, train=train, update=train))
        z = posterior.draw(latent_key)
        decoded = networks.decoder(z, train=train, update=train)
        return likelihood.log_density(decoded, observed), posterior.divergence()

    def loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        density, divergence = bound(networks, context.batch['image'], context.key, True)
        weight = beta(context.step)
        return jnp.mean(weight * divergence - density), Report(
            metrics={
                'elbo': jnp.mean(density - divergence),
                'reconstruction': -jnp.mean(density),
                'divergence': jnp.mean(divergence),
                'beta': weight,
            }
        )

    def evidence(networks: Networks, image: Array, key: Array) -> Array:
        density, divergence = bound(networks, image, key, False)
        return density - divergence

    def draw(networks: Networks, latents: Mapping[str, Array]) -> Mapping[str, Array]:
        return {'image': mean_image(networks.decoder(latents['z'], train=False))}

    return Game(
        networks={'encoder': encoder, 'decoder': decoder},
        players={'autoencoder': ('encoder', 'decoder')},
        phases=(Phase('autoencoder', 'autoencoder', loss, accumulate=accumulate),),
        inputs=lambda batch: {
            'encoder': (batch['image'],),
            'decoder': (prior.draw(jax.random.key(0), len(batch['image'])),),
        },
        latents=lambda key, batch: {'z': prior.draw(key, len(batch['image']))},
        draw=draw,
        ema=ema,
        truncate=lambda latents, threshold: {'z': prior.truncate(latents['z'], threshold)},
        between=prior.between,
        encode=lambda networks, image: {'z': networks.encoder(image, train=False)[0]},
        evidence=evidence,
    )


def build(config: Any) -> Game:
    """Returns the game that `config` describes; see `configs/vae.py` for its fields."""
    size = config.prior.size
    return variational(
        models.build_network(config.networks.encoder, size=size),
        models.build_network(
            config.networks.decoder, image_shape=(*config.data.size, config.data.channels)
        ),
        priors.gaussian(size),
        make('likelihood', config.likelihood, LIKELIHOODS),
        _rising(config.divergence.weight, config.divergence.warmup_steps),
        accumulate=config.accumulate,
        ema=('encoder', 'decoder') if config.ema_decay else (),
    )


def _rising(weight: float, steps: int) -> Callable[[Array], Array]:
    """From nearly nothing to the weight in so many steps: Bowman et al. 2016, section 3.1."""
    return lambda step: weight * jnp.minimum((step + 1) / max(steps, 1), 1.0)

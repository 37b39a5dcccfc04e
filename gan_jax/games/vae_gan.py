"""An autoencoder whose likeness is a discriminator's: Larsen et al. 2016, arXiv 1512.09300."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import losses, models, priors
from gan_jax.augmenting import UNCHANGED, Augmentation, choose_augmentation
from gan_jax.game import Array, Context, Game, Networks, Phase, Report
from gan_jax.usage import UsageError, make
from gan_jax.variational import Posterior


def vae_gan(
    encoder: nn.Module,
    decoder: nn.Module,
    discriminator: nn.Module,
    prior: priors.Prior,
    loss: losses.Adversarial,
    gamma: float,
    *,
    augmentation: Augmentation = UNCHANGED,
    accumulate: int = 1,
    ema: tuple[str, ...] = (),
) -> Game:
    """Returns the game of algorithm 1: three networks, each of which minimises a loss of its own.

        encoder        KL(q(z|x) || p(z)) + L_llike
        decoder        gamma L_llike + its losses by reconstructions and by samples
        discriminator  real images against both of these, with half of the weight each

    L_llike = -log N(Dis_l(x) | Dis_l(x~), 1) but for its constant, a sum over the numbers of Dis_l:
    equation 7. In a step they move in this order, each by images of the networks as they are then.

    Args:
      prior: N(0, 1), from which the divergence is measured and of which samples are decoded.
      loss: of logits; `minimax` is the paper's.
      gamma: how much the unlikeness weighs in the decoder's loss.
      augmentation: of all that the discriminator sees; an image, its reconstruction and a sample
        are changed alike.
    """

    def showing(context: Context, key: Array) -> Callable[[Array], Array]:
        return lambda images: augmentation.apply(images, key, context)

    def encoder_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        real = context.batch['image']
        code_key, show_key = jax.random.split(context.key)
        show = showing(context, show_key)
        code = _posterior(networks, real, update=True)
        reconstruction = _decode(networks, code.draw(code_key))
        (_, seen), (_, other) = (_judge(networks, show(x)) for x in (real, reconstruction))
        divergence, unlike = jnp.mean(code.divergence()), _unlikeness(seen, other)
        return divergence + unlike, Report(
            metrics={
                'divergence': divergence,
                'unlikeness': unlike,
                'squared_error': jnp.mean(jnp.square(real - reconstruction)),
            }
        )

    def decoder_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        real = context.batch['image']
        code_key, prior_key, show_key = jax.random.split(context.key, 3)
        show = showing(context, show_key)
        code = _posterior(networks, real)
        reconstruction = _decode(networks, code.draw(code_key), update=True)
        sample = _decode(networks, prior.draw(prior_key, len(real)), update=True)
        real_logits, seen = _judge(networks, show(real))
        logits, other = _judge(networks, show(reconstruction))
        sample_logits, _ = _judge(networks, show(sample))
        adversary = loss.generator(real_logits, logits) + loss.generator(real_logits, sample_logits)
        unlike = _unlikeness(seen, other)
        return gamma * unlike + adversary, Report(
            metrics={'unlikeness': unlike, 'adversary': adversary}
        )

    def discriminator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        real = context.batch['image']
        code_key, prior_key, show_key = jax.random.split(context.key, 3)
        show = showing(context, show_key)
        codes = _posterior(networks, real).draw(code_key), prior.draw(prior_key, len(real))
        images = real, *(_decode(networks, z) for z in codes)
        # Each kind by itself: with batch normalisation, each has the statistics of its own.
        real_logits, *fake_logits = (
            networks.discriminator(show(image), train=True, update=True) for image in images
        )
        reconstruction, fake = fake_logits
        metrics = losses.logit_metrics(real_logits, reconstruction=reconstruction, fake=fake)
        metrics |= augmentation.metrics(context)
        return loss.discriminator(real_logits, _in_turns(*fake_logits)), Report(metrics)

    def draw(networks: Networks, latents: Mapping[str, Array]) -> Mapping[str, Array]:
        return {'image': jnp.tanh(networks.decoder(latents['z'], train=False))}

    def inputs(batch: Mapping[str, Array]) -> Mapping[str, tuple]:
        image = batch['image']
        z = prior.draw(jax.random.key(0), len(image))
        return {'encoder': (image,), 'decoder': (z,), 'discriminator': (image,)}

    players: dict[str, Callable] = {
        'encoder': encoder_loss,
        'decoder': decoder_loss,
        'discriminator': discriminator_loss,
    }
    return Game(
        networks={'encoder': encoder, 'decoder': decoder, 'discriminator': discriminator},
        players={name: (name,) for name in players},
        phases=tuple(
            Phase(name, name, function, accumulate=accumulate) for name, function in players.items()
        ),
        inputs=inputs,
        latents=lambda key, batch: {'z': prior.draw(key, len(batch['image']))},
        draw=draw,
        extra=augmentation.extra,
        after=augmentation.after,
        ema=ema,
        truncate=lambda latents, threshold: {'z': prior.truncate(latents['z'], threshold)},
        between=prior.between,
        critic=lambda networks, images: networks.discriminator(images, train=False),
        encode=lambda networks, images: {'z': networks.encoder(images, train=False)[0]},
    )


def _posterior(networks: Networks, image: Array, **options: bool) -> Posterior:
    return Posterior(*networks.encoder(image, train=True, **options))


def _decode(networks: Networks, z: Array, **options: bool) -> Array:
    return jnp.tanh(networks.decoder(z, train=True, **options))


def _judge(networks: Networks, image: Array) -> tuple[Array, Array]:
    """Logits [B], and Dis_l of every image."""
    logits, sown = networks.discriminator(image, train=True, intermediates=True)
    return logits, sown['similarity'][0]


def _unlikeness(seen: Array, other: Array) -> Array:
    """L_llike of a batch, for each image of it."""
    return 0.5 * jnp.sum(jnp.square(seen - other)) / len(seen)


def _in_turns(*logits: Array) -> Array:
    """All in one, [2 B], so that of batches split over devices none has to move."""
    return jnp.stack(logits, axis=1).reshape(-1)


def build(config: Any) -> Game:
    """Returns the game that `config` describes; see `configs/vae_gan.py` for its fields."""
    image_shape = (*config.data.size, config.data.channels)
    size, loss = config.prior.size, make('loss', config.loss, losses.LOSSES)
    if loss.paired:
        raise UsageError(
            f'loss {config.loss.name!r} takes real and generated images in pairs, and here two '
            "generated ones face each real one: config.loss.name='non_saturating' takes any number"
        )
    return vae_gan(
        models.build_network(config.networks.encoder, size=size),
        models.build_network(config.networks.decoder, image_shape=image_shape),
        models.build_network(config.networks.discriminator),
        priors.gaussian(size),
        loss,
        config.gamma,
        augmentation=choose_augmentation(config),
        accumulate=config.accumulate,
        ema=('encoder', 'decoder') if config.ema_decay else (),
    )

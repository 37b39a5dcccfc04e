"""A generator against a discriminator: a dozen systems that differ in their parts alone."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import losses, models, penalties, priors
from gan_jax.game import Array, Context, Game, Networks, Phase, Report
from gan_jax.usage import UsageError, call, choose

Judge = Callable[[Callable, Array, Array], tuple[Array, Array]]


def adversarial(
    generator: nn.Module,
    discriminator: nn.Module,
    prior: priors.Prior,
    loss: losses.Adversarial,
    weighted_penalties: Mapping[penalties.Penalty, float],
    *,
    judge: Judge,
    critic_updates: int = 1,
    accumulate: int = 1,
    generator_batch: int = 1,
    ema: tuple[str, ...] = (),
) -> Game:
    """Returns the game of Goodfellow et al. 2014 with any networks, prior, loss and penalties.

    In a training step the generator moves first, as in the authors' code of SNGAN; where a paper's
    discriminator does, the two orders differ by the run's very first update. A loss of the
    generator that reads real images sees those of the discriminator's first update.

    Args:
      weighted_penalties: what is added to the discriminator's loss, and how much of it.
      judge: how the discriminator sees both kinds: `together`, `in_two_calls` or `apart`.
      critic_updates: the discriminator's updates for each of the generator's (n_critic).
      accumulate: microbatches averaged into every update of either player.
      generator_batch: images the generator's loss draws, as a multiple of the real batch.
    """

    def discriminator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        prior_key, penalty_key = jax.random.split(context.key)
        real = context.batch['image']
        fake = networks.generator(prior.draw(prior_key, len(real)), train=True)
        real_logits, fake_logits = judge(networks.discriminator, real, fake)
        adversary = loss.discriminator(real_logits, fake_logits)
        penalty = jnp.zeros(())
        for index, (function, weight) in enumerate(weighted_penalties.items()):
            key = jax.random.fold_in(penalty_key, index)
            penalty += weight * function(networks.discriminator, real, fake, key)
        return adversary + penalty, Report(
            metrics={
                'real_logit_mean': jnp.mean(real_logits),
                'real_logit_std': jnp.std(real_logits),
                'fake_logit_mean': jnp.mean(fake_logits),
                'fake_logit_std': jnp.std(fake_logits),
                'penalty': penalty,
                'penalty_share': penalty / (jnp.abs(adversary) + penalty + 1e-12),
            }
        )

    def generator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        real = context.batch['image']
        z = prior.draw(context.key, generator_batch * len(real))
        fake = networks.generator(z, train=True, update=True)
        fake_logits = networks.discriminator(fake, train=True)
        # Removed by the compiler wherever the loss does not read it.
        real_logits = networks.discriminator(real, train=True)
        return loss.generator(real_logits, fake_logits), Report()

    def inputs(batch: Mapping[str, Array]) -> Mapping[str, tuple]:
        image = batch['image']
        return {
            'generator': (prior.draw(jax.random.key(0), len(image)),),
            'discriminator': (image,),
        }

    def latents(key: Array, batch: Mapping[str, Array]) -> Mapping[str, Array]:
        return {'z': prior.draw(key, len(batch['image']))}

    def draw(networks: Networks, latents: Mapping[str, Array]) -> Mapping[str, Array]:
        return {'image': networks.generator(latents['z'], train=False)}

    def truncate(latents: Mapping[str, Array], threshold: float) -> Mapping[str, Array]:
        return {'z': prior.truncate(latents['z'], threshold)}

    def critic(networks: Networks, images: Array) -> Array:
        return networks.discriminator(images, train=False).reshape(-1)

    return Game(
        networks={'generator': generator, 'discriminator': discriminator},
        players={'generator': ('generator',), 'discriminator': ('discriminator',)},
        phases=(
            Phase('generator', 'generator', generator_loss, accumulate=accumulate),
            Phase(
                'discriminator',
                'discriminator',
                discriminator_loss,
                repeats=critic_updates,
                accumulate=accumulate,
            ),
        ),
        inputs=inputs,
        latents=latents,
        draw=draw,
        ema=ema,
        truncate=truncate,
        between=prior.between,
        critic=critic,
    )


def together(discriminator: Callable, real: Array, fake: Array) -> tuple[Array, Array]:
    """Both in one call, for a network that judges every image on its own."""
    # In turns, so that of a batch split over devices no image has to move.
    images = jnp.stack([real, fake], axis=1).reshape(-1, *real.shape[1:])
    logits = discriminator(images, train=True, update=True).reshape(-1, 2)
    return logits[:, 0], logits[:, 1]


def in_two_calls(discriminator: Callable, real: Array, fake: Array) -> tuple[Array, Array]:
    """What `together` returns; half of the batch at a time, which more of a CPU's cache holds."""
    real_logits = discriminator(real, train=True)
    return real_logits, discriminator(fake, train=True, update=True)


def apart(discriminator: Callable, real: Array, fake: Array) -> tuple[Array, Array]:
    """One call for each: with batch normalisation, each has the statistics of its own kind."""
    real_logits = discriminator(real, train=True, update=True)
    return real_logits, discriminator(fake, train=True, update=True)


def build(config: Any) -> Game:
    """Returns the game that `config` describes; see `configs/base.py` for its fields."""
    image_shape = (*config.data.size, config.data.channels)
    discriminator = models.build_network(config.networks.discriminator)
    weighted_penalties = {
        choose('penalty', name, penalties.PENALTIES): weight
        for name, weight in config.penalties.items()
        if weight
    }
    mixes_examples = _has_batch_statistics(discriminator, image_shape)
    if weighted_penalties and mixes_examples:
        raise UsageError(
            'a gradient penalty needs a critic that judges every image on its own: '
            "config.networks.discriminator.normalization may be 'none' or 'layer', not 'batch'"
        )
    return adversarial(
        models.build_network(config.networks.generator, image_shape=image_shape),
        discriminator,
        choose('prior', config.prior.name, priors.PRIORS)(config.prior.size),
        _build_loss(config),
        weighted_penalties,
        judge=_choose_judge(mixes_examples),
        critic_updates=config.critic_updates,
        accumulate=config.accumulate,
        generator_batch=config.generator_batch,
        ema=('generator',) if config.ema_decay else (),
    )


def _build_loss(config: Any) -> losses.Adversarial:
    options = {name: value for name, value in config.loss.items() if value}
    name = options.pop('name')
    loss = call(f'loss {name!r}', choose('loss', name, losses.LOSSES), **options)
    if loss.paired and config.generator_batch != 1:
        raise UsageError(
            f'loss {name!r} takes real and generated images in pairs: '
            f'config.generator_batch={config.generator_batch} must be 1'
        )
    return loss


def _choose_judge(mixes_examples: bool) -> Judge:
    if mixes_examples:
        return apart
    # gan.py:mnist on two cores, in turns: 80 ms together, 71 in two calls.
    return in_two_calls if jax.default_backend() == 'cpu' else together


def _has_batch_statistics(network: nn.Module, image_shape: tuple[int, int, int]) -> bool:
    image = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
    return 'batch_stats' in models.made_shapes(network.init, jax.random.key(0), image)

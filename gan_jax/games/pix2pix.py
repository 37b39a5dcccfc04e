"""pix2pix: a translator that learns from pairs of images, Isola et al. 2017, arXiv 1611.07004.

Of a pair, `other` is what is translated and `image` what it is to become.
"""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import losses, models
from gan_jax.augmenting import UNCHANGED, Augmentation, choose_augmentation
from gan_jax.game import Array, Context, Game, Networks, Phase, Report
from gan_jax.usage import UsageError, make


def pix2pix(
    translator: nn.Module,
    discriminator: nn.Module,
    loss: losses.Adversarial,
    *,
    adversarial: float,
    l1: float,
    augmentation: Augmentation = UNCHANGED,
    accumulate: int = 1,
    ema: bool = False,
) -> Game:
    """Returns the game of a translator against a discriminator that sees what it was given.

    The discriminator moves first, as in the authors' code. The translator's only noise is its
    dropout, by a key for each image.

    Args:
      adversarial, l1: weights of the translator's losses.
      augmentation: of all that the discriminator sees; the images of a pair are moved alike.
      accumulate: microbatches averaged into every update of either player.
      ema: whether a moving average of the translator is kept, and translates samples.
    """

    def translate(networks: Networks, context: Context, **update: bool) -> Array:
        given = context.batch['other']
        noise_key, *_ = jax.random.split(context.key, 3)
        return networks.translator(given, _noise(noise_key, given), **update)

    def judge(
        networks: Networks, context: Context, fake: Array, **update: bool
    ) -> Mapping[str, Array]:
        """Returns the logits of both kinds, each beside what it was made of."""
        batch = context.batch
        _, *keys = jax.random.split(context.key, 3)

        def shown(images: Array, key: Array) -> Array:
            pair = batch['other'], images
            keys = augmentation.pair_keys(key)
            return _beside(*(augmentation.apply(*own, context) for own in zip(pair, keys)))

        return {
            kind: networks.discriminator(shown(images, key), **update)
            for kind, images, key in zip(('real', 'fake'), (batch['image'], fake), keys)
        }

    def discriminator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        logits = judge(networks, context, translate(networks, context), update=True)
        # Section 3.3: halved, which slows it down relative to the translator.
        said = {**losses.logit_metrics(**logits), **augmentation.metrics(context)}
        return loss.discriminator(**logits) / 2, Report(said)

    def translator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        fake = translate(networks, context, update=True)
        adversary = loss.generator(**judge(networks, context, fake))
        # E|y - G(x, z)|                                                         (equation 3)
        error = jnp.mean(jnp.abs(context.batch['image'] - fake))
        return adversarial * adversary + l1 * error, Report({'l1_error': error})

    def inputs(batch: Mapping[str, Array]) -> Mapping[str, tuple]:
        given = batch['other']
        return {
            'translator': (given, _noise(jax.random.key(0), given)),
            'discriminator': (_beside(given, batch['image']),),
        }

    def latents(key: Array, batch: Mapping[str, Array]) -> Mapping[str, Array]:
        given = batch['other']
        return {'given': given, 'noise': _noise(key, given), 'target': batch['image']}

    def draw(networks: Networks, latents: Mapping[str, Array]) -> Mapping[str, Array]:
        """Each picture is what was given, its translation and what it is a translation of."""
        given, target = latents['given'], latents['target']
        image = networks.translator(given, latents['noise'], train=False)
        return {'image': image, 'picture': jnp.concatenate([given, image, target], axis=2)}

    return Game(
        networks={'translator': translator, 'discriminator': discriminator},
        players={'translator': ('translator',), 'discriminator': ('discriminator',)},
        phases=(
            Phase('discriminator', 'discriminator', discriminator_loss, accumulate=accumulate),
            Phase('translator', 'translator', translator_loss, accumulate=accumulate),
        ),
        inputs=inputs,
        latents=latents,
        draw=draw,
        extra=augmentation.extra,
        after=augmentation.after,
        ema=('translator',) if ema else (),
    )


def _beside(given: Array, images: Array) -> Array:
    return jnp.concatenate([given, images], axis=-1)


def _noise(key: Array, images: Array) -> Array:
    """A key for each image, as numbers: uint32 [B, 2]."""
    return jax.random.key_data(jax.random.split(key, len(images)))


def build(config: Any) -> Game:
    """Returns the game that `config` describes; see `configs/pix2pix.py` for its fields.

    Raises:
      UsageError: the data are no pairs.
    """
    if config.data.other.relation != 'paired':
        raise UsageError(
            f'game {config.game!r} learns from pairs of images: '
            f"config.data.other.relation={config.data.other.relation!r} must be 'paired'"
        )
    image_shape = (*config.data.size, config.data.channels)
    return pix2pix(
        models.build_network(config.networks.translator, image_shape=image_shape),
        models.build_network(config.networks.discriminator),
        make('loss', config.loss, losses.LOSSES),
        **config.terms,
        augmentation=choose_augmentation(config),
        accumulate=config.accumulate,
        ema=bool(config.ema_decay),
    )

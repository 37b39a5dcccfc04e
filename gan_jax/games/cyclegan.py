"""CycleGAN: two translators between two domains of which nobody has paired the images.

Zhu et al. 2017, arXiv 1703.10593. The domains are what a batch calls `image` and `other`; the
paper's G is `to_other`, its F `to_image`.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gan_jax import losses, models
from gan_jax.augmenting import UNCHANGED, Augmentation, choose_augmentation
from gan_jax.game import Array, Context, Game, Networks, Phase, Report
from gan_jax.usage import UsageError, make

DOMAINS = 'image', 'other'


def cyclegan(
    translator: nn.Module,
    discriminator: nn.Module,
    loss: losses.Adversarial,
    *,
    adversarial: float,
    cycle: float,
    identity: float,
    pool: int,
    batch: tuple[int, int, int, int],
    augmentation: Augmentation = UNCHANGED,
    ema: bool = False,
) -> Game:
    """Returns the game of two translators against the discriminators of the two domains.

    The translators move first. What the discriminators then judge was translated before that move,
    as in the authors' code, or comes of a pool of earlier translations.

    Args:
      translator, discriminator: of which each domain gets its own.
      adversarial, cycle, identity: weights of the translators' losses; the last may be 0.
      pool: translations that are kept of each domain.
      batch: the shape of the images of a training step, [B, H, W, C].
      augmentation: of all that the discriminators see.
      ema: whether moving averages of the translators are kept, and translate samples.
    """

    def judging(networks: Networks, context: Context, key: Array) -> Callable[..., Array]:
        """Returns `judge(domain, images)`, of which each call augments in its own way."""
        calls = itertools.count()

        def judge(domain: str, images: Array, **update: bool) -> Array:
            shown = augmentation.apply(images, jax.random.fold_in(key, next(calls)), context)
            return getattr(networks, f'{domain}_discriminator')(shown, **update)

        return judge

    def translators_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        image, other = context.batch['image'], context.batch['other']
        fake_image = networks.to_image(other, update=True)
        fake_other = networks.to_other(image, update=True)
        *pool_keys, judge_key = jax.random.split(context.key, 3)
        judge = judging(networks, context, judge_key)
        adversary = loss.generator(
            judge('image', image), judge('image', fake_image)
        ) + loss.generator(judge('other', other), judge('other', fake_other))
        # E|F(G(x)) - x| + E|G(F(y)) - y|                                        (equation 2)
        cycle_error = _l1(networks.to_image(fake_other), image) + _l1(
            networks.to_other(fake_image), other
        )
        value = adversarial * adversary + cycle * cycle_error
        metrics = {'cycle_error': cycle_error / 2}
        if identity:
            # E|F(x) - x| + E|G(y) - y|                                          (section 5.2)
            error = _l1(networks.to_image(image), image) + _l1(networks.to_other(other), other)
            value += identity * error
            metrics['identity_error'] = error / 2

        filled = context.extra['filled']
        kept, judged = {}, {}
        for domain, fake, key in zip(DOMAINS, (fake_image, fake_other), pool_keys):
            kept[domain], judged[domain] = through_pool(
                context.extra['pool'][domain], filled, fake, key
            )
        report = Report(
            metrics=metrics,
            extra={
                'pool': kept,
                'filled': jnp.minimum(filled + len(image), pool),
                'judged': judged,
            },
        )
        return value, report

    def discriminators_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        judge = judging(networks, context, context.key)
        real = [judge(domain, context.batch[domain]) for domain in DOMAINS]
        fake = [judge(domain, context.extra['judged'][domain], update=True) for domain in DOMAINS]
        metrics = losses.logit_metrics(real=jnp.stack(real), fake=jnp.stack(fake))
        metrics |= augmentation.metrics(context)
        return sum(map(loss.discriminator, real, fake)), Report(metrics)

    def inputs(batch: Mapping[str, Array]) -> Mapping[str, tuple]:
        image, other = (batch[domain] for domain in DOMAINS)
        return {
            'to_image': (other,),
            'to_other': (image,),
            'image_discriminator': (image,),
            'other_discriminator': (other,),
        }

    def latents(key: Array, batch: Mapping[str, Array]) -> Mapping[str, Array]:
        return {domain: batch[domain] for domain in DOMAINS}

    def draw(networks: Networks, latents: Mapping[str, Array]) -> Mapping[str, Array]:
        """Each picture has two rows: other, its translation, that one's; and the same of image."""
        image, other = (latents[domain] for domain in DOMAINS)
        fake_image = networks.to_image(other, train=False)
        fake_other = networks.to_other(image, train=False)
        rows = (
            (other, fake_image, networks.to_other(fake_image, train=False)),
            (image, fake_other, networks.to_image(fake_other, train=False)),
        )
        picture = jnp.concatenate([jnp.concatenate(row, axis=2) for row in rows], axis=1)
        return {'image': fake_image, 'other': fake_other, 'picture': picture}

    def critic(networks: Networks, images: Array) -> Array:
        return jnp.mean(networks.image_discriminator(images, train=False), axis=(1, 2))

    translators = 'to_image', 'to_other'
    discriminators = 'image_discriminator', 'other_discriminator'
    return Game(
        networks={
            **dict.fromkeys(translators, translator),
            **dict.fromkeys(discriminators, discriminator),
        },
        players={'translators': translators, 'discriminators': discriminators},
        phases=(
            Phase('translators', 'translators', translators_loss),
            Phase('discriminators', 'discriminators', discriminators_loss),
        ),
        inputs=inputs,
        latents=latents,
        draw=draw,
        extra={
            'pool': {domain: jnp.zeros((pool, *batch[1:])) for domain in DOMAINS},
            'filled': jnp.zeros((), jnp.int32),
            'judged': {domain: jnp.zeros(batch) for domain in DOMAINS},
            **augmentation.extra,
        },
        after=augmentation.after,
        ema=translators if ema else (),
        critic=critic,
    )


def _l1(images: Array, target: Array) -> Array:
    return jnp.mean(jnp.abs(images - target))


def through_pool(pool: Array, filled: Array, images: Array, key: Array) -> tuple[Array, Array]:
    """Returns the pool with new images and what is shown in their place: Zhu et al., section 4.

    Image by image, as in the authors' code: while the pool is not full it keeps the image, which is
    shown; then, half of the time, the image takes the place of one that is drawn, which is shown,
    or else it is shown and forgotten.

    Shapes: pool [N, H, W, C], of which the first `filled` are images, images [B, H, W, C].
    """
    size = len(pool)

    def show(carry: tuple[Array, Array], turn: tuple[Array, Array]) -> tuple:
        pool, filled = carry
        image, key = turn
        coin, draw = jax.random.split(key)
        full, exchanged = filled == size, jax.random.bernoulli(coin)
        place = jnp.where(full, jax.random.randint(draw, (), 0, size), filled)
        drawn = pool[place]
        pool = pool.at[place].set(jnp.where(full & ~exchanged, drawn, image))
        return (pool, jnp.minimum(filled + 1, size)), jnp.where(full & exchanged, drawn, image)

    (pool, _), shown = lax.scan(show, (pool, filled), (images, jax.random.split(key, len(images))))
    return pool, shown


def build(config: Any) -> Game:
    """Returns the game that `config` describes; see `configs/cyclegan.py` for its fields.

    Raises:
      UsageError: one domain alone; microbatches, of which the discriminators would see but the last
        one's.
    """
    if config.data.other.relation == 'none':
        raise UsageError(
            f'game {config.game!r} is of two sets of images: '
            "config.data.other.relation='none' must be 'unpaired' or 'paired'"
        )
    if config.accumulate != 1:
        raise UsageError(f'game {config.game!r} takes a batch whole: config.accumulate must be 1')
    image_shape = (*config.data.size, config.data.channels)
    return cyclegan(
        models.build_network(config.networks.translator, image_shape=image_shape),
        models.build_network(config.networks.discriminator),
        make('loss', config.loss, losses.LOSSES),
        **config.terms,
        pool=config.pool,
        batch=(config.batch_size, *image_shape),
        augmentation=choose_augmentation(config),
        ema=bool(config.ema_decay),
    )

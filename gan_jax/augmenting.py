"""What a config may have done to images before a discriminator sees them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.augment.ada import ada
from gan_jax.augment.diffaugment import POLICIES, diffaugment
from gan_jax.augment.simple import noise
from gan_jax.burn_in import rise
from gan_jax.game import Array, Context, keep
from gan_jax.usage import UsageError, choose


@dataclass(frozen=True)
class Augmentation:
    """What is done to every image, real or generated, before the discriminator sees it."""

    apply: Callable[[Array, Array, Context], Array]  # (images, key, context) -> images
    extra: Mapping[str, Any] = field(default_factory=dict)
    after: Callable = keep
    metrics: Callable[[Context], Mapping[str, Array]] = lambda context: {}
    # key -> one for each image of a pair, of which both are moved alike
    pair_keys: Callable[[Array], Iterable[Array]] = lambda key: (key, key)


UNCHANGED = Augmentation(lambda images, key, context: images)


def by_policy(policy: tuple[str, ...]) -> Augmentation:
    """Returns DiffAugment, Zhao et al. 2020, by the names of some of its kinds of changes."""
    for name in policy:
        choose('policy', name, POLICIES)
    return Augmentation(lambda images, key, context: diffaugment(images, key, policy))


def by_pipeline(
    multipliers: Mapping[str, float],
    probability: Callable[[Context], Array],
    extra: Mapping[str, Any] | None = None,
    after: Callable = keep,
) -> Augmentation:
    """Returns ADA's pipeline, each transformation of it with a multiple of one probability."""
    return Augmentation(
        lambda images, key, context: ada(images, probability(context), key, multipliers),
        extra=extra or {},
        after=after,
        metrics=lambda context: {'augmentation_probability': probability(context)},
    )


def adaptive(
    multipliers: Mapping[str, float],
    probability: float,
    target: float,
    interval: int,
    images_per_step: int,
    images_to_one: int,
) -> Augmentation:
    """Returns ADA's pipeline with the probability that keeps overfitting where it is bearable.

    Karras et al. 2020, arXiv 2006.06676, section 3.1: r_t = E[sign(D(x))], over the real images of
    the last few steps, is near 0 where the discriminator sees no difference and 1 where it knows
    each image. Above its target the probability rises, else it falls.

    Args:
      probability: the first.
      interval: steps between changes.
      images_per_step: real images that the discriminator sees.
      images_to_one: after which the probability could have come from 0 to 1.
    """
    change = interval * images_per_step / images_to_one

    def after(extra: Mapping[str, Any], metrics: Mapping[str, Array]) -> Mapping[str, Any]:
        seen = [value for name, value in metrics.items() if name.endswith('/real_logit_sign')]
        if not seen:  # not the discriminator's step
            return extra
        p, steps = extra['ada']['probability'], extra['ada']['steps'] + 1
        signs = extra['ada']['signs'] + seen[0]
        due = steps == interval
        moved = jnp.maximum(0, p + change * jnp.sign(signs / interval - target))
        state = {
            'probability': jnp.where(due, moved, p),
            'steps': jnp.where(due, 0, steps),
            'signs': jnp.where(due, 0, signs),
        }
        return {**extra, 'ada': state}

    return by_pipeline(
        multipliers,
        lambda context: context.extra['ada']['probability'],
        {
            'ada': {
                'probability': jnp.float32(probability),
                'steps': jnp.int32(0),
                'signs': jnp.float32(0),
            }
        },
        after,
    )


def noisy(deviation: float, steps: int) -> Augmentation:
    """Returns instance noise whose standard deviation falls to 0 in so many steps.

    The images of a pair have each its own: what they share would tell nothing of either.
    """

    def apply(images: Array, key: Array, context: Context) -> Array:
        return noise(images, deviation * jnp.maximum(0, 1 - context.step / steps), key)

    return Augmentation(apply, pair_keys=jax.random.split)


def _check_channels(config: Any) -> None:
    if config.data.channels not in (1, 3):
        raise UsageError(
            f'config.augmentation.name={config.augmentation.name!r} is for grey and RGB images: '
            f'config.data.channels={config.data.channels} must be 1 or 3'
        )


def _adaptive(config: Any) -> Augmentation:
    _check_channels(config)
    fields = config.augmentation.ada
    return adaptive(
        fields.multipliers,
        fields.probability,
        fields.target,
        fields.interval,
        images_per_step=config.batch_size * config.get('critic_updates', 1),
        images_to_one=fields.images_to_one,
    )


def _scheduled(config: Any) -> Augmentation:
    _check_channels(config)
    fields, share = config.augmentation.ada, rise(config.burn_in)
    return by_pipeline(fields.multipliers, lambda context: fields.probability * share(context.step))


AUGMENTATIONS = {
    'none': lambda config: UNCHANGED,
    'diffaugment': lambda config: by_policy(tuple(config.augmentation.diffaugment.policy)),
    'ada': _adaptive,
    'scheduled_ada': _scheduled,
    'instance_noise': lambda config: noisy(**config.augmentation.instance_noise),
}


def choose_augmentation(config: Any) -> Augmentation:
    """Returns what `config.augmentation` names."""
    return choose('augmentation', config.augmentation.name, AUGMENTATIONS)(config)

"""A player's turn: images are generated, augmented, shown to the discriminator and judged."""

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
from jax import tree_util

from gan_jax.augmenting import Augmentation
from gan_jax.game import Array, Context, Networks
from gan_jax.games.adversarial.generation import Generation, Latents
from gan_jax.games.adversarial.judging import Judge
from gan_jax.penalties import Critic

Batch = Mapping[str, Array]


class Scene(NamedTuple):
    """All that a part may read when a player's turn has been judged.

    In the discriminator's turn there are as many generated images as real ones and both have the
    same labels, so that one critic serves both; in the generator's there may be more of them.
    """

    context: Context
    key: Array  # the part's own
    latents: Latents  # that the generated images were made of
    real: Array  # [B, H, W, C], as the data have them
    fake: Array
    real_logits: Array  # [B], of images as the discriminator sees them, augmented
    fake_logits: Array
    real_seen: Mapping[str, Array]  # what the discriminator sowed besides: {'features': [B, F]}
    fake_seen: Mapping[str, Array]
    critic: Critic  # images -> logits, through the augmentation, with the real images' labels
    generate: Callable[[Latents], Array]  # other images by the generator as it is in this turn


def scene_setter(
    generation: Generation, told: tuple[str, ...], augmentation: Augmentation
) -> Callable[..., Scene]:
    """Returns `set_scene(networks, context, fakes, judge, **update) -> Scene`.

    It generates images for the labels of the batch `fakes`, and has `judge` see them beside those
    of `context.batch`; with `update=True` the generator keeps its statistics.

    Args:
      told: what of a batch the discriminator is told besides the image, such as 'label'.
      augmentation: of all that the discriminator sees.
    """

    def set_scene(
        networks: Networks, context: Context, fakes: Batch, judge: Judge, **update: bool
    ) -> Scene:
        keys = jax.random.split(context.key, 6)
        generate = partial(generation.generate, networks, train=True)
        labels = {name: fakes[name] for name in generation.told}
        latents = {**generation.latents(keys[0], fakes), **labels}
        real, fake = context.batch['image'], generate(latents, **update)

        def shown(images: Array, batch: Batch, key: Array) -> tuple[Array, ...]:
            return augmentation.apply(images, key, context), *(batch[name] for name in told)

        calls = itertools.count()  # each has units of its own left out

        def discriminate(*arguments: Array, **how) -> tuple[Array, Mapping[str, Array]]:
            dropout_key = jax.random.fold_in(keys[2], next(calls))
            logits, intermediates = networks.discriminator(
                *arguments, intermediates=True, rngs={'dropout': dropout_key}, **how
            )
            return logits, sown(intermediates)

        (real_logits, real_seen), (fake_logits, fake_seen) = judge(
            discriminate,
            shown(real, context.batch, keys[3]),
            shown(fake, fakes, keys[4]),
        )
        return Scene(
            context=context,
            key=keys[1],
            latents=latents,
            real=real,
            fake=fake,
            real_logits=real_logits,
            fake_logits=fake_logits,
            real_seen=real_seen,
            fake_seen=fake_seen,
            critic=lambda images: discriminate(*shown(images, fakes, keys[5]), train=True)[0],
            generate=generate,
        )

    return set_scene


def sown(intermediates: Any) -> Mapping[str, Array]:
    """Returns what modules sowed, by the names they gave it: of one name, the last in the tree."""
    paths = tree_util.tree_leaves_with_path(intermediates)
    names = ([key.key for key in path if hasattr(key, 'key')] for path, _ in paths)
    return {path[-1]: leaf for path, (_, leaf) in zip(names, paths)}

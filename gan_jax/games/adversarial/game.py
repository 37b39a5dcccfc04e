"""The game of Goodfellow et al. 2014, whatever parts it is put together from."""

from collections.abc import Callable, Mapping
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import losses
from gan_jax.augmenting import UNCHANGED, Augmentation
from gan_jax.game import Array, Context, Game, Loss, Networks, Phase, Report
from gan_jax.games.adversarial.generation import Generation, Latents
from gan_jax.games.adversarial.judging import Judge, in_passing
from gan_jax.games.adversarial.part import Part, Term, nothing
from gan_jax.games.adversarial.scene import Batch, Scene, scene_setter, sown


def all_of_them(fake_logits: Array, context: Context) -> Array:
    """The generator's loss is of every image that it drew."""
    return fake_logits


def adversarial(
    generation: Generation,
    discriminator: nn.Module,
    loss: losses.Adversarial,
    *,
    judge: Judge,
    told: tuple[str, ...] = (),
    augmentation: Augmentation = UNCHANGED,
    parts: tuple[Part, ...] = (),
    considered: Callable[[Array, Context], Array] = all_of_them,
    critic_updates: int = 1,
    accumulate: int = 1,
    generator_batch: int = 1,
    classes: int = 0,
    ema: bool = False,
) -> Game:
    """Returns the game of a generator against a discriminator.

    In a training step the generator moves first, as in the authors' code of SNGAN; where a paper's
    discriminator does, the two orders differ by the run's very first update. A loss of the
    generator that reads real images sees those of the discriminator's first update. What is
    generated in training has the labels of the batch's real images.

    Args:
      judge: how the discriminator sees both kinds in its own turn; see `judging.py`.
      told: what of a batch the discriminator is told besides the image, such as 'label'.
      augmentation: of all that the discriminator sees.
      parts: what else either player's loss has.
      considered: the generator's loss is of these logits of its images.
      critic_updates: the discriminator's updates for each of the generator's (n_critic).
      accumulate: microbatches averaged into every update of either player.
      generator_batch: images the generator's loss draws, as a multiple of the real batch.
      classes: of the labels, where either network is told them.
      ema: whether a moving average of the generator is kept, and sampled.
    """
    set_scene = scene_setter(generation, told, augmentation)

    def discriminator_scene(networks: Networks, context: Context) -> Scene:
        return set_scene(networks, context, context.batch, judge)

    def generator_scene(networks: Networks, context: Context) -> Scene:
        fakes = {name: _repeat(array, generator_batch) for name, array in context.batch.items()}
        return set_scene(networks, context, fakes, in_passing, update=True)

    def discriminator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        scene = discriminator_scene(networks, context)
        real, fake = scene.real_logits, scene.fake_logits
        adversary = loss.discriminator(real, fake)
        terms = _terms(parts, 'discriminator', 1)
        penalty, report = _add(terms, networks, scene)
        share = penalty / (jnp.abs(adversary) + penalty + 1e-12)
        metrics = {
            **losses.logit_metrics(real=real, fake=fake),
            **({'penalty': penalty, 'penalty_share': share} if terms else {}),
            **augmentation.metrics(context),
            **report.metrics,
        }
        return adversary + penalty, report._replace(metrics=metrics)

    def generator_loss(networks: Networks, context: Context) -> tuple[Array, Report]:
        scene = generator_scene(networks, context)
        fake_logits = considered(scene.fake_logits, context)
        # What the loss does not read of this scene, the compiler removes.
        adversary = loss.generator(scene.real_logits, fake_logits)
        value, report = _add(_terms(parts, 'generator', 1), networks, scene)
        return adversary + value, report

    def turns(player: str, loss: Loss, scene: Callable[..., Scene], **often: int) -> list[Phase]:
        turn = partial(Phase, player=player, accumulate=accumulate, **often)
        return [turn(player, loss=loss), *_lazy_phases(parts, player, scene, turn)]

    def inputs(batch: Batch) -> Mapping[str, tuple]:
        images = batch['image'], *(batch[name] for name in told)
        seen = _shapes_sown(discriminator, images) if parts else {}
        return {
            **generation.inputs(generation.latents(jax.random.key(0), batch)),
            'discriminator': images,
            **_merged(part.inputs(seen) for part in parts),
        }

    def draw(networks: Networks, latents: Latents) -> Latents:
        image = generation.generate(networks, latents, train=False)
        return {'image': image, **{name: latents[name] for name in generation.told}}

    def critic(networks: Networks, images: Array) -> Array:
        return networks.discriminator(images, train=False).reshape(-1)

    def after(extra: Mapping, metrics: Mapping[str, Array]) -> Mapping:
        for controller in (augmentation.after, *(part.after for part in parts)):
            extra = controller(extra, metrics)
        return extra

    heads = _merged(part.networks for part in parts)
    return Game(
        networks={**generation.networks, 'discriminator': discriminator, **heads},
        players={
            'generator': tuple(generation.networks),
            'discriminator': ('discriminator', *heads),
        },
        phases=(
            *turns('generator', generator_loss, generator_scene),
            *turns(
                'discriminator', discriminator_loss, discriminator_scene, repeats=critic_updates
            ),
        ),
        inputs=inputs,
        latents=generation.latents,
        draw=draw,
        extra={**augmentation.extra, **_merged(part.extra for part in parts)},
        after=after,
        ema=tuple(generation.networks) if ema else (),
        truncate=generation.truncate,
        between=generation.between,
        mixes=generation.mixes,
        critic=None if told else critic,
        classes=classes if 'label' in (*generation.told, *told) else 0,
    )


def _repeat(array: Array, times: int) -> Array:
    # In place: of a batch split over devices no example has to move.
    return array if times == 1 else jnp.repeat(array, times, axis=0)


def _terms(parts: tuple[Part, ...], player: str, interval: int) -> list[tuple[Part, Term]]:
    terms = [(part, getattr(part, player)) for part in parts if part.interval == interval]
    return [(part, term) for part, term in terms if term is not nothing]


def _lazy_phases(
    parts: tuple[Part, ...], player: str, scene: Callable[..., Scene], turn: Callable[..., Phase]
) -> list[Phase]:
    """Returns a phase for each interval that parts have besides every step."""

    def phase(interval: int) -> Phase:
        terms = _terms(parts, player, interval)

        def loss(networks: Networks, context: Context) -> tuple[Array, Report]:
            value, report = _add(terms, networks, scene(networks, context))
            return interval * value, report

        return turn('_'.join(part.name for part, _ in terms), loss=loss, interval=interval)

    intervals = sorted({part.interval for part in parts} - {1})
    return [phase(interval) for interval in intervals if _terms(parts, player, interval)]


def _add(terms: list[tuple[Part, Term]], networks: Networks, scene: Scene) -> tuple[Array, Report]:
    """Returns the sum of parts' terms, each with noise of its own, and what all of them say."""
    total, metrics, extra = jnp.zeros(()), {}, {}
    for index, (part, term) in enumerate(terms):
        key = jax.random.fold_in(scene.key, index)
        value, report = term(networks, scene._replace(key=key))
        total += value
        metrics |= {part.name: value, **report.metrics}
        extra |= report.extra
    return total, Report(metrics, extra)


def _shapes_sown(discriminator: nn.Module, images: tuple[Array, ...]) -> Mapping[str, Array]:
    """Returns zeros in the shapes of what a discriminator sows of images."""
    init = partial(discriminator.init_with_output, jax.random.key(0), mutable=True)
    _, variables = jax.eval_shape(init, *images)
    return jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), sown(variables.get('intermediates', {}))
    )


def _merged(mappings) -> dict:
    return {name: value for mapping in mappings for name, value in mapping.items()}

"""From a config to the parts of an adversarial game."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import burn_in, losses, models, penalties, priors
from gan_jax.augmenting import choose_augmentation
from gan_jax.game import Game
from gan_jax.games.adversarial.auxiliary_classifier import auxiliary_classifier
from gan_jax.games.adversarial.drift import drift
from gan_jax.games.adversarial.feature_matching import feature_matching
from gan_jax.games.adversarial.game import adversarial, all_of_them
from gan_jax.games.adversarial.generation import Generation, from_codes, from_prior
from gan_jax.games.adversarial.judging import Judge, apart, in_two_calls, together
from gan_jax.games.adversarial.latent_consistency import latent_consistency, latent_diversity
from gan_jax.games.adversarial.lecam import lecam
from gan_jax.games.adversarial.mutual_information import mutual_information
from gan_jax.games.adversarial.part import Part, penalty
from gan_jax.games.adversarial.path_length import path_length
from gan_jax.games.adversarial.scene import sown
from gan_jax.games.adversarial.style_based import style_based
from gan_jax.games.adversarial.top_k import top_k
from gan_jax.models.mixing import ACROSS_EXAMPLES
from gan_jax.usage import UsageError, choose, make


def build(config: Any) -> Game:
    """Returns the game that `config` describes; see `configs/base.py` for its fields."""
    discriminator = models.condition_discriminator(
        config.condition.discriminator,
        models.network_maker(config.networks.discriminator, **_offered(config)),
        config.data.classes,
    )
    told = _with_labels(models.told_of(discriminator), config)
    normalized, mixes_examples = _looks_across(discriminator, config, told)
    generation = choose('generation', config.generation, GENERATIONS)(config)
    parts = _build_penalties(config, normalized) + _build_terms(config, generation)
    if told:
        _need_classes('a discriminator that is told of classes', config, generation)
    return adversarial(
        generation,
        discriminator,
        _build_loss(config),
        judge=_choose_judge(mixes_examples),
        told=told,
        augmentation=choose_augmentation(config),
        parts=parts,
        considered=top_k(**config.top_k) if config.top_k.least else all_of_them,
        critic_updates=config.critic_updates,
        accumulate=config.accumulate,
        generator_batch=config.generator_batch,
        classes=config.data.classes,
        ema=bool(config.ema_decay),
    )


def _offered(config: Any) -> dict[str, Any]:
    return {
        'image_shape': (*config.data.size, config.data.channels),
        'classes': config.data.classes,
    }


def _with_labels(told: tuple[str, ...], config: Any) -> tuple[str, ...]:
    """Returns what a network is told, or finds that it wants labels and the data have none."""
    if told and not config.data.classes:
        raise UsageError(
            f'networks that are told of classes need labelled data: {config.data.name!r} has '
            'config.data.classes=0'
        )
    return told


# How a generator comes to be told of classes, by `config.generation`.
_TELLING = {
    'from_prior': "config.condition.generator='concatenate' or 'normalization'",
    'from_codes': "config.generation='from_prior', whose generator can be",
    'style_based': "config.networks.mapping.name='stylegan2.ConditionalMapping'",
}


def _need_classes(what: str, config: Any, generation: Generation) -> None:
    if 'label' not in generation.told:
        raise UsageError(
            f'{what} needs a generator that is told of them too: {_TELLING[config.generation]}'
        )


def _section(config: Any, name: str) -> Any:
    """Returns the section of a network, which another system's config may be without."""
    if name not in config.networks:
        raise UsageError(
            f'config.generation={config.generation!r} or a term needs config.networks.{name}; '
            f'this config has {", ".join(config.networks)}'
        )
    return config.networks[name]


def _unconditioned(config: Any) -> None:
    if config.condition.generator != 'none':
        raise UsageError(
            f'config.condition.generator={config.condition.generator!r} is for '
            f"config.generation='from_prior', not {config.generation!r}"
        )


def _from_prior(config: Any) -> Generation:
    generator = models.condition_generator(
        config.condition.generator,
        models.network_maker(_section(config, 'generator'), **_offered(config)),
        config.data.classes,
    )
    told = _with_labels(models.told_of(generator), config)
    return from_prior(generator, _build_prior(config), config.data.classes if told else 0)


def _from_codes(config: Any) -> Generation:
    _unconditioned(config)
    generator = models.build_network(_section(config, 'generator'), **_offered(config))
    return from_codes(generator, _build_prior(config), **config.codes)


def _style_based(config: Any) -> Generation:
    _unconditioned(config)
    mapping, synthesis = (
        models.build_network(_section(config, name), **_offered(config))
        for name in ('mapping', 'synthesis')
    )
    told = _with_labels(models.told_of(mapping), config)
    return style_based(
        mapping,
        synthesis,
        _build_prior(config),
        classes=config.data.classes if told else 0,
        mixing=config.styles.mixing,
    )


def _build_prior(config: Any) -> priors.Prior:
    return choose('prior', config.prior.name, priors.PRIORS)(config.prior.size)


GENERATIONS = {
    'from_prior': _from_prior,
    'from_codes': _from_codes,
    'style_based': _style_based,
}


def _build_penalties(config: Any, normalized: bool) -> tuple[Part, ...]:
    settings = {'gradient_penalty': dict(target=config.gradient_target)}
    weights = {name: weight for name, weight in config.penalties.items() if weight}
    if normalized and weights.keys() & penalties.GRADIENT_PENALTIES.keys():
        network = config.networks.discriminator
        way = f'{network.name} normalises over the batch'
        if 'normalization' in network:
            field = 'config.networks.discriminator.normalization'
            way = f"{field} may be any but 'batch', such as 'layer'"
        raise UsageError(
            f'a gradient penalty needs a critic that judges every image on its own: {way}'
        )
    share = burn_in.fall(config.burn_in, 'penalties')
    return tuple(
        penalty(
            choose('penalty', name, penalties.PENALTIES),
            weight,
            interval=config.intervals.penalties,
            share=share,
            **settings.get(name, {}),
        )
        for name, weight in weights.items()
    )


def _auxiliary_classifier(weight: float, config: Any, generation: Generation) -> Part:
    if not config.data.classes:
        raise UsageError('an auxiliary classifier needs labelled data: config.data.classes is 0')
    _need_classes('an auxiliary classifier of classes', config, generation)
    # It is one more layer of the discriminator, and begins as the config has the others begin.
    init = {k: v for k, v in config.networks.discriminator.items() if k == 'kernel_init'}
    head = dict(name='heads.Classifier', **init)
    return auxiliary_classifier(weight, models.build_network(head, classes=config.data.classes))


def _path_length(weight: float, config: Any, generation: Generation) -> Part:
    if generation.styles is None:
        raise UsageError("config.terms.path_length needs styles: config.generation='style_based'")
    return path_length(weight, generation.styles, config.intervals.path_length)


def _mutual_information(weight: float, config: Any, generation: Generation) -> Part:
    if config.generation != 'from_codes':
        raise UsageError(
            "config.terms.mutual_information needs codes: config.generation='from_codes'"
        )
    recognizer = models.build_network(_section(config, 'recognizer'), **config.codes)
    return mutual_information(weight, recognizer)


def _latent_consistency(weight: float, config: Any, generation: Generation) -> Part:
    return latent_consistency(weight, config.latent_noise)


def _latent_diversity(weight: float, config: Any, generation: Generation) -> Part:
    return latent_diversity(weight, config.latent_noise)


# (weight, config, generation) -> the part of that name in `config.terms`
TERMS = {
    'auxiliary_classifier': _auxiliary_classifier,
    'drift': lambda weight, *_: drift(weight),
    'mutual_information': _mutual_information,
    'path_length': _path_length,
    'lecam': lambda weight, *_: lecam(weight),
    'feature_matching': lambda weight, *_: feature_matching(weight),
    'latent_consistency': _latent_consistency,
    'latent_diversity': _latent_diversity,
}


def _build_terms(config: Any, generation: Generation) -> tuple[Part, ...]:
    return tuple(
        choose('term', name, TERMS)(weight, config, generation)
        for name, weight in config.terms.items()
        if weight
    )


def _build_loss(config: Any) -> losses.Adversarial:
    loss = make('loss', config.loss, losses.LOSSES)
    if loss.paired and config.generator_batch != 1:
        raise UsageError(
            f'loss {config.loss.name!r} takes real and generated images in pairs: '
            f'config.generator_batch={config.generator_batch} must be 1'
        )
    return loss


def _choose_judge(mixes_examples: bool) -> Judge:
    if mixes_examples:
        return apart
    # gan.py:mnist on two cores, in turns: 39 ms together, 37 in two calls.
    return in_two_calls if jax.default_backend() == 'cpu' else together


def _looks_across(network: nn.Module, config: Any, told: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether a network normalises over the batch, and whether it looks across it in any way."""
    shape = (1, *config.data.size, config.data.channels)
    labels = [jax.ShapeDtypeStruct((1,), jnp.int32) for _ in told]
    image = jax.ShapeDtypeStruct(shape, jnp.float32)
    init = partial(network.init, mutable=True)
    shapes = models.made_shapes(init, jax.random.key(0), image, *labels)
    normalized = 'batch_stats' in shapes
    return normalized, normalized or ACROSS_EXAMPLES in sown(shapes.get('intermediates', {}))

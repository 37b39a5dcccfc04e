"""How images come of latents: the generator's side of an adversarial game."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax import priors
from gan_jax.game import Array, Networks

Latents = Mapping[str, Array]


@dataclass(frozen=True)
class Generation:
    """Networks that one player moves, and how images are made by them.

    All that an image depends on is in its latents: a network's noise is drawn from numbers there.
    """

    networks: Mapping[str, nn.Module]
    inputs: Callable[[Latents], Mapping[str, tuple]]  # latents -> example arguments by network
    latents: Callable[[Array, Mapping[str, Array]], Latents]  # (key, batch) -> {'z': [B, D], ...}
    generate: Callable[..., Array]  # (networks, latents, *, train, update=False) -> images
    told: tuple[str, ...] = ()  # latents that are a real image's own in training, as its label
    truncate: Callable[[Latents, float], Latents] | None = None
    between: Callable | None = None  # (z, other, way) -> latents z between two
    mixes: Mapping[str, Callable] = field(default_factory=dict)  # see `Game`
    # (networks, latents, *, train, update=False) -> [B, L, W], where images are made by styles
    styles: Callable[..., Array] | None = None


def from_prior(generator: nn.Module, prior: priors.Prior, classes: int = 0) -> Generation:
    """Returns the usual one: z of a prior and, where there are classes, a label through a network.

    Args:
      classes: the network is `generator(z, label)`, with labels below this; 0: `generator(z)`.
    """

    def latents(key: Array, batch: Mapping[str, Any]) -> Latents:
        count = len(batch['image'])
        z = {'z': prior.draw(key, count)}
        if not classes:
            return z
        return {**z, 'label': jax.random.randint(jax.random.fold_in(key, 1), (count,), 0, classes)}

    def arguments(latents: Latents) -> tuple[Array, ...]:
        return (latents['z'], latents['label']) if classes else (latents['z'],)

    def generate(networks: Networks, latents: Latents, *, train: bool, update: bool = False):
        return networks.generator(*arguments(latents), train=train, update=update)

    def truncate(latents: Latents, threshold: float) -> Latents:
        return {**latents, 'z': prior.truncate(latents['z'], threshold)}

    return Generation(
        networks={'generator': generator},
        inputs=lambda latents: {'generator': arguments(latents)},
        latents=latents,
        generate=generate,
        told=('label',) if classes else (),
        truncate=truncate,
        between=prior.between,
    )


def from_codes(
    generator: nn.Module, prior: priors.Prior, categories: int, continuous: int
) -> Generation:
    """Returns InfoGAN's: beside z a category and continuous codes that images are to show.

    Chen et al. 2016, arXiv 1606.03657, section 7.2: c_1 ~ Cat(K), c_2 and on ~ U(-1, 1).
    """

    def latents(key: Array, batch: Mapping[str, Any]) -> Latents:
        count = len(batch['image'])
        z_key, category_key, codes_key = jax.random.split(key, 3)
        return {
            'z': prior.draw(z_key, count),
            'category': jax.random.randint(category_key, (count,), 0, categories),
            'codes': jax.random.uniform(codes_key, (count, continuous), minval=-1.0, maxval=1.0),
        }

    def joined(latents: Latents) -> Array:
        one_hot = jax.nn.one_hot(latents['category'], categories)
        return jnp.concatenate([latents['z'], one_hot, latents['codes']], axis=1)

    def generate(networks: Networks, latents: Latents, *, train: bool, update: bool = False):
        return networks.generator(joined(latents), train=train, update=update)

    return replace(
        from_prior(generator, prior),
        inputs=lambda latents: {'generator': (joined(latents),)},
        latents=latents,
        generate=generate,
    )

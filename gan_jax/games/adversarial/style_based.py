"""Images by styles: a mapping network makes them of z, a synthesis network is told them by layer.

Karras et al. 2019, arXiv 1812.04948. Latents are z, random bits of which an image's noise is made,
a label where networks are told of one, and what a caller may lay over them: `psi`, how far styles
are from their average, and `other_z`, whose styles the layers from `first` to before `stop` have.
"""

from collections.abc import Mapping
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.game import Array, Networks
from gan_jax.games.adversarial.generation import Generation, Latents
from gan_jax.priors import Prior


def style_based(
    mapping: nn.Module, synthesis: nn.Module, prior: Prior, *, classes: int = 0, mixing: float
) -> Generation:
    """Returns the generation by two networks of one player, `mapping` and `synthesis`.

    In training, images have with probability `mixing` the styles of another z from a random layer
    on (section 3.1); here each image draws that of its own, in the authors' code a batch does.

    Args:
      mapping: `(z, [label], train, psi) -> w`; its statistic is the average of w.
      synthesis: `(styles, bits, train) -> images` with its number of layers, `style_count`.
      classes: the mapping network is told labels below this; 0: it is told none.
    """
    layers = synthesis.style_count

    def latents(key: Array, batch: Mapping[str, Array]) -> Latents:
        count = len(batch['image'])
        z_key, label_key, noise_key = jax.random.split(key, 3)
        label = {'label': jax.random.randint(label_key, (count,), 0, classes)} if classes else {}
        noise = jax.random.key_data(jax.random.split(noise_key, count))
        return {'z': prior.draw(z_key, count), 'noise': noise, **label}

    def arguments(latents: Latents, prefix: str = '') -> tuple[Array, ...]:
        names = ('z', 'label') if classes else ('z',)
        return tuple(latents[prefix + name] for name in names)

    def mix(first: int, stop: int, latents: Latents, other: Latents) -> Latents:
        whose = {f'other_{name}': other[name] for name in ('z', 'label') if name in other}
        ends = jnp.broadcast_arrays(first, stop, jnp.zeros(len(latents['z']), int))
        return {**latents, **whose, 'first': ends[0], 'stop': ends[1]}

    def mix_at_random(latents: Latents) -> Latents:
        def draw(bits: Array) -> tuple[Array, Array]:
            key = jax.random.fold_in(jax.random.wrap_key_data(bits), 1)  # itself the pixels' noise
            z_key, mix_key = jax.random.split(key)
            place, lot = jax.random.uniform(mix_key, (2,))
            first = 1 + jnp.floor(place * (layers - 1)).astype(int)
            return prior.draw(z_key, 1)[0], jnp.where(lot < mixing, first, layers)

        other_z, first = jax.vmap(draw)(latents['noise'])
        return mix(first, layers, latents, {**latents, 'z': other_z})

    def styles(networks: Networks, latents: Latents, *, train: bool, update: bool = False):
        see = partial(networks.mapping, train=train, psi=latents.get('psi', 1.0))
        own = see(*arguments(latents), update=update)[:, None]
        if train and mixing:
            latents = mix_at_random(latents)
        if 'other_z' not in latents:
            return jnp.repeat(own, layers, axis=1)
        other = see(*arguments(latents, 'other_'))[:, None]
        layer = jnp.arange(layers)
        mixed = (latents['first'][:, None] <= layer) & (layer < latents['stop'][:, None])
        return jnp.where(mixed[..., None], other, own)

    def generate(networks: Networks, latents: Latents, *, train: bool, update: bool = False):
        told = styles(networks, latents, train=train, update=update)
        return networks.synthesis(told, latents['noise'], train=train, update=update)

    def inputs(latents: Latents) -> Mapping[str, tuple]:
        z, *label = arguments(latents)
        told = jnp.zeros((len(z), layers, mapping.width))
        return {'mapping': (z, *label), 'synthesis': (told, latents['noise'])}

    return Generation(
        networks={'mapping': mapping, 'synthesis': synthesis},
        inputs=inputs,
        latents=latents,
        generate=generate,
        told=('label',) if classes else (),
        truncate=lambda latents, psi: {**latents, 'psi': jnp.full(len(latents['z']), psi)},
        between=prior.between,
        mixes={name: partial(mix, *ends) for name, ends in _divisions(layers).items()},
        styles=styles,
    )


def _divisions(layers: int) -> dict[str, tuple[int, int]]:
    """Returns layers by what they decide, from the first to before the last: figure 3.

    There are two of each resolution. The paper's coarse ones are of 4x4 and 8x8, its middle ones
    of 16x16 and 32x32; smaller images have a third of their resolutions in each.
    """
    each = 2 * min(2, max(1, layers // 6))
    ends = {'coarse': (0, each), 'middle': (each, 2 * each), 'fine': (2 * each, layers)}
    return {name: (first, stop) for name, (first, stop) in ends.items() if first < stop <= layers}

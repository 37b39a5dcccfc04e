"""Growing networks against the authors' own code, and what holds while they grow."""

import jax
import numpy as np
import pytest

from gan_jax.models import progan
from tests.reference.make_progan import (
    BATCH,
    CHANNELS,
    DETAILS,
    FILE,
    LATENTS,
    MOST,
    SIZE,
    WIDTH,
    draw,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

LAST = 2  # the level of 16x16 pixels
Z, REAL = draw('z', BATCH, LATENTS), draw('real', BATCH, SIZE, SIZE, CHANNELS)


def pair(level: int, alpha: float):
    """Returns the pair at a level of which `alpha` has come."""
    fields = dict(level=level, alpha=lambda step: alpha, width=WIDTH, max_width=MOST)
    shape = (SIZE, SIZE, CHANNELS)
    return progan.Generator(image_shape=shape, **fields), progan.Discriminator(**fields)


def at_detail(lod: float):
    """Returns the level and how much of it has come; the authors count levels from the last."""
    level = LAST - int(lod)
    return level, 1 - (lod - int(lod))


def drawn(name: str, network, *inputs):
    """Returns a network's parameters, each drawn by its name."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)['params']
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: draw(
            f'{name}/{jax.tree_util.keystr(path, simple=True, separator="/")}', *leaf.shape
        ),
        shapes,
    )


@pytest.fixture(scope='module')
def params():
    generator, discriminator = pair(LAST, 1.0)
    return {
        'generator': drawn('generator', generator, Z),
        'discriminator': drawn('discriminator', discriminator, REAL),
    }


@pytest.mark.parametrize('lod', DETAILS)
def test_networks_at_every_level_are_the_authors(params, lod):
    generator, discriminator = pair(*at_detail(lod))
    images = jax.jit(generator.apply)({'params': params['generator']}, Z)
    np.testing.assert_allclose(images, AUTHORS[f'images, {lod}'], atol=1e-4)
    logits = jax.jit(discriminator.apply)({'params': params['discriminator']}, REAL)
    np.testing.assert_allclose(logits, AUTHORS[f'logits, {lod}'], atol=1e-4)

"""The augmentation pipeline of adaptive discriminator augmentation: Karras et al. 2020.

"Training Generative Adversarial Networks with Limited Data", arXiv 2006.06676, appendix B: fifteen
transformations in a row, each taken with probability p times its own multiplier. All that move
pixels are one warp and all that change colours are one matrix. Images are in [-1, 1].
"""

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.random import normal, uniform

from gan_jax.augment.bands import BAND_FILTERS, amplify, band_gains
from gan_jax.augment.warp import warp

Array = jax.Array
Size = tuple[int, int]  # height and width in pixels


def _scaling(x, y) -> Array:
    return jnp.array([[x, 0, 0], [0, y, 0], [0, 0, 1.0]])


def _translation(x, y) -> Array:
    return jnp.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def _rotation(angle) -> Array:
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])


# Geometry: from (x, y, 1) in the new image to the given one, both from the centre. u is uniform in
# [0, 1) and n is normal, one number or two.


def flip(u: Array, size: Size) -> Array:
    """Mirrored: x to -x, half of the time."""
    return _scaling(1 - 2 * jnp.floor(2 * u[0]), 1)


def quarter_turn(u: Array, size: Size) -> Array:
    """Turned by 0, 90, 180 or 270 degrees."""
    return _rotation(jnp.pi / 2 * jnp.floor(4 * u[0]))


def integer_translation(u: Array, size: Size) -> Array:
    """Moved by whole pixels, up to an eighth of the size."""
    height, width = size
    return _translation(
        -jnp.round((2 * u[0] - 1) / 8 * width), -jnp.round((2 * u[1] - 1) / 8 * height)
    )


def scale(n: Array, size: Size) -> Array:
    """Scaled by 2^(n / 5)."""
    return _scaling(jnp.exp2(-0.2 * n[0]), jnp.exp2(-0.2 * n[0]))


def rotation(u: Array, size: Size) -> Array:
    """Turned by any angle."""
    return _rotation(jnp.pi * (2 * u[0] - 1))


def anisotropic_scale(n: Array, size: Size) -> Array:
    """Scaled by 2^(n / 5) along x and by its inverse along y."""
    return _scaling(jnp.exp2(-0.2 * n[0]), jnp.exp2(0.2 * n[0]))


def fractional_translation(n: Array, size: Size) -> Array:
    """Moved by n / 8 of the size."""
    height, width = size
    return _translation(-n[0] / 8 * width, -n[1] / 8 * height)


# Colours: from (red, green, blue, 1) to new ones. The axis of greys is (1, 1, 1) / sqrt(3).

_GREYS = np.pad(np.full((3, 3), 1 / 3, np.float32), (0, 1))  # the projection onto them
_ACROSS = np.diag(np.float32([1, 1, 1, 0])) - _GREYS  # and onto what is left
# v -> greys x v.
_TURN = np.float32([[0, -1, 1, 0], [1, 0, -1, 0], [-1, 1, 0, 0], [0, 0, 0, 0]]) / 3**0.5
_ONE = np.diag(np.float32([0, 0, 0, 1]))


def brightness(n: Array, size: Size) -> Array:
    """Plus n / 5."""
    return jnp.eye(4).at[:3, 3].set(0.2 * n[0])


def contrast(n: Array, size: Size) -> Array:
    """Times 2^(n / 2)."""
    return jnp.exp2(0.5 * n[0]) * (_GREYS + _ACROSS) + _ONE


def luma_flip(u: Array, size: Size) -> Array:
    """Reflected at the plane of no luma, half of the time."""
    return (1 - 2 * jnp.floor(2 * u[0])) * _GREYS + _ACROSS + _ONE


def hue(u: Array, size: Size) -> Array:
    """Turned about the axis of greys."""
    angle = jnp.pi * (2 * u[0] - 1)
    return _GREYS + jnp.cos(angle) * _ACROSS + jnp.sin(angle) * _TURN + _ONE


def saturation(n: Array, size: Size) -> Array:
    """The distance from grey times 2^n."""
    return _GREYS + jnp.exp2(n[0]) * _ACROSS + _ONE


def _each_of_two(p: Array) -> Array:
    return 1 - jnp.sqrt(jnp.clip(1 - p, 0, 1))  # so that p is the chance of one or both


class Transformation(NamedTuple):
    """A matrix made of numbers that are drawn for each image."""

    matrix: Callable[[Array, Size], Array]
    draw: Callable  # (key, shape) -> numbers
    count: int = 1  # of numbers
    probability: Callable[[Array], Array] = lambda p: p  # of being taken


GEOMETRY = (
    Transformation(flip, uniform),
    Transformation(quarter_turn, uniform),
    Transformation(integer_translation, uniform, 2),
    Transformation(scale, normal),
    Transformation(rotation, uniform, probability=_each_of_two),
    Transformation(anisotropic_scale, normal),
    Transformation(rotation, uniform, probability=_each_of_two),
    Transformation(fractional_translation, normal, 2),
)
COLOURS = (
    Transformation(brightness, normal),
    Transformation(contrast, normal),
    Transformation(luma_flip, uniform),
    Transformation(hue, uniform),
    Transformation(saturation, normal),
)
MULTIPLIERS = (
    *dict.fromkeys(one.matrix.__name__ for one in GEOMETRY + COLOURS),
    'bands',
    'noise',
    'cutout',
)


def _taken(p: Array, key: Array, taken: Array, otherwise: Array) -> Array:
    """Examples of `taken`, each with probability p, else of `otherwise`."""
    shape = len(taken), *(1,) * (taken.ndim - 1)
    return jnp.where(uniform(key, shape) < p, taken, otherwise)


def matrices(
    transformations: tuple[Transformation, ...],
    multipliers: Mapping[str, float],
    p: Array,
    key: Array,
    batch: int,
    size: Size,
) -> list[Array]:
    """Returns each transformation's matrices [B, n, n], the identity where it is not taken."""
    drawn = []
    for index, one in enumerate(transformations):
        number_key, chance_key = jax.random.split(jax.random.fold_in(key, index))
        numbers = one.draw(number_key, (batch, one.count))
        matrix = jax.vmap(partial(one.matrix, size=size))(numbers)
        chance = one.probability(multipliers[one.matrix.__name__] * p)
        drawn.append(_taken(chance, chance_key, matrix, jnp.eye(matrix.shape[-1])))
    return drawn


# In full precision: coordinates of pixels do not fit what GPUs and TPUs multiply by default.
compose = partial(reduce, partial(jnp.matmul, precision='highest'))


def recolour(images: Array, matrix: Array) -> Array:
    """Maps the colours of images [B, H, W, C] by affine matrices [B, 4, 4].

    A grey image is a coloured one whose new colours are averaged.
    """
    to_colours = np.eye(3) if images.shape[-1] == 3 else np.ones((3, 1))
    of_colours = np.linalg.pinv(to_colours)
    product = partial(jnp.einsum, precision='highest')
    linear = product('dr,brs,sc->bdc', of_colours, matrix[:, :3, :3], to_colours)
    offset = product('dr,br->bd', of_colours, matrix[:, :3, 3])
    return product('bhwc,bdc->bhwd', images, linear) + offset[:, None, None]


def cut_out(images: Array, centre: Array, side: Array) -> Array:
    """Makes a rectangle 0: its centre [B, 2] and its sides [B, 1] are shares of the image's."""
    outside = [
        jnp.abs((jnp.arange(size) + 0.5) / size - centre[:, index, None]) >= side / 2
        for index, size in enumerate(images.shape[1:3])
    ]
    return images * (outside[0][:, :, None] | outside[1][:, None, :])[..., None]


def ada(images: Array, p: Array, key: Array, multipliers: Mapping[str, float]) -> Array:
    """Returns images [B, H, W, C], grey or RGB, each augmented on its own.

    Args:
      p: the probability of a transformation whose multiplier is 1.
      multipliers: by the names of `MULTIPLIERS`; what is 0 costs nothing where all of a kind are.
    """
    batch, size = len(images), images.shape[1:3]
    keys = jax.random.split(key, 8)

    def drawn(transformations, key):
        return matrices(transformations, multipliers, p, key, batch, size)

    def any_of(transformations):
        return any(multipliers[one.matrix.__name__] for one in transformations)

    if any_of(GEOMETRY):
        images = warp(images, compose(drawn(GEOMETRY, keys[0])))
    if any_of(COLOURS):
        images = recolour(images, compose(drawn(COLOURS, keys[1])[::-1]))
    if multipliers['bands']:
        amplitudes = jnp.exp2(normal(keys[2], (batch, len(BAND_FILTERS))))
        chance = uniform(keys[3], amplitudes.shape) < multipliers['bands'] * p
        images = amplify(images, band_gains(jnp.where(chance, amplitudes, 1)))
    if multipliers['noise']:
        sigma = 0.1 * jnp.abs(normal(keys[4], (batch, 1, 1, 1)))
        noisy = images + sigma * normal(keys[5], images.shape)
        images = _taken(multipliers['noise'] * p, keys[6], noisy, images)
    if multipliers['cutout']:
        centre_key, chance_key = jax.random.split(keys[7])
        cut = cut_out(images, uniform(centre_key, (batch, 2)), jnp.full((batch, 1), 0.5))
        images = _taken(multipliers['cutout'] * p, chance_key, cut, images)
    return images

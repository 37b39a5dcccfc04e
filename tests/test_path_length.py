"""Ways between latents, and how far images move along them."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import interpolation, metrics
from gan_jax.usage import UsageError

MIX = np.random.default_rng(1).normal(size=(6, 48)).astype(np.float32)


def pairs(count: int = 300, size: int = 6, batch: int = 100) -> list[np.ndarray]:
    """Batches of unit latents at right angles to each other, where ways begin and end."""
    latents = np.random.default_rng(0).normal(size=(count, size, 2))
    latents = np.linalg.qr(latents)[0].astype(np.float32)
    return [tuple(latents[i : i + batch].transpose(2, 0, 1)) for i in range(0, count, batch)]


def draw(latents):
    """Images that are linear in their latents, in the middle of 0 .. 255."""
    return (128 + 10 * latents @ MIX).reshape(-1, 4, 4, 3)


def length(draw=draw, interpolate=interpolation.linear, **settings) -> metrics.Estimate:
    return metrics.perceptual_path_length(draw, lambda x: x, pairs(), interpolate, **settings)


@pytest.mark.parametrize('interpolate', [interpolation.linear, interpolation.spherical])
def test_ways_lead_from_one_to_the_other(interpolate):
    start, end = np.random.default_rng(0).normal(size=(2, 5, 4))
    for way, latents in ((0.0, start), (1.0, end)):
        np.testing.assert_allclose(
            interpolate(start, end, np.full((5, 1), way)), latents, rtol=1e-5
        )


def test_arcs_stay_on_the_sphere_and_are_even():
    (start, end), *_ = pairs()
    for way in (0.25, 0.5, 0.9):
        at = interpolation.spherical(start, end, way)
        np.testing.assert_allclose(np.linalg.norm(at, axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(np.sum(at * start, axis=1), np.cos(way * np.pi / 2), atol=1e-5)


def test_arcs_between_latents_of_one_direction_or_of_nearly_one():
    start = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    for end in (start, 2 * start, -start, start * (1 + 1e-4 * np.arange(4, dtype=np.float32))):
        at = interpolation.spherical(start, end, 0.5)
        np.testing.assert_allclose(at, (start + end) / 2, atol=1e-5)


def test_a_linear_path_is_as_long_as_it_is():
    """|A (z' - z)|^2, whatever epsilon is, but for two of three hundred at either end."""
    start, end = (np.concatenate(latents) for latents in zip(*pairs()))
    exact = np.square((end - start) @ (10 * MIX)).sum(axis=1)
    exact = np.sort(exact)[2:-2].mean()
    for epsilon in (1e-4, 1e-3):
        said = length(epsilon=epsilon)
        assert said.value == pytest.approx(exact, rel=2e-3)
        assert said.low < exact < said.high


def test_an_arc_is_longer_than_its_chord():
    """By (pi / 2)^2 / 2 at right angles, on the whole: of speeds pi / 2 and the root of two."""

    def identity(latents):
        return latents

    arc, chord = length(identity, interpolation.spherical), length(identity)
    assert chord.value == pytest.approx(2, rel=2e-3)
    assert arc.value == pytest.approx(np.pi**2 / 4, rel=2e-3)


def test_outliers_are_left_out():
    """One pair of three hundred whose images leap."""
    leaps = iter([1, 1e4, 1, 1, 1, 1])

    def leaping(latents):
        return draw(latents).at[0].mul(next(leaps))

    assert length(leaping).value == pytest.approx(length().value, rel=0.02)


def test_rounded_images_make_a_smooth_path_longer_by_far():
    """A step of one of 255 is rare, and 1 / epsilon^2 what it costs."""
    assert length(lambda latents: jnp.round(draw(latents))).value > 40 * length().value
    with pytest.raises(UsageError, match='a path length needs images of floating-point numbers'):
        length(lambda latents: draw(latents).astype(jnp.uint8))

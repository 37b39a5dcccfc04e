"""Mixtures of Gaussians: what is measured of samples, and a loss that leaves no mode out."""

import math

import jax
import numpy as np
import pytest

from benchmarks.toys import MIXTURES, Method, train

RING = MIXTURES['ring']
every_mixture = pytest.mark.parametrize('name, modes', (('ring', 8), ('grid', 25)))


@every_mixture
def test_draws_of_the_mixture_itself_cover_all_of_it(name, modes):
    """Within three deviations in the plane are 1 - exp(-9 / 2) of them."""
    points = np.asarray(MIXTURES[name].draw(jax.random.key(0), 20_000))
    said = MIXTURES[name].judge(points)
    assert said['modes'] == modes
    assert abs(said['high_quality'] - (1 - math.exp(-9 / 2))) < 0.005
    assert said['reverse_kl'] < 0.005


def test_one_mode_of_eight_is_log_eight_from_all():
    points = RING.centres[3] + np.zeros((100, 2))
    assert RING.judge(points) == {
        'modes': 1,
        'high_quality': 1.0,
        'reverse_kl': round(math.log(8), 4),
    }


def test_samples_beside_the_modes_are_of_no_quality():
    said = RING.judge(RING.centres * 1.05)  # 0.1 away: five deviations
    assert said == {'modes': 0, 'high_quality': 0.0, 'reverse_kl': None}


def test_the_paired_loss_covers_the_ring_where_the_plain_one_misses_modes():
    """R3GAN's loss with R1 and R2 against the non-saturating one, all else being equal."""
    paired, plain = Method('relativistic', {'r1': 0.1, 'r2': 0.1}), Method('non_saturating')
    covered, plainly_covered = (
        sum(RING.judge(points)['modes'] for points in train(RING, method, 2000, seeds=2))
        for method in (paired, plain)
    )
    assert covered > plainly_covered + 6  # of 16


def test_each_players_rate_falls_over_its_own_updates():
    """A critic that stops early is no judge: samples of WGAN-GP would go ever further away."""
    critic = Method('wasserstein', {'gradient_penalty': 0.1}, critic_updates=5)
    (points,) = train(MIXTURES['grid'], critic, 300, 1, width=32)
    assert 2 < np.std(points) < 4  # the grid's own is 2 sqrt(2)

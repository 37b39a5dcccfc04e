"""Which of a mixture's modes each loss covers: a ring of 8 Gaussians and a grid of 25.

    python -m benchmarks.toys [--mixtures ring,grid] [--steps 5000] [--seeds 3]

Mixtures and measures are those of Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761, section 4.1: of
2,500 samples those within three deviations of the nearest mode are of high quality; a mode that has
one of these is covered. The reverse KL is of their shares among the modes, against equal ones.
Points are images of one pixel and two channels, at a fifth of their size. Every loss trains the
same perceptrons with the same optimiser for as many steps. Writes `../results/toys.json` and, per
mixture, a picture of the first seed's samples.
"""

from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from benchmarks import measure
from gan_jax.game import Array, Game
from gan_jax.games.adversarial.game import adversarial
from gan_jax.games.adversarial.generation import from_prior
from gan_jax.games.adversarial.judging import together
from gan_jax.games.adversarial.part import penalty
from gan_jax.losses import LOSSES
from gan_jax.metrics.classes import mode_coverage
from gan_jax.models import layers, mlp
from gan_jax.penalties import PENALTIES
from gan_jax.priors import gaussian
from gan_jax.step import init_state, make_sampler, make_train_step

RESULTS = measure.RESULTS.parent.parent / 'results'
BATCH, SAMPLES = 128, 2500
SCALE = 5.0  # of the points, against what the networks see


class Mixture(NamedTuple):
    """Gaussians of equal shares."""

    centres: np.ndarray  # [modes, 2]
    deviation: float

    def draw(self, key: Array, count: int) -> Array:
        """Returns points, [n, 2]."""
        of, noise = jax.random.split(key)
        centres = jax.random.choice(of, jnp.asarray(self.centres), (count,))
        return centres + self.deviation * jax.random.normal(noise, (count, 2))

    def measure(self, points: np.ndarray) -> dict[str, float]:
        """Returns the modes that points [n, 2] cover, the share of good ones and the reverse KL."""
        distances = np.linalg.norm(points[:, None] - self.centres, axis=-1)
        nearest, good = distances.argmin(1), distances.min(1) < 3 * self.deviation
        said = {'modes': 0, 'high_quality': round(float(good.mean()), 4), 'reverse_kl': None}
        if good.any():
            coverage = mode_coverage(nearest[good], np.ones(len(self.centres)))
            said |= {'modes': coverage.seen, 'reverse_kl': round(coverage.divergence.value, 4)}
        return said


_ANGLES = 2 * np.pi * np.arange(8) / 8
MIXTURES = {
    'ring': Mixture(2 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1), 0.02),
    'grid': Mixture(np.stack(np.meshgrid(*2 * [np.arange(-4.0, 5, 2)]), -1).reshape(-1, 2), 0.05),
}


class Method(NamedTuple):
    """A loss with weighted penalties."""

    loss: str
    penalties: Mapping[str, float] = {}

    def __str__(self) -> str:
        return ' + '.join([self.loss, *self.penalties])


METHODS = (
    Method('minimax'),
    Method('non_saturating'),
    Method('least_squares'),
    Method('hinge'),
    Method('relativistic'),
    Method('wasserstein', {'gradient_penalty': 10.0}),
    Method('non_saturating', {'r1': 0.1}),
    Method('hinge', {'r1': 0.1}),
    Method('non_saturating', {'r1': 0.1, 'r2': 0.1}),
    Method('relativistic', {'r1': 0.1, 'r2': 0.1}),
)


def make_game(method: Method) -> Game:
    """Returns the game of a method, with three hidden layers in both perceptrons."""
    fields = dict(widths=(128, 128), kernel_init=nn.initializers.he_normal())
    return adversarial(
        from_prior(mlp.Generator(image_shape=(1, 1, 2), **fields), gaussian(2)),
        mlp.Discriminator(weights=layers.plain, **fields),
        LOSSES[method.loss](),
        judge=together,
        parts=tuple(penalty(PENALTIES[n], weight) for n, weight in method.penalties.items()),
    )


def train(mixture: Mixture, method: Method, steps: int, seed: int) -> np.ndarray:
    """Returns what is drawn after so many steps, [SAMPLES, 2]."""
    game = make_game(method)
    rate = optax.cosine_decay_schedule(1e-3, steps)
    optimizers = {player: optax.adam(rate, b1=0.0, b2=0.9) for player in game.players}
    take = make_train_step(game, optimizers, seed=seed)

    def step(state, key):
        points = mixture.draw(key, BATCH).reshape(1, BATCH, 1, 1, 2) / SCALE
        state, _ = take(state, {'image': points}, (True, True))
        return state, None

    @jax.jit
    def run(key):
        init_key, data_key, sample_key = jax.random.split(key, 3)
        state = init_state(game, optimizers, {'image': jnp.zeros((BATCH, 1, 1, 2))}, init_key)
        state, _ = lax.scan(step, state, jax.random.split(data_key, steps))
        samples = make_sampler(game)(state, {'image': jnp.zeros((SAMPLES, 1, 1, 2))}, sample_key)
        return samples['image'].reshape(-1, 2) * SCALE

    return np.asarray(run(jax.random.key(seed)))

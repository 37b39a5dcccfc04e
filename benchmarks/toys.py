"""Which of a mixture's modes each loss covers: a ring of 8 Gaussians and a grid of 25.

    python -m benchmarks.toys [--mixtures ring,grid] [--steps 10000] [--seeds 3]

Mixtures and measures are those of Srivastava et al. 2017 (VEEGAN), arXiv 1705.07761: of 2,500
samples those within three deviations of the nearest mode are of high quality, and a mode that has
one of these is covered; the reverse KL is of their shares among the modes, from equal ones.

Points are images of one pixel and two channels, scaled to a variance of about 1. Networks are those
of Gulrajani et al. 2017 and their code, a quarter as wide: three hidden layers, points without a
bound, and for the grid two latents; the ring is drawn of sixteen, which makes it easy to miss
modes. Every loss trains the same ones with the same optimiser for as
many steps, Wasserstein's with five updates of the critic in each. Writes `../results/toys.json`
and, per mixture, a picture of the first seed's samples.
"""

import argparse
import json
import math
import time
from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from PIL import Image, ImageDraw

from benchmarks import measure
from gan_jax import tuning
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

BATCH, SAMPLES = 64, 2500
SCALE = 2 * math.sqrt(2)  # of the points, against what the networks see
POINT = (1, 1, 2)  # the shape of one


class Mixture(NamedTuple):
    """Gaussians of equal shares."""

    centres: np.ndarray  # [modes, 2]
    deviation: float
    latents: int  # of which it is learnt

    def draw(self, key: Array, count: int) -> Array:
        """Returns points, [n, 2]."""
        choice, noise = jax.random.split(key)
        centres = jax.random.choice(choice, jnp.asarray(self.centres), (count,))
        return centres + self.deviation * jax.random.normal(noise, (count, 2))

    def judge(self, points: np.ndarray) -> dict[str, float | None]:
        """Returns what points [n, 2] cover; see above."""
        distances = np.linalg.norm(points[:, None] - self.centres, axis=-1)
        nearest, good = distances.argmin(1), distances.min(1) < 3 * self.deviation
        if not good.any():
            return {'modes': 0, 'high_quality': 0.0, 'reverse_kl': None}
        coverage = mode_coverage(nearest[good], np.ones(len(self.centres)))
        return {
            'modes': coverage.seen,
            'high_quality': round(float(good.mean()), 4),
            'reverse_kl': round(float(coverage.divergence.value), 4),
        }


def _ring(radius: float, modes: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(modes) / modes
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _grid(spacing: float, side: int) -> np.ndarray:
    along = spacing * (np.arange(side) - (side - 1) / 2)
    return np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)


MIXTURES = {'ring': Mixture(_ring(2, 8), 0.02, 16), 'grid': Mixture(_grid(2, 5), 0.05, 2)}


class Method(NamedTuple):
    """A loss with weighted penalties."""

    loss: str
    penalties: Mapping[str, float] = {}
    critic_updates: int = 1  # of the discriminator in a step

    def __str__(self) -> str:
        return ' + '.join([self.loss, *self.penalties])


METHODS = (
    Method('minimax'),
    Method('non_saturating'),
    Method('least_squares'),
    Method('wasserstein', {'gradient_penalty': 0.1}, critic_updates=5),  # the authors' toys'
    Method('hinge', {'r1': 0.1}),
    Method('relativistic', {'r1': 0.1, 'r2': 0.1}),  # R3GAN's
)


def train(mixture: Mixture, method: Method, steps: int, seeds: int, width: int = 128) -> np.ndarray:
    """Returns what each seed draws after so many steps, [seeds, SAMPLES, 2]."""
    game = _make_game(mixture, method, width)
    updates = {'generator': steps, 'discriminator': steps * method.critic_updates}
    optimizers = {
        player: optax.adam(optax.cosine_decay_schedule(1e-3, count), b1=0.5, b2=0.9)
        for player, count in updates.items()
    }

    def points(count):
        return {'image': jnp.zeros((count, *POINT))}

    def run(seed):
        take = make_train_step(game, optimizers, seed=seed)
        init_key, data_key, sample_key = jax.random.split(jax.random.key(seed), 3)

        def step(state, key):
            drawn = mixture.draw(key, game.microbatches * BATCH) / SCALE
            state, _ = take(state, {'image': drawn.reshape(-1, BATCH, *POINT)}, game.due(0))
            return state, None

        state = init_state(game, optimizers, points(BATCH), init_key)
        state, _ = lax.scan(step, state, jax.random.split(data_key, steps))
        drawn = make_sampler(game)(state, points(SAMPLES), sample_key)
        return drawn['image'].reshape(SAMPLES, 2) * SCALE

    return np.asarray(jax.jit(jax.vmap(run))(jnp.arange(seeds)))


class Points(nn.Module):
    """Dense layers and ReLU: z [B, Z] -> images of one pixel, [B, 1, 1, 2]."""

    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        for width in self.widths:
            z = nn.relu(nn.Dense(width, kernel_init=nn.initializers.he_normal())(z))
        return nn.Dense(2)(z).reshape(-1, *POINT)


def _make_game(mixture: Mixture, method: Method, width: int) -> Game:
    widths = (width,) * 3
    return adversarial(
        from_prior(Points(widths), gaussian(mixture.latents)),
        mlp.Discriminator(widths, layers.plain, nn.initializers.he_normal()),
        LOSSES[method.loss](),
        judge=together,
        parts=tuple(penalty(PENALTIES[name], w) for name, w in method.penalties.items()),
        critic_updates=method.critic_updates,
    )


def draw_picture(mixture: Mixture, drawn: Mapping[str, np.ndarray], size: int = 240) -> Image.Image:
    """Returns a panel for each method, three in a row: rings around the modes, and its samples."""
    rows = -(-len(drawn) // 3)
    picture = Image.new('RGB', (3 * size, rows * (size + 20)), 'white')
    pen = ImageDraw.Draw(picture)
    reach = 1.2 * np.abs(mixture.centres).max()
    for index, (name, points) in enumerate(drawn.items()):
        corner = np.array([index % 3 * size, index // 3 * (size + 20) + 20])
        pen.text((corner[0] + 6, corner[1] - 14), name, fill='black')
        pen.rectangle([*corner + 2, *corner + size - 3], outline='lightgrey')

        def place(points, corner=corner):
            inside = np.clip((points + reach) / (2 * reach), 0.01, 0.99)
            return corner + inside * size

        for centre in place(mixture.centres):
            pen.ellipse([*centre - 5, *centre + 5], outline='orangered')
        pen.point([tuple(point) for point in place(points)], fill='navy')
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--mixtures', default=','.join(MIXTURES))
    parser.add_argument('--steps', type=int, default=10_000)
    parser.add_argument('--seeds', type=int, default=3)
    arguments = parser.parse_args()
    tuning.prepare()
    out = measure.SHOWN / 'toys.json'
    for name in arguments.mixtures.split(','):
        mixture, said, drawn = MIXTURES[name], {}, {}
        for method in METHODS:
            begin = time.perf_counter()
            runs = train(mixture, method, arguments.steps, arguments.seeds)
            seconds = round(time.perf_counter() - begin, 1)
            drawn[str(method)] = runs[0]
            judged = [mixture.judge(points) for points in runs]
            said[str(method)] = {**method._asdict(), 'seconds': seconds, 'runs': judged}
            print(f'{name:5} {str(method):32} {seconds:6} s', judged, flush=True)
        results = json.loads(out.read_text()) if out.exists() else {}
        results[name] = {'steps': arguments.steps, 'methods': said, **measure.origin('toys')}
        out.write_text(json.dumps(dict(sorted(results.items())), indent=1) + '\n')
        draw_picture(mixture, drawn).save(measure.SHOWN / f'toys-{name}.png')


if __name__ == '__main__':
    main()

"""Shows what the norm loss does to gradients: `configs/progan_norm.py` with it and without.

    python -m benchmarks.norm_loss [--steps N]

The digits, the same seed. The norms are of the gradient of the adversarial loss alone, over all
weights of a player, before the norm loss adds its own; of the weights too. Writes
`results/norm_loss.json` and, beside the README's pictures, `norm_loss.png`.
"""

import argparse
import tempfile
from pathlib import Path

import jax
import numpy as np
import optax
from benchmarks.train_digits import RESULTS
from PIL import Image, ImageDraw, ImageFont

from benchmarks import measure
from configs import progan_norm
from gan_jax.analysis import record
from gan_jax.train import train

PLAYERS = 'generator', 'discriminator'
COLOURS = {'with': (216, 96, 16), 'without': (40, 92, 160)}
PANEL, MARGIN = (560, 340), (70, 40)  # pixels: a panel, and what is left of and above its axes
INK, PAPER, GRID = (40, 40, 40), 'white', (225, 225, 225)


def run(weighted: bool, steps: int) -> dict:
    """Returns the steps that were logged, the norms at them, and the weights' norms at the end."""
    config = progan_norm.get_config()
    config.steps = steps or config.steps
    config.log.every = max(1, config.steps // 80)
    if not weighted:
        for player in PLAYERS:
            config.optimizers[player].update(l1=0.0, l2=0.0)
    with tempfile.TemporaryDirectory() as folder:
        state = train(config, folder)
        history = record.read_history(Path(folder))
    series = {p: record.series(history, f'{p}/gradient_norm') for p in PLAYERS}
    late = {p: values[len(values) // 2 :] for p, (_, values) in series.items()}
    return {
        'l1_l2': [config.optimizers.generator.l1, config.optimizers.generator.l2],
        'steps': [int(step) for step in series['generator'][0]],
        'gradient_norm': {p: [round(float(v), 5) for v in series[p][1]] for p in PLAYERS},
        'median_of_the_second_half': {p: round(float(np.median(late[p])), 5) for p in PLAYERS},
        'weight_norm': {p: round(float(optax.tree.norm(state.params[p])), 3) for p in PLAYERS},
        'sum_of_magnitudes': {
            p: round(float(sum(abs(w).sum() for w in jax.tree.leaves(state.params[p]))), 1)
            for p in PLAYERS
        },
    }


def draw(runs: dict[str, dict]) -> Image.Image:
    """Returns a panel per player: gradient norms over steps, on a logarithmic scale."""
    picture = Image.new('RGB', (len(PLAYERS) * PANEL[0], PANEL[1]), PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    for index, player in enumerate(PLAYERS):
        left, top = index * PANEL[0] + MARGIN[0], MARGIN[1]
        width, height = PANEL[0] - MARGIN[0] - 20, PANEL[1] - 2 * MARGIN[1] - 10
        every = np.concatenate([said['gradient_norm'][player] for said in runs.values()])
        low, high = np.floor(np.log10(every.min())), np.ceil(np.log10(every.max()))
        end = runs['with']['steps'][-1]

        def place(step, value):
            """Pixels of a point of this panel."""
            share = (np.log10(value) - low) / (high - low)  # noqa: B023
            return left + width * step / end, top + height * (1 - share)  # noqa: B023

        for power in np.arange(low, high + 1):
            at = place(0, 10**power), place(end, 10**power)
            pen.line(at, GRID)
            pen.text((left - 8, at[0][1]), f'{10**power:g}', INK, font, anchor='rm')
        for step in (0, end // 2, end):
            pen.text((place(step, 10**low)[0], top + height + 8), f'{step:,}', INK, font, 'mt')
        pen.text((left + width / 2, PANEL[1] - 8), 'step', INK, font, anchor='mb')
        pen.text((left, 12), f'{player}: norm of the gradient', INK, font)
        for line, (name, said) in enumerate(runs.items()):
            points = [place(*pair) for pair in zip(said['steps'], said['gradient_norm'][player])]
            pen.line(points, COLOURS[name], 2, joint='curve')
            right = left + width - 150
            pen.line(
                [(right, top + 12 + 20 * line), (right + 20, top + 12 + 20 * line)],
                COLOURS[name],
                3,
            )
            pen.text((right + 28, top + 12 + 20 * line), f'{name} norm loss', INK, font, 'lm')
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=0, help="the preset's by default")
    arguments = parser.parse_args()
    runs = {name: run(name == 'with', arguments.steps) for name in COLOURS}
    for name, said in runs.items():
        print(name, {key: said[key] for key in said if key not in ('steps', 'gradient_norm')})
    measure.write(measure.RESULTS / 'norm_loss.json', 'norm_loss', {'runs': runs})
    draw(runs).save(RESULTS / 'norm_loss.png')


if __name__ == '__main__':
    main()

"""Shows what the norm loss does to gradients: `configs/progan_norm.py` with it and without.

    python -m benchmarks.norm_loss [--seeds 0,1,2] [--steps N]

The digits; each seed with it and without. The norms are of the gradient of the adversarial loss
alone, over all weights of a player, before the norm loss adds its own; of the weights too. Writes
`results/norm_loss.json` and, beside the README's pictures, `norm_loss.png`. Needs matplotlib.
"""

import argparse
import tempfile
from pathlib import Path

import jax
import numpy as np
import optax
from matplotlib.figure import Figure

from benchmarks import measure
from configs import progan_norm
from gan_jax.analysis import record
from gan_jax.train import train

PLAYERS = 'generator', 'discriminator'
COLOURS = {'with': 'C0', 'without': 'C1'}
WINDOW = 11


def run(weighted: bool, seed: int, steps: int) -> dict:
    """Returns the steps that were logged, the norms at them, and the weights' norms at the end."""
    config = progan_norm.get_config()
    config.seed = seed
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
        'seed': seed,
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


def draw(runs: dict[str, list[dict]]) -> Figure:
    """Returns a panel per player: each seed's gradient norms, pale, and their running median."""
    figure = Figure(figsize=(9, 3), layout='constrained')
    for axes, player in zip(figure.subplots(1, len(PLAYERS)), PLAYERS):
        for name, of_seeds in runs.items():
            steps = of_seeds[0]['steps']
            norms = np.array([said['gradient_norm'][player] for said in of_seeds])
            axes.semilogy(steps, norms.T, color=COLOURS[name], alpha=0.25, linewidth=0.7)
            axes.semilogy(
                steps, running_median(norms), color=COLOURS[name], label=f'{name} norm loss'
            )
        axes.set_title(player, fontsize='medium')
        axes.set_xlabel('training steps')
        axes.set_ylabel('norm of the gradient')
        axes.spines[['top', 'right']].set_visible(False)
    axes.legend(frameon=False, fontsize='small')
    return figure


def running_median(norms: np.ndarray) -> np.ndarray:
    """Returns the median over seeds and WINDOW logged steps, [steps] of [seeds, steps]."""
    reach = WINDOW // 2
    return np.array(
        [np.median(norms[:, max(0, i - reach) : i + reach + 1]) for i in range(norms.shape[1])]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seeds', default='0,1,2')
    parser.add_argument('--steps', type=int, default=0, help="the preset's by default")
    arguments = parser.parse_args()
    runs = {name: [] for name in COLOURS}
    for seed in map(int, arguments.seeds.split(',')):
        for name, of_seeds in runs.items():
            said = run(name == 'with', seed, arguments.steps)
            of_seeds.append(said)
            shown = {key: said[key] for key in said if key not in ('steps', 'gradient_norm')}
            print(name, shown, flush=True)
    measure.write(measure.RESULTS / 'norm_loss.json', 'norm_loss', {'runs': runs})
    draw(runs).savefig(measure.SHOWN / 'norm_loss.png', dpi=110)


if __name__ == '__main__':
    main()

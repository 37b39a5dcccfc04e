"""How much a growing run's grid changes from one picture to the next, and where stages begin.

    python main.py --config=configs/progan.py:mnist --config.log.samples_every=25 \\
        --workdir=runs/growing
    python -m benchmarks.growth runs/growing

The same latents are drawn every time. Writes `results/progan-growth.png`: above, a few of the
images as each stage ends; below, the mean absolute difference of successive grids, of 255, with a
line where a stage begins. Also prints the largest change over the start of a stage, and the largest
within one. Needs matplotlib.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from benchmarks import measure
from gan_jax.analysis import record
from gan_jax.stages import split
from gan_jax.workdir import read_config

COLUMNS = 2  # of a grid's images, shown of each stage
LINE = '#c44e52'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('run')
    arguments = parser.parse_args()
    config = read_config(arguments.run)
    stages = split(config)
    if len(stages) == 1:
        raise SystemExit(f'the run in {arguments.run!r} has one stage: it does not grow')
    grids = {
        step: np.asarray(Image.open(file).convert('L'), np.float32)
        for step, file in record.sample_files(Path(arguments.run)).items()
    }
    starts = [stage.start for stage in stages[1:]]
    steps, changes, over = changes_between(grids, starts)
    said = {
        'steps': config.steps,
        'steps_between_grids': int(np.diff(steps).min()),
        'stages_begin_at': starts,
        'changes_over_a_start': [round(float(change), 2) for change in changes[over]],
        'largest_change_over_a_start': round(float(changes[over].max()), 2),
        'largest_change_within_a_stage': round(float(changes[~over].max()), 2),
        'median_change_within_a_stage': round(float(np.median(changes[~over])), 2),
    }
    print(json.dumps(said, indent=1))
    measure.write(measure.RESULTS / 'growth.json', 'growth', said)
    draw(grids, config.log.grid[0], steps, changes, [stage.steps for stage in stages], starts)


def changes_between(
    grids: Mapping[int, np.ndarray], starts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what there is between successive grids.

    Args:
      grids: by the step after which each was drawn.
      starts: of stages.

    Returns:
      the grids' steps [N], the mean absolute changes [N - 1], and whether a stage begins in each
      [N - 1]: the first of two grids was drawn before its first step.
    """
    steps = np.array(sorted(grids))
    pairs = list(zip(steps, steps[1:]))
    changes = np.array([np.abs(grids[after] - grids[before]).mean() for before, after in pairs])
    over = np.array([any(a <= start < b for start in starts) for a, b in pairs])
    return steps, changes, over


def draw(
    grids: dict, rows: int, steps: np.ndarray, changes: np.ndarray, ends: list, starts: list
) -> None:
    """Draws the figure; `rows` are those of a grid."""
    figure = Figure(figsize=(8, 5), layout='constrained')
    above, below = figure.subfigures(2, 1, height_ratios=(1.4, 1))
    for axes, end in zip(above.subplots(1, len(ends)), ends):
        grid = grids[steps[steps <= end].max()]
        side = grid.shape[0] // rows
        axes.imshow(grid[: 2 * COLUMNS * side, : COLUMNS * side], cmap='gray', vmin=0, vmax=255)
        axes.set_title(f'step {steps[steps <= end].max():,}', fontsize=9)
        axes.set_axis_off()
    axes = below.subplots()
    for start in starts:
        axes.axvline(start, color=LINE, linewidth=0.8)
    axes.plot(steps[1:], changes, linewidth=0.9)
    axes.set_ylim(bottom=0)
    axes.set_xlabel('training steps; a line where a stage begins')
    axes.set_ylabel('change of the grid')
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(measure.SHOWN / 'progan-growth.png', dpi=110)


if __name__ == '__main__':
    main()

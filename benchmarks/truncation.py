"""What truncation takes of a run's variety and gives to its quality, as its evaluations have it.

    for t in 0 1.0 0.5 0.25; do python main.py --config=configs/biggan.py --mode=eval \\
        --config.eval.truncation=$t --config.eval.scores=fid,precision_recall; done
    python -m benchmarks.truncation runs/biggan

Writes `benchmarks/results/truncation.json` and `results/biggan-truncation.png`. Needs matplotlib.
"""

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks import measure

NAMES = 'fid', 'precision', 'recall'


def by_threshold(folder: Path) -> dict[str, dict[str, float]]:
    """Returns the newest step's scores by truncation, from 'none' to the closest."""
    files = sorted((folder / 'eval').glob('*.json'))
    newest = [file for file in files if file.name[:8] == files[-1].name[:8]]
    found = {}
    for file in newest:
        said = json.loads(file.read_text())
        scores = {name.rstrip('0123456789k'): score for name, score in said['scores'].items()}
        if set(NAMES) <= set(scores):
            found[said['protocol']['truncation']] = {
                name: round(scores[name]['value'], 3) for name in NAMES
            }
    return {
        str(threshold or 'none'): found[threshold]
        for threshold in sorted(found, key=lambda threshold: -(threshold or 1e9))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('run', type=Path)
    scores = by_threshold(parser.parse_args().run)
    measure.write(measure.RESULTS / 'truncation.json', 'truncation', {'scores': scores})
    figure = Figure(figsize=(4, 3), layout='constrained')
    axes = figure.subplots()
    recall, precision = (
        [said[name] for said in scores.values()] for name in ('recall', 'precision')
    )
    axes.plot(recall, precision, marker='o')
    for x, y, threshold in zip(recall, precision, scores):
        axes.annotate(f' {threshold}', (x, y))
    axes.set_xlabel('recall: variety')
    axes.set_ylabel('precision: quality')
    axes.margins(0.15)
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(measure.SHOWN / 'biggan-truncation.png', dpi=110)


if __name__ == '__main__':
    main()

"""Measures what residual blocks are for: `configs/snovengan.py` with their shortcuts and without.

    python -m benchmarks.shortcuts [--seeds 0,1,2]

The digits, the same widths, depth and steps: without, a block's shortcut is left out of its sum,
which leaves a plain network. Scores are by the classifier of the digits and, of confidence and of
the smallest class, by `judge_digits.py`. Writes `results/shortcuts.json`; other seeds stay there.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import measure
from benchmarks.judge_digits import judge

CONFIG = 'configs/snovengan.py'
KINDS = {'residual': 'residual blocks', 'none': 'plain blocks'}


PLAYERS = 'generator', 'discriminator'


def train(shortcut: str, seed: int, folder: Path) -> dict[str, float]:
    """Returns the scores of a run's samples; a run that is in the folder already goes on."""
    run = [sys.executable, 'main.py', f'--config={CONFIG}', f'--workdir={folder / "run"}']
    run += [f'--config.networks.{player}.shortcut={shortcut}' for player in PLAYERS]
    run += [f'--config.seed={seed}', '--config.eval.scores=fid,kid']
    file = folder / 'samples.npz'
    for mode in ([], ['--mode=eval'], ['--mode=sample', '--num=2000', f'--out={file}']):
        subprocess.run([*run, *mode], check=True, stdout=subprocess.DEVNULL)
    (scores,) = (folder / 'run' / 'eval').glob('*.json')
    said = judge(np.load(file)['image'])
    return {
        **{
            name: score['value'] for name, score in json.loads(scores.read_text())['scores'].items()
        },
        'confidence': said['mean_confidence'],
        'smallest_share': said['smallest_share'],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seeds', default='0,1,2')
    arguments = parser.parse_args()
    out = measure.RESULTS / 'shortcuts.json'
    runs = json.loads(out.read_text())['runs'] if out.exists() else {}
    for seed in arguments.seeds.split(','):
        for shortcut, kind in KINDS.items():
            with tempfile.TemporaryDirectory() as folder:
                scores = train(shortcut, int(seed), Path(folder))
            runs.setdefault(kind, {})[seed] = scores
            print(kind, seed, scores, flush=True)
        means = {
            kind: {
                name: statistics.mean(scores[name] for scores in by_seed.values())
                for name in next(iter(by_seed.values()))
            }
            for kind, by_seed in runs.items()
        }
        measure.write(out, 'shortcuts', {'means': means, 'runs': runs})


if __name__ == '__main__':
    main()

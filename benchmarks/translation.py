"""Translates scans that no training has seen, and asks whether they stay what they were.

    python main.py --config=configs/cyclegan.py
    python main.py --config=configs/pix2pix.py
    python main.py --config=configs/pix2pix.py --config.terms.adversarial=0 --workdir=runs/l1
    python -m benchmarks.translation runs/cyclegan runs/pix2pix runs/l1

Of each run of the embedded digits, at its newest checkpoint and untrained: the mean absolute
difference of translations and the true scans, of 255, and the share of which the class is right by
the classifier of the scans as they are stored, which has learnt from those that training sees;
images are averaged to its 8x8 pixels. Translations out of the digits are set upright and turned
positive first. Sharpness is the mean difference of neighbouring pixels, by that of the true scans.
Also what a cycle loses, as training logs it.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from benchmarks import measure
from gan_jax import tuning
from gan_jax.build import make_initial_state
from gan_jax.data import open_examples
from gan_jax.data.changes import SLANT, slant
from gan_jax.evaluation.extractors import data_classifier
from gan_jax.metrics import Extractor, accuracy
from gan_jax.run import Run, load_run


def open_pairs(data: ConfigDict, **other: str) -> dict[str, np.ndarray]:
    """Returns the scans that training does not see, and their counterparts."""
    other = {**data.other, 'split': data.held_out, **other}
    examples = open_examples(ConfigDict({**data, 'split': data.held_out, 'other': other}))
    return examples.read(0, len(examples))


def classifier(data: ConfigDict) -> Extractor:
    """Returns the classifier of the scans that training may see."""
    alone = {**data.other, 'relation': 'none'}
    scans = {**data, 'split': 'train[:80%]', 'size': (8, 8), 'other': alone}
    return data_classifier(ConfigDict({'data': scans}))


def right_class(judge: Extractor, images: np.ndarray, labels: np.ndarray) -> float:
    """Returns the share of uint8 images [N, H, W, 1] of which the judge sees the class."""
    count, height, width, _ = images.shape
    cells = images.reshape(count, 8, height // 8, 8, width // 8, 1)
    return accuracy(judge, np.rint(cells.mean(axis=(2, 4))).astype(np.uint8), labels)


def upright(others: np.ndarray) -> np.ndarray:
    """Returns slanted inverse digits as they were."""
    return np.stack([slant(255 - image, -SLANT) for image in others])


def translate(run: Run, pairs: dict[str, np.ndarray], judge: Extractor) -> dict[str, float]:
    """Returns how true a run's translations of all pairs are."""
    batch = {name: pairs[name] / np.float32(127.5) - 1 for name in ('image', 'other')}
    drawn = run.draw(jax.device_get(run.game.latents(jax.random.key(0), batch)))
    said = {
        'l1': np.mean(np.abs(drawn['image'].astype(np.float32) - pairs['image'])),
        'right_class': right_class(judge, drawn['image'], pairs['label']),
        'sharpness': _roughness(drawn['image']) / _roughness(pairs['image']),
    }
    if 'other' in drawn:
        said |= {
            'l1_back': np.mean(np.abs(drawn['other'].astype(np.float32) - pairs['other'])),
            'right_class_back': right_class(judge, upright(drawn['other']), pairs['label']),
        }
    return {name: round(float(value), 4) for name, value in said.items()}


def _roughness(images: np.ndarray) -> float:
    return sum(np.mean(np.abs(np.diff(images.astype(np.float32), axis=axis))) for axis in (1, 2))


def cycle_errors(folder: Path) -> dict[int, float]:
    """Returns the error of a cycle by logged step, of images in [-1, 1]; nothing without cycles."""
    lines = map(json.loads, (folder / 'metrics.jsonl').read_text().splitlines())
    name = 'translators/cycle_error'
    return {line['step']: round(line[name], 4) for line in lines if name in line}


def measure_run(folder: str) -> dict:
    """Returns all that is measured of a run."""
    run = load_run(folder)
    data = run.config.data
    pairs, judge = open_pairs(data, relation='paired'), classifier(data)
    begun = make_initial_state(run.config, run.game, run.mesh)()
    errors = cycle_errors(Path(folder))
    return {
        'step': run.step,
        'scans': len(pairs['label']),
        'right_class_of_scans': round(right_class(judge, pairs['image'], pairs['label']), 4),
        'trained': translate(run, pairs, judge),
        'untrained': translate(replace(run, state=begun), pairs, judge),
        **({'cycle_errors': errors} if errors else {}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folders', nargs='+')
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'translation.json')
    arguments = parser.parse_args()
    tuning.keep_compiled()
    tuning.prepare()
    runs = {Path(folder).name: measure_run(folder) for folder in arguments.folders}
    measure.write(arguments.out, 'translation', {'runs': runs})
    print(json.dumps(runs, indent=1))


if __name__ == '__main__':
    main()

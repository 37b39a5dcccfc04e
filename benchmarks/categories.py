"""How well the category that InfoGAN found by itself tells the classes of real images.

    python -m benchmarks.categories RUN ...

Each category is matched with one class, by the training images (the assignment that is right most
often), and judged on the split 'test', or on a fifth of the images that is left out of the matching
where there is none. Chen et al. 2016, section 7.2: an error of 5 % on MNIST. Writes
`benchmarks/results/categories-DATA.json`, of runs on the same data, and of the first of them
`results/infogan-DATA-codes.png`: rows are categories, in the order of their classes; from left to
right one number of the code goes from -2 to 2, then the next, as in figure 2, which is further than
training draws them.
"""

import argparse

import jax
import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks import measure
from gan_jax.build import make_networks
from gan_jax.data.preprocess import normalize
from gan_jax.evaluation.labelled import split_examples
from gan_jax.games.adversarial.scene import sown
from gan_jax.pictures import make_grid, save_png
from gan_jax.run import Run, load_run

BATCH = 500
REACH, VALUES = 2.0, 8  # of a number of the code in the picture
GAP = 8  # pixels between one number's and the next


def categories(run: Run, images: np.ndarray) -> np.ndarray:
    """Returns the likeliest category of uint8 images [N, H, W, C]: [N]."""

    @jax.jit
    def find(state, batch):
        networks = make_networks(run.config, run.game, run.mesh, state)
        _, seen = networks.discriminator(normalize(batch), train=False, intermediates=True)
        logits, _ = networks.recognizer(sown(seen)['features'], train=False)
        return logits.argmax(axis=1)

    batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    return np.concatenate([find(run.state, batch) for batch in batches])


def match(found: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns the class of each category that makes most images right: [K]."""
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (found, labels), 1)
    return linear_sum_assignment(counts, maximize=True)[1]


def vary(run: Run, matched: np.ndarray) -> np.ndarray:
    """Returns samples of one z: uint8 [numbers of the code, categories * VALUES, H, W, C]."""
    (z,), numbers = run.latents(1, jax.random.key(0))['z'], run.config.codes.continuous
    number, category, value = np.meshgrid(
        np.arange(numbers), np.argsort(matched), np.linspace(-REACH, REACH, VALUES), indexing='ij'
    )
    latents = {
        'z': np.broadcast_to(z, (category.size, len(z))),
        'category': category.ravel(),
        'codes': np.eye(numbers)[number.ravel()] * value.reshape(-1, 1),
    }
    images = run.draw(latents)['image']
    return images.reshape(numbers, -1, *images.shape[1:])


def draw_codes(run: Run, matched: np.ndarray) -> None:
    """Draws what the codes decide; see above."""
    grids = [make_grid(varied, VALUES, shortest=48) for varied in vary(run, matched)]
    apart = [np.pad(grid, ((0, 0), (0, GAP), (0, 0)), constant_values=255) for grid in grids]
    picture = measure.SHOWN / f'infogan-{run.config.data.name}-codes.png'
    save_png(picture, np.concatenate(apart, axis=1)[:, :-GAP])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', nargs='+', help='folders of runs of configs/infogan.py')
    runs = [load_run(path) for path in parser.parse_args().runs]
    data, *others = sorted({run.config.data.name for run in runs})
    if others:
        raise SystemExit(f'the runs are of {data} and of {", ".join(others)}: one set at a time')
    said = []
    for run in runs:
        labelled = split_examples(run.config.data)
        training, tests = labelled.training, labelled.tests
        found = categories(run, training['image'])
        matched = match(found, training['label'], labelled.classes)
        wrong = matched[categories(run, tests['image'])] != tests['label']
        print(f'seed {run.config.seed}: {wrong.mean():.2%} of {len(wrong):,} images wrong')
        if not said:
            draw_codes(run, matched)
        by_class = [wrong[tests['label'] == label].mean() for label in range(labelled.classes)]
        said.append(
            {
                'seed': run.config.seed,
                'step': run.step,
                'steps': run.config.steps,
                'images': len(wrong),
                'wrong': wrong.mean(),
                'wrong_of_class': [round(share, 3) for share in by_class],
            }
        )
    file = measure.RESULTS / f'categories-{data}.json'
    measure.write(file, 'categories', {'runs': said})


if __name__ == '__main__':
    main()

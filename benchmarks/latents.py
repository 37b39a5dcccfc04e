"""What each latent of a run with an encoder does, as its report shows it.

    python -m benchmarks.latents RUN

Writes the deviations of its codes over images to `benchmarks/results/latents-DATA.json`, and the
images of its report's walk along each latent to `results/NAME-traversal.png`, NAME the run's.
"""

import argparse
from pathlib import Path

from benchmarks import measure
from gan_jax.analysis.sections.encoding import WALK, traverse
from gan_jax.analysis.study import open_study
from gan_jax.pictures import make_grid, save_png


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('run', type=Path, help='its folder')
    path = parser.parse_args().run
    study = open_study(str(path))
    images, deviations = traverse(study)
    save_png(measure.SHOWN / f'{path.name}-traversal.png', make_grid(images, WALK))
    said = {
        'beta': study.config.divergence.weight,
        'step': study.run.step,
        'deviations': [round(float(deviation), 3) for deviation in deviations],
    }
    print(said)
    file = measure.RESULTS / f'latents-{study.config.data.name}.json'
    measure.write(file, 'latents', {'runs': {path.name: said}})


if __name__ == '__main__':
    main()

"""Times how many images per second reach the device from a set that does not fit there.

    python -m benchmarks.data_rate [--sizes 32,64,128,256] [--workers 0,1,2]

The images are JPEG files of blurred noise in a folder, decoded ahead by Grain's threads (no worker)
or processes. A data set keeps a training step from waiting where it delivers more images than the
step takes, which `benchmarks.step_time` measures.
"""

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from benchmarks import measure
from gan_jax import mesh as meshes, tuning
from gan_jax.command_line import load_config
from gan_jax.data import open_source

FILES = 512
BATCH = 64
ROUNDS = 5
BATCHES = 32  # in a round; as many as are read ahead are taken before


def make_folder(folder: Path, size: int) -> None:
    """Writes square JPEG images of about the bytes per pixel that photographs have."""
    random = np.random.default_rng(0)
    for number in range(FILES):
        coarse = random.integers(0, 256, (size // 4, size // 4, 3), np.uint8)
        image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
        image.save(folder / f'{number:04d}.jpg', quality=90)


def time_source(folder: Path, size: int, workers: int) -> float:
    """Returns the images per second of a source at its steady state."""
    config = load_config('configs/dcgan.py:folder').data
    config.update(data_dir=str(folder), size=(size, size), resident_mb=0, workers=workers)
    source = open_source(config, BATCH, 1, 0, meshes.make_mesh())
    steps = itertools.count()

    def feed() -> None:
        step = next(steps)
        jax.block_until_ready(source.feed(range(step, step + 1)))

    rates = []
    for _ in range(1 + ROUNDS):
        begin = time.perf_counter()
        for _ in range(BATCHES):
            feed()
        rates.append(BATCHES * BATCH / (time.perf_counter() - begin))
    source.close()
    return statistics.median(rates[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--sizes', default='32,64,128,256')
    parser.add_argument('--workers', default=f'0,1,{os.cpu_count()}')
    parser.add_argument('--out', type=Path, default=measure.RESULTS / 'data_rate.json')
    arguments = parser.parse_args()
    tuning.prepare()
    sizes, workers = (
        [int(number) for number in numbers.split(',')]
        for numbers in (arguments.sizes, arguments.workers)
    )
    results = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            make_folder(Path(folder), size)
            rates = {n: round(time_source(Path(folder), size, n)) for n in workers}
            stored = sum(file.stat().st_size for file in Path(folder).iterdir()) / FILES
        said = {f'{n} workers' if n else 'threads': rate for n, rate in rates.items()}
        results[f'{size}x{size}'] = {'bytes_of_a_file': round(stored), 'images_per_second': said}
        print(
            f'{size}x{size}', '  '.join(f'{who} {rate}' for who, rate in said.items()), flush=True
        )
    measure.write(arguments.out, 'data_rate', {'files': results})


if __name__ == '__main__':
    main()

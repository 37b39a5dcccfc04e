"""Draws from a trained run: an archive of images, or one picture."""

from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from gan_jax import pictures
from gan_jax.files import replacing
from gan_jax.logs import say
from gan_jax.run import load_run
from gan_jax.usage import UsageError


def sample(config: ConfigDict, path: str, num: int, seed: int, out: str) -> None:
    """Writes `num` images of the newest checkpoint to `out`; the same seed gives the same bytes.

    A `.npz` holds `image`, uint8 [N, H, W, C], and whatever else the game's sample names (`label`);
    a `.png` is a grid.

    Raises:
      UsageError: no run, another architecture's run, or an ending that is neither.
    """
    file = Path(out)
    writers = {'.npz': _write_npz, '.png': _write_png}
    if file.suffix not in writers:
        raise UsageError(f'--out={out}: the ending must be .npz or .png')
    if num < 1:
        raise UsageError(f'--num={num}: at least one image')
    run = load_run(path, config)
    arrays = run.sample(num, seed)
    if jax.process_index() == 0:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            writers[file.suffix](file, arrays)
        except OSError as error:
            raise UsageError(f'cannot write {out}: {error.strerror}') from None
    say(f'{num} images of step {int(run.state.step)} in {out}')


def _write_npz(file: Path, arrays: dict[str, np.ndarray]) -> None:
    with replacing(file) as partial, partial.open('wb') as stream:
        np.savez(stream, **arrays)


def _write_png(file: Path, arrays: dict[str, np.ndarray]) -> None:
    columns = int(np.ceil(np.sqrt(len(arrays['image']))))
    pictures.save_png(file, pictures.make_grid(arrays['image'], columns))

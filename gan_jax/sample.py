"""Draws from a trained run: a folder of pictures, one grid or an archive of arrays."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from gan_jax import interpolation, pictures
from gan_jax.files import replacing
from gan_jax.logs import say
from gan_jax.run import Arrays, Run, load_run
from gan_jax.usage import UsageError, choose

PATHS = {'linear': interpolation.linear, 'spherical': interpolation.spherical}


class Request(NamedTuple):
    """Which images are asked for; the same request gives the same bytes."""

    num: int = 64
    seed: int = 0
    step: int | None = None  # the checkpoint's; the newest by default
    label: int | None = None  # of every image; as the game draws them by default
    truncation: float | None = None  # of latents, or psi of styles: see `main.py`
    interpolate: str | None = None  # a name of PATHS: the images lead from one latent to another


def sample(config: ConfigDict, path: str, request: Request, out: str) -> None:
    """Writes images of a run to `out`.

    A name in `.npz` is an archive of `image`, uint8 [N, H, W, C], and whatever else the game names
    (`label`); one in `.png` is a grid; one without an ending is a folder of pictures.

    Raises:
      UsageError: no run, another architecture's run, another ending, or what the run cannot draw.
    """
    file = Path(out)
    if file.suffix not in WRITERS:
        raise UsageError(f'--out={out}: the ending must be .npz, .png or none, for a folder')
    if request.num < 1:
        raise UsageError(f'--num={request.num}: at least one image')
    run = load_run(path, config, request.step)
    arrays = draw(run, request)
    if jax.process_index() == 0:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            WRITERS[file.suffix](file, arrays)
        except OSError as error:
            raise UsageError(f'cannot write {out}: {error.strerror}') from None
    say(f'{request.num} images of step {run.step} in {out}')


def draw(run: Run, request: Request) -> Arrays:
    """Returns the images asked for, and what else the game names.

    Raises:
      UsageError: the run cannot draw them.
    """
    truncated = run if request.truncation is None else run.truncated(request.truncation)
    truncated = truncated.settled(run.config.eval.standing)
    if request.label is not None:
        run, truncated = run.labelled(request.label), truncated.labelled(request.label)
    if request.interpolate is None:
        return truncated.sample(request.num, request.seed)
    latents = _lead(run, request)
    if request.truncation is not None:  # what lies between is truncated too
        latents = run.truncate(latents, request.truncation)
    return truncated.draw(latents)


def _lead(run: Run, request: Request) -> Arrays:
    """Latents in rows of the grid's length, of which each leads from one to another."""
    if run.game.between is None:
        raise UsageError(f'game {run.config.game!r} has no way from one latent to another')
    columns = pictures.square(request.num)
    rows = -(-request.num // columns)
    way = choose('path', request.interpolate, PATHS)
    latents = run.latents(2 * rows, jax.random.key(request.seed))
    halves = slice(rows), slice(rows, None)
    start, end = ({name: z[half] for name, z in latents.items()} for half in halves)
    led = interpolation.lead(way, start, end, columns)
    return {name: z[: request.num] for name, z in led.items()}


def _write_npz(file: Path, arrays: Arrays) -> None:
    with replacing(file) as partial, partial.open('wb') as stream:
        np.savez(stream, **arrays)


def _write_png(file: Path, arrays: Arrays) -> None:
    shown = pictures.beside(arrays)
    pictures.save_png(file, pictures.make_grid(shown, pictures.square(len(shown))))


def _write_folder(folder: Path, arrays: Arrays) -> None:
    """Pictures of the size that the run draws, in folders of their classes where they have any."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f'{folder} holds files already: name a folder that is new or empty')
    places = [folder] * len(arrays['image'])
    if 'label' in arrays:
        places = [folder / str(label) for label in arrays['label']]
    for place in {*places}:
        place.mkdir(parents=True, exist_ok=True)
    digits = max(5, len(str(len(places))))
    numbered = enumerate(zip(places, arrays['image']))
    for index, (place, image) in tqdm(numbered, folder.name, len(places), delay=2, disable=None):
        pictures.save_png(place / f'{index:0{digits}d}.png', image)


WRITERS = {'.npz': _write_npz, '.png': _write_png, '': _write_folder}

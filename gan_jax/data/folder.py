"""A folder of image files."""

import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from absl import logging
from PIL import Image
from tqdm import tqdm

from gan_jax.data.image_set import THREADS
from gan_jax.usage import UsageError

SUFFIXES = frozenset(
    '.avif .bmp .gif .jfif .jpeg .jpg .pbm .pgm .png .ppm .tga .tif .tiff .webp'.split()
)


class Folder:
    """Image files by their sorted names; where they lie in sub-folders, each of these is a class.

    A class is a sub-folder of the root that holds an image at any depth. Hidden files and folders
    are passed over; other files that are no images are counted in `skipped`.
    """

    def __init__(self, root: Path, files: Sequence[Path], skipped: int):
        names = [file.relative_to(root).parts[0] for file in files]
        grouped = files[0].parent != root
        self.label_names = tuple(sorted(set(names))) if grouped else ()
        self.files = files
        self.skipped = skipped
        numbers = {name: number for number, name in enumerate(self.label_names)}
        self._labels = [numbers.get(name) for name in names]

    def __len__(self) -> int:
        return len(self.files)

    def describe(self, index: int) -> str:
        """Names the file."""
        return str(self.files[index])

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int | None]]:
        """Returns the images (the first frame of a film) and their labels."""
        return [(_open(self.files[index]), self._labels[index]) for index in indices]


def open_folder(data: Any) -> Folder:
    """Returns the images under `data.data_dir`; all are one split.

    Raises UsageError as `list_folder`, and where no folder is named.
    """
    if not data.data_dir:
        raise UsageError("data set 'folder' needs the folder: --config.data.data_dir=FOLDER")
    return list_folder(Path(data.data_dir).expanduser())


def list_folder(root: Path) -> Folder:
    """Returns the images under a folder, each file's header checked.

    Raises UsageError for a folder that is missing, holds no image or holds images both in its root
    and in sub-folders, and for a file that is no image of its kind.
    """
    if not root.is_dir():
        raise UsageError(f'there is no folder {root}')
    found = sorted(_visible_files(root))
    files = [file for file in found if file.suffix.lower() in SUFFIXES]
    if not files:
        raise UsageError(
            f'no images in {root} ({len(found)} other files); known: {" ".join(sorted(SUFFIXES))}'
        )
    loose = [file for file in files if file.parent == root]
    if loose and len(loose) < len(files):
        raise UsageError(
            f'{root} holds images itself, such as {loose[0].name}, and in sub-folders: sort all of '
            'them into sub-folders (classes) or none'
        )
    _check_headers(files)
    images = Folder(root, files, skipped=len(found) - len(files))
    logging.info('%s: %d images, %d other files skipped', root, len(images), images.skipped)
    return images


def _visible_files(root: Path) -> Iterator[Path]:
    """Yields files at any depth; a class may be a link to a folder, deeper links may be loops."""
    for entry in root.iterdir():
        if entry.name.startswith('.'):
            continue
        if entry.is_file():
            yield entry
        for folder, subfolders, names in os.walk(entry):
            subfolders[:] = [name for name in subfolders if not name.startswith('.')]
            yield from (Path(folder, name) for name in names if not name.startswith('.'))


def _check_headers(files: Sequence[Path]) -> None:
    def check(file: Path) -> None:
        with _open(file, whole=False):
            pass

    with ThreadPoolExecutor(THREADS) as pool:
        checks = pool.map(check, files)
        for _ in tqdm(checks, 'checking', len(files), delay=2, disable=None, leave=False):
            pass


def _open(file: Path, whole: bool = True) -> Image.Image:
    try:
        # Read at once, so that no file stays open and a network drive is asked one time.
        return Image.open(io.BytesIO(file.read_bytes()) if whole else file)
    except Exception as error:  # Pillow raises a dozen kinds for damaged files.
        raise UsageError(f'{file} cannot be read as an image: {error}') from error

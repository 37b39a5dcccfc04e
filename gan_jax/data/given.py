"""Images that somebody gives by a path: a folder of files, or an array in an archive."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from gan_jax.data import decode
from gan_jax.data.folder import list_folder
from gan_jax.data.image_set import THREADS
from gan_jax.usage import UsageError

_CHUNK = 64  # images that a thread reads at a time
_GREY = ('1', 'L', 'I;16')  # modes of Pillow's
_NAMES = ('image', 'images', 'arr_0')  # of the array in an archive


class GivenFiles:
    """The images of a folder as they are, all of one size: nothing is scaled or cut."""

    def __init__(self, root: Path):
        self._folder = list_folder(root)
        ((first, _),) = self._folder.read([0])
        self._channels = 1 if first.mode in _GREY else 3
        self.shape = ()
        self.shape = self._read([0]).shape[1:]

    def __len__(self) -> int:
        return len(self._folder)

    def batches(self) -> Iterator[np.ndarray]:
        """Yields all images, shuffled, uint8 [n, H, W, C]; grey if the first file is.

        Raises UsageError for a file that cannot be decoded, or whose image has another size.
        """
        chunks = _shuffled(len(self))
        with ThreadPoolExecutor(THREADS) as pool:
            # A few chunks ahead and no more: memory does not grow with the folder.
            for start in range(0, len(chunks), THREADS):
                yield from pool.map(self._read, chunks[start : start + THREADS])

    def _read(self, indices: Sequence[int]) -> np.ndarray:
        images = []
        for index, (image, _) in zip(indices, self._folder.read(indices)):
            name = self._folder.describe(index)
            if self._channels == 1 and image.mode not in _GREY:
                raise UsageError(f'{name} is in colour, and the first image of its set is grey')
            try:
                array = decode.to_array(decode.to_channels(image, self._channels, 'white'))
            except Exception as error:  # Pillow raises a dozen kinds for damaged files.
                raise UsageError(f'{name} cannot be decoded: {error}') from error
            if self.shape and array.shape != self.shape:
                one, other = (f'{width}x{height}' for height, width, _ in (self.shape, array.shape))
                raise UsageError(
                    f'images of a set must have one size: the first has {one}, {name} has {other}'
                )
            images.append(array)
        return np.stack(images)


class GivenArray:
    """The images of a `.npz`."""

    def __init__(self, path: Path):
        self._images = _find_images(path)
        self.shape = self._images.shape[1:]

    def __len__(self) -> int:
        return len(self._images)

    def batches(self) -> Iterator[np.ndarray]:
        """Yields all images, shuffled, uint8 [n, H, W, C]."""
        for chunk in _shuffled(len(self)):
            yield self._images[chunk]


Given = GivenFiles | GivenArray


def open_given(path: str) -> Given:
    """Returns the images of a folder or of a `.npz`, in which `image` is [N, H, W] or [N, H, W, C].

    Raises:
      UsageError: no such path, a folder or an archive without images, pixels that are no uint8.
    """
    if Path(path).is_dir():
        return GivenFiles(Path(path))
    if not Path(path).is_file():
        raise UsageError(f'there is no folder or file {path!r}')
    return GivenArray(Path(path))


def _shuffled(count: int) -> list[np.ndarray]:
    """Indices in parts: a set may be in the order of its classes, which no part of it should be."""
    order = np.random.default_rng(0).permutation(count)
    return np.split(order, range(_CHUNK, count, _CHUNK))


def _find_images(path: Path) -> np.ndarray:
    try:
        with np.load(path) as archive:
            names = [name for name in _NAMES if name in archive]
            found = ', '.join(archive)
            images = archive[names[0]] if names else None
    except Exception as error:  # NumPy raises a dozen kinds for damaged files
        raise UsageError(f'{path} is no archive of arrays: {error}') from error
    if images is None:
        raise UsageError(f"{path} holds no array 'image': {found or 'nothing'}")
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or not len(images):
        raise UsageError(f'{path}: images are [N, H, W] or [N, H, W, C], not {images.shape}')
    if np.issubdtype(images.dtype, np.floating) and not np.isfinite(images).all():
        raise UsageError(f'{path} holds pixels that are not finite')
    if images.dtype != np.uint8:
        raise UsageError(
            f'{path} holds {images.dtype} pixels: round them to uint8, 0 .. 255, as a picture would'
        )
    return images

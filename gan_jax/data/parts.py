"""Parts of a stored set: a slice of it, one class alone, or one half of every image."""

import re
from collections.abc import Sequence

from PIL import Image

from gan_jax.data.image_set import ImageSet
from gan_jax.usage import UsageError, choose

_SPLIT = re.compile(r'train(?:\[(-?\d+%?)?:(-?\d+%?)?\])?')
_CHUNK = 1024


class Part:
    """Some images of a set, by their numbers there."""

    def __init__(self, images: ImageSet, indices: Sequence[int]):
        self.label_names = images.label_names
        self._images = images
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def describe(self, index: int) -> str:
        """Says which image this is, as the whole set does."""
        return self._images.describe(self._indices[index])

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int | None]]:
        """Returns the images and their labels."""
        return self._images.read([self._indices[index] for index in indices])


class Half:
    """The left or the right half of every image: of files that hold a pair side by side."""

    def __init__(self, images: ImageSet, side: str):
        self.label_names = images.label_names
        self._images = images
        self._right = choose('data.side', side, {'left': 0, 'right': 1})

    def __len__(self) -> int:
        return len(self._images)

    def describe(self, index: int) -> str:
        """Says which image this is a half of."""
        return self._images.describe(index)

    def read(self, indices: Sequence[int]) -> list[tuple[Image.Image, int | None]]:
        """Returns the halves; of an odd width the last column is left out."""
        return [(self._cut(image), label) for image, label in self._images.read(indices)]

    def _cut(self, image: Image.Image) -> Image.Image:
        width, height = image.width // 2, image.height
        left = self._right * width
        return image.crop((left, 0, left + width, height))


def take_split(images: ImageSet, split: str, name: str) -> ImageSet:
    """Returns 'train', all of a set that has one split, or a part as TFDS writes it: 'train[:80%]'.

    Raises:
      UsageError: another split.
    """
    match = _SPLIT.fullmatch(split)
    if not match:
        raise UsageError(
            f"data set {name!r} has one split, 'train', not {split!r}; "
            "a part of it is such as 'train[:80%]'"
        )
    if split == 'train':
        return images
    count = len(images)
    bounds = (_bound(text, count) if text else None for text in match.groups())
    return Part(images, range(count)[slice(*bounds)])


def _bound(text: str, count: int) -> int:
    return round(count * int(text[:-1]) / 100) if text.endswith('%') else int(text)


def take_class(images: ImageSet, label: str) -> Part:
    """Returns the images of one class, by its name.

    Raises:
      UsageError: there is no such class.
    """
    number = choose('class', label, {name: n for n, name in enumerate(images.label_names)})
    starts = range(0, len(images), _CHUNK)
    chunks = (range(len(images))[start : start + _CHUNK] for start in starts)
    labels = (label for chunk in chunks for _, label in images.read(chunk))
    return Part(images, [index for index, label in enumerate(labels) if label == number])

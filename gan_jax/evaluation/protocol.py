"""What makes a score comparable, stored beside it."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass

from gan_jax.usage import UsageError

_COUNTED = re.compile(r'(?P<name>.*[a-z])(?P<number>[1-9]\d*)(?P<thousands>k?)')


@dataclass(frozen=True)
class Reference:
    """Which real images, seen by what."""

    data: str
    split: str
    count: int  # all images of the split, none of them mirrored or cropped at random
    size: tuple[int, int]
    channels: int
    pixels: str  # SHA-256 of the images and their labels, as they were decoded
    extractor: str
    weights: str  # SHA-256 of the extractor's variables
    resizing: str

    def digest(self) -> str:
        """Returns the name under which the reference's features are cached."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Protocol:
    """How the generated images were made, and what they were compared with."""

    reference: Reference
    generated: int
    step: int  # of the checkpoint
    averaged: float  # decay of the weights' moving average; 0 for the weights themselves
    batch_normalization: str
    truncation: float  # latents beyond plus or minus this were not drawn; 0 drew them all
    seed: int
    dtype: str
    pixels: str = 'uint8, rounded'

    def digest(self) -> str:
        """Returns what two scores have in common where they can be compared, but for the step."""
        fields = {**asdict(self), 'step': None}
        return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:8]


def counted(name: str, count: int) -> str:
    """Returns a score's name with the number of its images: fid50k, fid1797."""
    return f'{name}{count // 1000}k' if count % 1000 == 0 else f'{name}{count}'


def uncounted(name: str, count: int) -> str:
    """Returns a score's name without the number of images that it insists on.

    Raises:
      UsageError: it insists on another number.
    """
    match = _COUNTED.fullmatch(name)
    if not match:
        return name
    asked = int(match['number']) * (1000 if match['thousands'] else 1)
    if asked != count:
        raise UsageError(
            f'{name!r} is a score of {asked:,} images, not of {count:,}: ask for '
            f'--config.eval.num={asked} or for {match["name"]!r}'
        )
    return match['name']

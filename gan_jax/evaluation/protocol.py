"""What makes a score comparable, stored beside it."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Reference:
    """Which real images, seen by what."""

    data: str
    split: str
    count: int  # all images of the split, none of them mirrored or cropped at random
    size: tuple[int, int]
    channels: int
    pixels: str  # SHA-256 of the images and their labels, as they were decoded
    kept: int  # of these images, by lot, for what compares single ones
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
    averaged: float  # decay of the weights' moving average in training; 0: weights as they were
    normalization: str  # what batch normalisation, where there is any, divides by
    truncation: float  # of latents, or psi of styles; 0: as they come
    seed: int
    precision: str  # of the numbers within networks, and of their products on which devices
    pixels: str = 'uint8, rounded'

    def digest(self) -> str:
        """Returns what two scores have in common where they can be compared, but for the step."""
        fields = {**asdict(self), 'step': None}
        return hashlib.sha256(json.dumps(fields).encode()).hexdigest()[:8]

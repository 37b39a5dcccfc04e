"""Scores by their names, which say of how many generated images they are."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gan_jax.metrics.bootstrap import Estimate
from gan_jax.usage import UsageError, choose

_COUNTED = re.compile(r'(?P<name>.*[a-z])(?P<number>[1-9]\d*)(?P<thousands>k?)')


class Score(NamedTuple):
    """One or more numbers that are made together."""

    names: tuple[str, ...]
    function: Callable[..., tuple[Estimate, ...]]
    most: int | None = None  # generated images that it is of, however many there are
    settings: str = ''  # what it depends on besides the images and the extractor
    counted: bool = True  # whether it is of generated images, as its names then say: fid50k


class Scored(NamedTuple):
    """Scores, or why they could not be had."""

    estimates: Mapping[str, Mapping[str, Any]]  # name50k -> value, low, high, settings
    refused: tuple[str, ...]  # a line each


def choose_scores(names: str, count: int, known: Mapping[str, Score]) -> list[Score]:
    """Returns the known scores of names divided by commas; `fid50k` insists on 50,000 images.

    Raises:
      UsageError: an unknown name, or one that insists on another number of images.
    """
    return [_choose(name, count, known) for name in names.split(',')]


def take_scores(scores: Iterable[Score], count: int, *subject: Any) -> Scored:
    """Returns the scores of a subject of `count` generated images."""
    estimates, refused = {}, []
    for score in scores:
        try:
            for name, estimate in zip(counted_names(score, count), score.function(*subject)):
                estimates[name] = {**estimate._asdict(), 'settings': score.settings}
        except UsageError as error:
            refused.append(f'{score.names[0]}: {error}')
    return Scored(estimates, tuple(refused))


def counted_names(score: Score, count: int) -> Iterator[str]:
    """Yields a score's names with the number of generated images that it is of: fid50k, fid1797."""
    if not score.counted:
        yield from score.names
        return
    count = min(count, score.most or count)
    for name in score.names:
        yield f'{name}{count // 1000}k' if count % 1000 == 0 else f'{name}{count}'


def describe(estimate: Mapping[str, Any]) -> str:
    """Returns a score and its interval for a person: 3.214 (3.101 to 3.327)."""
    if estimate['low'] is None:
        return f'{estimate["value"]:.4g}'
    return '{value:.4g} ({low:.4g} to {high:.4g})'.format(**estimate)


def doubts(counts: Iterable[int], size: int) -> Iterator[str]:
    """Yields what is to be said of numbers of images that are below the size of their features."""
    for count in counts:
        if count < size:
            yield (
                f'{count:,} images are fewer than their {size:,} features: of so few, FID is much '
                'larger than of more; KID is not'
            )


def _choose(name: str, count: int, known: Mapping[str, Score]) -> Score:
    match = _COUNTED.fullmatch(name)
    score = choose('score', match['name'] if match else name, known)
    if match and not score.counted:
        raise UsageError(f'{match["name"]} is of no generated images: it has no number')
    if match:
        asked = int(match['number']) * (1000 if match['thousands'] else 1)
        own = min(count, score.most or count)
        if asked != own:
            (right, *_) = counted_names(score, count)
            raise UsageError(
                f'{name} is a score of {asked:,} generated images, and this one is of {own:,}: '
                f'{right}'
            )
    return score

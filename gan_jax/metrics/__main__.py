"""Scores any two sets of images: `python -m gan_jax.metrics GENERATED REFERENCE`.

Each is a folder of images of one size, or a `.npz` with uint8 images [N, H, W, C] in `image`.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax import tuning
from gan_jax.data.given import Given, open_given
from gan_jax.files import replacing
from gan_jax.metrics.classifier import load_classifier
from gan_jax.metrics.comparison import SCORES, see
from gan_jax.metrics.inception.weights import load_inception
from gan_jax.metrics.naming import choose_scores, describe, doubts, take_scores
from gan_jax.usage import UsageError

_USUAL = 'fid,kid,inception_score,precision_recall,density_coverage'


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        """Says a mistake as every other one: in one line."""
        raise UsageError(f'{message}; -h says what there is')


def main(arguments: list[str]) -> int:
    """Prints the scores, one a line; returns the exit code."""
    try:
        options = _parse(arguments)
        tuning.keep_compiled()
        tuning.prepare()
        _score(options)
    except UsageError as error:
        print('error:', ' '.join(str(error).split()), file=sys.stderr)
        return 2
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser('python -m gan_jax.metrics', description=__doc__.partition(':')[0])
    parser.add_argument('generated', help='a folder of images, or a .npz with an array `image`')
    parser.add_argument('reference', help='the real images, likewise')
    parser.add_argument('--scores', default=_USUAL, help=f'some of {", ".join(SCORES)}')
    parser.add_argument('--weights', default='', help="Inception's file; fetched once by default")
    parser.add_argument('--classifier', help='a file of one, which sees the images in its place')
    parser.add_argument('--out', help='a .json file for the scores and what makes them comparable')
    return parser.parse_args(arguments)


def _score(options: argparse.Namespace) -> None:
    sets = {name: open_given(getattr(options, name)) for name in ('generated', 'reference')}
    generated, reference = sets.values()
    if generated.shape != reference.shape:
        sizes = ' and '.join('x'.join(map(str, given.shape)) for given in sets.values())
        raise UsageError(f'images of {sizes} (height, width, channels) cannot be compared')
    scores = choose_scores(options.scores, len(generated), SCORES)
    extractor = (
        load_classifier(options.classifier)
        if options.classifier
        else load_inception(options.weights)
    )
    protocol = {
        'extractor': extractor.name,
        'weights': extractor.digest,
        'resizing': extractor.resizing,
    }
    seen = {}
    for name, given in sets.items():
        pixels = hashlib.sha256()
        seen[name] = see(extractor, _digested(given, pixels), len(given), protocol)
        protocol[name] = {
            'images': len(given),
            'path': getattr(options, name),
            'pixels': pixels.hexdigest(),
        }
    theirs = seen['reference'].summary
    for doubt in doubts(map(len, sets.values()), len(theirs.moments.mean)):
        print(f'note: {doubt}', flush=True)
    said = take_scores(scores, len(generated), seen['generated'], theirs)
    for name, estimate in said.estimates.items():
        print(f'{name:20} {describe(estimate)}')
    if options.out:
        _write(Path(options.out), {'scores': said.estimates, 'protocol': protocol})
    if said.refused:
        raise UsageError('; '.join(said.refused))


def _digested(given: Given, pixels: Any) -> Iterator[dict[str, np.ndarray]]:
    for images in given.batches():
        pixels.update(np.ascontiguousarray(images))
        yield {'image': images}


def _write(file: Path, said: dict[str, Any]) -> None:
    try:
        with replacing(file) as partial:
            partial.write_text(json.dumps(said, indent=2) + '\n')
    except OSError as error:
        raise UsageError(f'cannot write {str(file)!r}: {error.strerror}') from None


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

"""Scores any two sets of images: `python -m gan_jax.metrics GENERATED REFERENCE`.

Each is a folder of images of one size, or a `.npz` with uint8 images [N, H, W, C] in `image`.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gan_jax import tuning
from gan_jax.data.given import Given, open_given
from gan_jax.files import replacing
from gan_jax.metrics.classifier import load_classifier
from gan_jax.metrics.comparison import SCORES, Seen, choose_scores, counted, describe, doubts, see
from gan_jax.metrics.extractor import Extractor
from gan_jax.metrics.inception.weights import load_inception
from gan_jax.usage import UsageError

_USUAL = 'fid,kid,inception_score,precision_recall,density_coverage'


def main(arguments: list[str]) -> int:
    """Prints the scores, one a line; returns the exit code."""
    options = _parse(arguments)
    tuning.keep_compiled()
    tuning.prepare()
    try:
        _score(options)
    except UsageError as error:
        print('error:', ' '.join(str(error).split()), file=sys.stderr)
        return 2
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        'python -m gan_jax.metrics', description=__doc__.partition(':')[0]
    )
    parser.add_argument('generated', help='a folder of images, or a .npz with an array `image`')
    parser.add_argument('reference', help='the real images, likewise')
    parser.add_argument('--scores', default=_USUAL, help=f'some of {", ".join(SCORES)}')
    parser.add_argument('--weights', default='', help="Inception's file; fetched once by default")
    parser.add_argument('--classifier', help='a file of one, which sees the images in its place')
    parser.add_argument('--out', help='a .json file for the scores and what makes them comparable')
    return parser.parse_args(arguments)


def _score(options: argparse.Namespace) -> None:
    generated, reference = (open_given(path) for path in (options.generated, options.reference))
    if generated.shape != reference.shape:
        sizes = ' and '.join('x'.join(map(str, given.shape)) for given in (generated, reference))
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
        'generated': f'{len(generated)} images of {options.generated}',
        'reference': f'{len(reference)} images of {options.reference}',
    }
    ours, theirs = (_see(extractor, given, protocol) for given in (generated, reference))
    for doubt in doubts((len(generated), len(reference)), theirs.summary):
        print(f'note: {doubt}', flush=True)
    said = {}
    for score in scores:
        for name, estimate in zip(score.names, score.function(ours, theirs.summary)):
            said[counted(name, len(generated))] = estimate
            print(f'{counted(name, len(generated)):20} {describe(estimate)}', flush=True)
    if options.out:
        estimates = {name: estimate._asdict() for name, estimate in said.items()}
        _write(Path(options.out), {'scores': estimates, 'protocol': protocol})


def _see(extractor: Extractor, given: Given, protocol: dict[str, Any]) -> Seen:
    batches = ({'image': images} for images in given.batches())
    return see(extractor, batches, len(given), protocol)


def _write(file: Path, said: dict[str, Any]) -> None:
    try:
        with replacing(file) as partial:
            partial.write_text(json.dumps(said, indent=2) + '\n')
    except OSError as error:
        raise UsageError(f'cannot write {str(file)!r}: {error.strerror}') from None


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

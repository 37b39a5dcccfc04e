"""Where the Inception network's weights are: in a given file, or fetched once into a cache."""

import hashlib
import urllib.request
from pathlib import Path

from tqdm import tqdm

from gan_jax.files import cache_folder, replacing
from gan_jax.metrics.extractor import Extractor
from gan_jax.metrics.inception import extractor, from_torch
from gan_jax.metrics.inception.from_tensorflow import from_tensorflow
from gan_jax.metrics.inception.tensorflow_graph import read_tensorflow_graph
from gan_jax.metrics.inception.torch_file import read_torch_file
from gan_jax.usage import UsageError

# TensorFlow's graph of 2015 as pytorch-fid converted it; torch-fidelity's file is the same.
NAME = 'pt_inception-2015-12-05-6726825d.pth'
URL = f'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{NAME}'
SHA256 = '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2'

_BLOCK = 1 << 20
_PATIENCE = 30  # seconds that a server may say nothing


def load_inception(path: str = '') -> Extractor:
    """Returns the network with the weights of a file, or of what `find_weights` finds.

    A file that ends in `.pb` is TensorFlow's own, `classify_image_graph_def.pb`. Its SHA-256 is not
    known here: it must have every constant by its name and shape, and no more is checked.

    Raises:
      UsageError: no weights, or others than FID means.
    """
    if path.endswith('.pb'):
        return extractor(from_tensorflow(read_tensorflow_graph(path)))
    return extractor(from_torch(read_torch_file(find_weights(path))))


def find_weights(path: str = '') -> Path:
    """Returns the weights' file: the given one, or the cache's, which is filled once.

    The cache is $XDG_CACHE_HOME/gan_jax or ~/.cache/gan_jax; without a network the file can be put
    there by hand. Raises UsageError for a file that is missing or of another SHA-256.
    """
    if path:
        file = Path(path)
        if not file.is_file():
            raise UsageError(f'no weights {path!r}; {URL} has them')
    else:
        file = cache_folder() / NAME
        if not file.is_file():
            _fetch(file)
    _check(file)
    return file


def _fetch(file: Path) -> None:
    """Downloads the weights beside where they belong, then moves them there."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            with urllib.request.urlopen(URL, timeout=_PATIENCE) as answer, part.open('wb') as out:
                size = int(answer.headers.get('Content-Length') or 0)
                with tqdm(total=size or None, desc=NAME, unit='B', unit_scale=True) as bar:
                    while block := answer.read(_BLOCK):
                        out.write(block)
                        bar.update(len(block))
            _check(part)
    except OSError as error:
        reason = getattr(error, 'reason', error)
        raise UsageError(
            f'{NAME} cannot be fetched ({reason}); get it from {URL} and put it into '
            f'{str(file.parent)!r}'
        ) from error


def _check(file: Path) -> None:
    with file.open('rb') as opened:
        found = hashlib.file_digest(opened, 'sha256').hexdigest()
    if found != SHA256:
        raise UsageError(
            f'{str(file)!r} is not {NAME}: its SHA-256 begins with {found[:8]}, not {SHA256[:8]}'
        )

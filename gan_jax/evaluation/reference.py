"""The real images' side of every score, made once for each protocol."""

import hashlib
from dataclasses import asdict
from typing import Any

import jax
import numpy as np

from gan_jax.data import Examples
from gan_jax.evaluation.cache import load_cached, save_cached
from gan_jax.evaluation.protocol import Reference
from gan_jax.files import cache_folder
from gan_jax.metrics import KEPT, Extractor, Summary, load_summary, save_summary, see

_MOST = 2**28  # bytes of features and logits that are kept


def describe_reference(data: Any, examples: Examples, extractor: Extractor) -> Reference:
    """Returns what is compared with: the set that `data` names, seen by an extractor."""
    height, width, channels = examples.read(0, 1)['image'].shape[1:]
    return Reference(
        data=data.name,
        split=data.split,
        count=len(examples),
        size=(height, width),
        channels=channels,
        pixels=digest_examples(examples),
        kept=_kept(examples, extractor),
        extractor=extractor.name,
        weights=extractor.digest,
        resizing=extractor.resizing,
    )


def _kept(examples: Examples, extractor: Extractor) -> int:
    """All images where their features are not too large, for copies may be of any of them."""
    images = extractor.fit(examples.read(0, 1)['image'])
    said = jax.eval_shape(extractor.apply, extractor.variables, images)
    size = sum(part.shape[1] * part.dtype.itemsize for part in said)
    return min(len(examples), max(KEPT, _MOST // size))


def digest_examples(examples: Examples) -> str:
    """Returns the SHA-256 of all images and labels, as they are compared."""
    digest = hashlib.sha256()
    for batch in examples.batches():
        for name in sorted(batch):
            digest.update(np.ascontiguousarray(batch[name]))
    return digest.hexdigest()


def see_reference(reference: Reference, examples: Examples, extractor: Extractor) -> Summary:
    """Returns what scores need of all images of a reference: the cache's, or made now."""
    file = cache_folder() / 'references' / f'{reference.digest()}.npz'
    cached = load_cached(file, load_summary)
    if cached is not None:
        return cached
    seen = see(extractor, examples.batches(), len(examples), asdict(reference), reference.kept)
    save_cached(file, seen.summary, save_summary)
    return seen.summary

"""Files of which a reader never sees half, and where those that can be made again are kept."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lends a path to write to, which takes the place of `path` where the block ends well."""
    partial = path.with_name(path.name + '.partial')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Returns $XDG_CACHE_HOME/gan_jax or ~/.cache/gan_jax, which may not be there yet."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'gan_jax'

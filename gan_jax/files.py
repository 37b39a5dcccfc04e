"""Files of which a reader never sees half, and where those that can be made again are kept."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lends a path to write to, which takes the place of `path` where the block ends well.

    No other process writes to it, so that of several the last one's file stands, and is whole.
    """
    partial = path.with_name(f'{path.name}.{uuid.uuid4().hex[:8]}.partial')
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Returns $XDG_CACHE_HOME/gan_jax or ~/.cache/gan_jax, which may not be there yet."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'gan_jax'

"""Files of which a reader never sees half."""

import contextlib
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

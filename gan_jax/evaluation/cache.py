"""What takes a while to make and is kept for the next time: on all processes or on none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from gan_jax import mesh as meshes
from gan_jax.logs import say
from gan_jax.usage import UsageError


def load_cached(file: Path, load: Callable[[Path], Any]) -> Any | None:
    """Returns what `load` reads of a file, or None where any process cannot read it: a collective.

    Hosts may have caches of their own; that which makes again what one lacks needs all of them.
    """
    found = None
    if file.is_file():
        try:
            found = load(file)
        except UsageError as error:
            say(f'{error}: made again')
    return found if meshes.everywhere(found is not None) else None


def save_cached(file: Path, made: Any, save: Callable[[Path, Any], None]) -> None:
    """Keeps what was made, on process 0; what cannot be written will be made again."""
    if jax.process_index() == 0:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            save(file, made)
        except OSError as error:
            say(f'{file} was not written: {error}')

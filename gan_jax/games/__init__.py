"""One file per kind of game; a config names its file and `build` there reads the rest."""

import importlib
import pkgutil
from typing import Any

from gan_jax.game import Game
from gan_jax.usage import UsageError, nearest


def build_game(config: Any) -> Game:
    """Returns the game that a config describes: `gan_jax/games/<config.game>.py`'s `build`."""
    files = {module.name for module in pkgutil.iter_modules(__path__)}
    if config.game not in files:
        raise UsageError(f'unknown game {config.game!r}; {nearest(config.game, files)}')
    return importlib.import_module(f'{__name__}.{config.game}').build(config)

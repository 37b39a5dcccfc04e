"""One file per kind of game; a config names its file and `build` there reads the rest."""

import importlib
import pkgutil
from typing import Any

from gan_jax.game import Game
from gan_jax.usage import UsageError, nearest


def build_game(config: Any) -> Game:
    """Returns the game that a config describes: `gan_jax/games/<config.game>.py`'s `build`.

    Raises:
      UsageError: no such game, a config without its fields, or parts that cannot go together.
    """
    files = {module.name for module in pkgutil.iter_modules(__path__)}
    if config.game not in files:
        raise UsageError(f'unknown game {config.game!r}; {nearest(config.game, files)}')
    try:
        return importlib.import_module(f'{__name__}.{config.game}').build(config)
    except AttributeError as error:
        if not isinstance(error.obj, type(config)):
            raise
        raise UsageError(
            f'game {config.game!r} needs a field {error.name!r} beside '
            f'{", ".join([*error.obj][:4])}, which this config lacks: start from the config of a '
            'system that plays it'
        ) from error

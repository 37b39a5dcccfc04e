"""The fields of a config by their dotted names, and what the numbers among them may be."""

import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from gan_jax.usage import UsageError

# The least that a number may be, in a tuple too; the first pattern that fits.
_LEAST = {
    'steps': 1,
    'start': 0,
    'stages.start': 0,
    'stages.batch_size': 1,
    '*growth.*': 0,
    'networks.*.group_size': 1,
    'batch_size': 1,
    'critic_updates': 1,
    'accumulate': 1,
    'generator_batch': 1,
    'seed': 0,
    'ema_*': 0,
    'burn_in.*': 0,
    'data.size': 1,
    'data.*': 0,
    'prior.size': 1,
    'codes.*': 1,
    'terms.*': 0,
    'styles.mixing': 0,
    'intervals.*': 1,
    'latent_noise': 0,
    'top_k.every': 1,
    'top_k.*': 0,
    'augmentation.ada.interval': 1,
    'augmentation.ada.images_to_one': 1,
    'augmentation.ada.target': -1,
    'augmentation.instance_noise.steps': 1,
    'augmentation.*': 0,
    'pool': 1,
    'networks.*width': 1,
    'networks.*.channel_*': 1,
    'networks.*.widths': 1,
    'networks.*.layers': 1,
    'networks.*.features': 1,
    'networks.*.hidden': 1,
    'networks.*.halvings': 0,
    'networks.*dropout*': 0,
    'networks.*init.*': 0,
    'networks.*.multiples': 1,
    'networks.*.attention': 1,
    'networks.*.embedding': 1,
    'networks.*.kernel_size': 1,
    'networks.*.blocks': 1,
    'networks.*.pieces': 1,
    'networks.*.groups': 1,
    'networks.*.expansion': 1,
    'loss.*': 0,
    'penalties.*': 0,
    'gradient_target': 1e-6,
    'likelihood.*': 0,
    'gamma': 0,
    'divergence.*': 0,
    'optimizers.*': 0,
    'log.*': 1,
    'checkpoint.*': 1,
    'eval.num': 2,
    'eval.*': 0,
}
# Shares and probabilities.
_UP_TO_ONE = (
    'styles.mixing',
    'growth.share',
    'stages.growth.share',
    'top_k.least',
    'augmentation.ada.probability',
    'augmentation.ada.target',
)
# What a number must be below; a seed is the 32 bits that a key is made of.
_BELOW = {
    'burn_in.*': math.inf,  # steps, and shares that may be 1
    'seed': 2**32,
    'eval.seed': 2**32,
    'loss.label_smoothing': 1,
    'networks.*dropout': 1,
    'ema_decay': 1,
    '*.b1': 1,
    '*.b2': 1,
    '*.momentum': 1,
    '*.decay': 1,
}
_PAIRS = ('data.size', 'data.crop_from', 'log.grid')
_FILLED = ('networks.*.widths', 'networks.*.multiples')


def flatten(config: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Returns the fields of a config, or of its dictionary, by their dotted names."""
    fields = {}
    for name, value in config.items():
        if hasattr(value, 'items'):
            fields.update(flatten(value, f'{prefix}{name}.'))
        else:
            fields[prefix + name] = value
    return fields


def check_numbers(config: Mapping[str, Any]) -> None:
    """Finds numbers that cannot be meant: they would end in a traceback or in a useless run.

    Raises:
      UsageError: a number outside its field's limits, or a tuple of another length or kind.
    """
    for name, value in flatten(config).items():
        least = _first_fit(name, _LEAST, -math.inf)
        below = _first_fit(name, _BELOW, math.inf)
        values = value if isinstance(value, tuple) else (value,)
        if name in _PAIRS and len(values) != 2:
            raise UsageError(f'config.{name} must be two numbers, not {value}')
        if value == () and any(fnmatchcase(name, pattern) for pattern in _FILLED):
            raise UsageError(f'config.{name} must hold at least one number')
        if least == 1 and isinstance(value, tuple) and {*map(type, value)} - {int}:
            raise UsageError(f'config.{name} must hold whole numbers, not {value}')
        for number in values:
            if not isinstance(number, int | float):
                continue
            if not least <= number < below:
                limits = f'at least {least}' if number < least else f'below {below}'
                raise UsageError(f'config.{name} must be {limits}, not {value}')
            if name in _UP_TO_ONE and number > 1:
                raise UsageError(f'config.{name} must be at most 1, not {value}')


def _first_fit(name: str, limits: Mapping[str, float], default: float) -> float:
    return next((limits[pattern] for pattern in limits if fnmatchcase(name, pattern)), default)

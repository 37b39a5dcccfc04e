"""Any config, and the same in a form that a test can train, cut by one rule."""

import importlib
from collections.abc import Mapping
from typing import Any

from gan_jax.fields import flatten

# The most of each; a field is known by the last part of its name, and a tuple's numbers are cut.
MOST = {
    'width': 8,
    'widths': 8,
    'base_width': 8,
    'first_width': 8,
    'features': 16,
    'hidden': 16,
    'channel_max': 8,
    'layers': 2,
    'critic_updates': 2,
    'batch_size': 16,
    'steps': 3,
    'every': 1,
    'samples_every': 2,
    'grid': 2,
}


def load(system: str):
    """Returns the config of NAME or NAME:DATA."""
    name, _, data = system.partition(':')
    return importlib.import_module(f'configs.{name}').get_config(data or 'digits')


def cut(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the config itself, with narrow networks, small batches and three steps."""
    for name, value in flatten(config).items():
        most = MOST.get(name.rpartition('.')[-1])
        if most is not None:
            fewer = tuple(min(v, most) for v in value) if isinstance(value, tuple) else None
            config.update_from_flattened_dict({name: fewer or min(value, most)})
    return config

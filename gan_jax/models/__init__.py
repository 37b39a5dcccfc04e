"""One file per architecture; a config names a network as `file.Class` and gives its fields."""

import importlib
import pkgutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax

from gan_jax.models import layers
from gan_jax.usage import UsageError, call, choose, first_line, nearest

# Fields of any network that a config gives by name and the network receives as a function.
_NAMED = {
    'normalization': layers.NORMALIZATIONS,
    'weights': layers.WEIGHTS,
    'upsampling': layers.UPSAMPLINGS,
    'pooling': layers.POOLINGS,
    'shortcut': layers.SHORTCUTS,
}


def build_network(spec: Any, **given: Any) -> nn.Module:
    """Returns the network that a config's section describes.

    Args:
      spec: `name` is 'file.Class' within this folder; every other key is a field, those ending in
        `init` an initialiser's section.
      given: fields that the data decide, such as the image's shape.

    Raises:
      UsageError: an unknown network, field or choice, with the nearest known one.
    """
    fields = {**spec, **given}
    network = _find(fields.pop('name'))
    for field, value in fields.items():
        if field in _NAMED:
            fields[field] = choose(field, value, _NAMED[field])
        elif field.endswith('init'):
            fields[field] = layers.initializer(value)
    return call(f'network {spec["name"]!r}', network, **fields)


def made_shapes(make: Callable, *inputs: Any) -> Any:
    """Returns the shapes of what `make(*inputs)` makes of networks, without making it.

    Raises:
      UsageError: their fields do not make networks for these inputs, with the line that found it.
    """
    try:
        return jax.eval_shape(make, *inputs)
    except (TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        package = Path(__file__).parent.parent
        lines = [
            f'{Path(frame.filename).relative_to(package.parent)}, line {frame.lineno}'
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).is_relative_to(package)
        ]
        message = f'config.networks cannot be built: {first_line(error)} ({lines[-1]})'
        raise UsageError(message) from error


def _find(name: str) -> type[nn.Module]:
    files = {module.name for module in pkgutil.iter_modules(__path__)}
    file, _, class_name = name.partition('.')
    if file not in files:
        raise UsageError(f'unknown network {name!r}; {nearest(file, files)}')
    module = importlib.import_module(f'{__name__}.{file}')
    classes = {
        f'{file}.{key}': value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.__module__ == module.__name__
        and not key.startswith('_')
    }
    return choose('network', name, classes)

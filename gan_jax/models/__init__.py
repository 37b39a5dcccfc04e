"""One file per architecture; a config names a network as `file.Class` and gives its fields."""

import importlib
import pkgutil
from typing import Any

import flax.linen as nn
import jax

from gan_jax.models import layers
from gan_jax.usage import UsageError, call, choose, nearest

# Fields of any network that a config gives by name and the network receives as a function.
_NAMED = {
    'normalization': layers.NORMALIZATIONS,
    'weights': layers.WEIGHTS,
    'upsampling': layers.UPSAMPLINGS,
    'pooling': layers.POOLINGS,
}


def build_network(spec: Any, **given: Any) -> nn.Module:
    """Returns the network that a config's section describes.

    Args:
      spec: `name` is 'file.Class' within this folder; fields ending in `init` are sections that
        name a `jax.nn.initializers` function and give its arguments; every other key is a field.
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
            section = dict(value)
            fields[field] = layers.initializer(section.pop('name'), **section)
    return call(f'network {spec["name"]!r}', network, **fields)


def variable_shapes(network: nn.Module, *inputs: jax.ShapeDtypeStruct) -> Any:
    """Returns the shapes of a network's variables by collection, without making them.

    Raises:
      UsageError: its fields do not make a network for these inputs.
    """
    try:
        return jax.eval_shape(network.init, jax.random.key(0), *inputs)
    except (TypeError, ValueError, IndexError) as error:
        name = type(network).__name__.lower()
        raise UsageError(f'the {name} cannot be built from its config: {error}') from error


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

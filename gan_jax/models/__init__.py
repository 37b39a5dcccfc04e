"""One file per architecture; a config names a network as `file.Class` and gives its fields."""

import dataclasses
import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax

from gan_jax.models import conditional, layers
from gan_jax.usage import UsageError, call, choose, first_line, nearest

# Fields of any network that a config gives by name and the network receives as a function.
_NAMED = {
    'normalization': layers.NORMALIZATIONS,
    'weights': layers.WEIGHTS,
    'upsampling': layers.UPSAMPLINGS,
    'pooling': layers.POOLINGS,
    'answer': layers.ANSWERS,
    'shortcut': layers.SHORTCUTS,
}


def build_network(spec: Any, **offered: Any) -> nn.Module:
    """Returns the network that a config's section describes; see `network_maker`."""
    return network_maker(spec, **offered)()


def network_maker(spec: Any, **offered: Any) -> Callable[..., nn.Module]:
    """Returns the function that makes the network of a config's section; it takes other fields.

    Args:
      spec: `name` is 'file.Class' within this folder; every other key is a field, those ending in
        `init` an initialiser's section.
      offered: what the data decide, such as `image_shape` (H, W, C) and the number of `classes`,
        for a network that has such a field.

    Raises:
      UsageError: an unknown network, field or choice, with the nearest known one.
    """
    fields = dict(spec)
    network = _find(fields.pop('name'))
    fields |= {field: fact for field, fact in offered.items() if field in fields_of(network)}
    for field, value in fields.items():
        if field in _NAMED:
            fields[field] = choose(field, value, _NAMED[field])
        elif field.endswith('init'):
            fields[field] = layers.initializer(value)
    call(f'network {spec["name"]!r}', network, **fields)
    return partial(network, **fields)


def fields_of(network: type[nn.Module]) -> set[str]:
    """Returns the names of a network's fields."""
    return {field.name for field in dataclasses.fields(network)} - {'parent', 'name'}


def condition_generator(name: str, make: Callable[..., nn.Module], classes: int) -> nn.Module:
    """Returns a generator told of classes in a way of `conditional.GENERATORS`, or of none."""
    return _condition('generator', name, conditional.GENERATORS, make, classes)


def condition_discriminator(name: str, make: Callable[..., nn.Module], classes: int) -> nn.Module:
    """Returns a discriminator told of classes as `conditional.DISCRIMINATORS` say, or of none."""
    return _condition('discriminator', name, conditional.DISCRIMINATORS, make, classes)


def _condition(role, name, wrappers, make, classes) -> nn.Module:
    wrapper = choose(f'config.condition.{role}', name, {**wrappers, 'none': None})
    if wrapper is None:
        return make()
    if 'label' in inspect.signature(make.func.__call__).parameters:
        raise UsageError(
            f'config.condition.{role}={name!r}: {make.func.__qualname__} is told of classes '
            "without that; 'none' leaves it as it is"
        )
    if wrapper.sets - fields_of(make.func):
        field, *_ = wrapper.sets
        raise UsageError(
            f'config.condition.{role}={name!r} needs a network with a field {field!r}, '
            f'which {make.func.__qualname__} is without'
        )
    if 'classes' not in fields_of(wrapper):
        return wrapper(make)
    return wrapper(make, classes=classes)


def told_of(network: nn.Module) -> tuple[str, ...]:
    """Returns what a network is told besides its first input: ('label',), or nothing."""
    parameters = inspect.signature(type(network).__call__).parameters
    return tuple(name for name in ('label',) if name in parameters)


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

"""Reads the constants of a graph that TensorFlow has saved, without TensorFlow.

A frozen GraphDef is a protocol buffer (https://protobuf.dev/programming-guides/encoding): numbered
fields one after another, messages within messages. Which numbers mean what is in TensorFlow's
`graph.proto`, `node_def.proto`, `attr_value.proto`, `tensor.proto` and `tensor_shape.proto`.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from gan_jax.usage import UsageError

_NODE = 1  # of a graph
_NAME, _OP, _ATTRIBUTE = 1, 2, 5  # of a node
_KEY, _VALUE = 1, 2  # of an attribute
_TENSOR = 8  # of an attribute's value
_DTYPE, _SHAPE, _CONTENT, _FLOATS = 1, 2, 4, 5  # of a tensor
_DIMENSION, _SIZE = 2, 1  # of a shape, of a dimension
_FLOAT32 = 1  # a dtype


def read_tensorflow_graph(path: str | Path) -> Mapping[str, np.ndarray]:
    """Returns the float32 constants of a frozen GraphDef by their names.

    Raises:
      UsageError: no such file, or one that holds something else.
    """
    try:
        graph = memoryview(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f'the weights {str(path)!r} cannot be read: {error.strerror}') from error
    try:
        constants = dict(_constants(graph))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f'{str(path)!r} holds no graph of TensorFlow: {error}') from error
    if not constants:
        raise UsageError(f'{str(path)!r} holds no graph of TensorFlow with constants in it')
    return constants


def _constants(graph: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    for node in _all(graph, _NODE):
        if _text(node, _OP) != 'Const':
            continue
        attributes = {_text(entry, _KEY): _one(entry, _VALUE) for entry in _all(node, _ATTRIBUTE)}
        tensor = _one(attributes['value'], _TENSOR)
        if _one(tensor, _DTYPE) == _FLOAT32:
            yield _text(node, _NAME), _array(tensor)


def _array(tensor: memoryview) -> np.ndarray:
    # What is 0 is not written.
    shape = [sum(_all(size, _SIZE)) for size in _all(_one(tensor, _SHAPE), _DIMENSION)]
    raw = b''.join(_all(tensor, _CONTENT)) or b''.join(_all(tensor, _FLOATS))
    values = np.frombuffer(raw, '<f4')
    if 0 < values.size < math.prod(shape):  # the last stands for all that are left
        values = np.pad(values, (0, math.prod(shape) - values.size), 'edge')
    return values.reshape(shape)


def _text(message: memoryview, field: int) -> str:
    return str(_one(message, field), 'utf-8')


def _one(message: memoryview, field: int) -> int | memoryview:
    *_, last = _all(message, field)
    return last


def _all(message: memoryview, field: int) -> Iterator[int | memoryview]:
    return (value for number, value in _fields(message) if number == field)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The numbers of a message's fields and what they hold: an integer, or bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f'there is a field of kind {kind}')
        if place + size > len(message):
            raise ValueError('it is cut short')
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for position, byte in enumerate(message[place : place + 10]):
        value |= (byte & 127) << 7 * position
        if byte < 128:
            return value, place + position + 1
    raise ValueError('it is cut short')

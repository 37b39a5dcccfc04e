"""Reads the weights that PyTorch has saved, without PyTorch.

Both of its formats: a ZIP archive, since PyTorch 1.6, and several pickles in a row before. Nothing
in a file is run but what makes tensors of numbers.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gan_jax.usage import UsageError

_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    'DoubleStorage': np.float64,
    'FloatStorage': np.float32,
    'HalfStorage': np.float16,
    'LongStorage': np.int64,
    'IntStorage': np.int32,
    'ByteStorage': np.uint8,
}


def read_torch_file(path: str | Path) -> Mapping[str, np.ndarray]:
    """Returns the arrays of a saved state by their names.

    Raises:
      UsageError: no such file, or one that holds something else.
    """
    try:
        with open(path, 'rb') as file:
            state = _read_archive(file) if zipfile.is_zipfile(file) else _read_pickles(file)
    except OSError as error:
        raise UsageError(f'the weights {str(path)!r} cannot be read: {error.strerror}') from error
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, AttributeError) as error:
        raise UsageError(f'{str(path)!r} holds no weights saved by PyTorch: {error}') from error
    if not isinstance(state, Mapping):
        raise UsageError(f'{str(path)!r} holds no weights by their names')
    return {name: array for name, array in state.items() if isinstance(array, np.ndarray)}


def _read_archive(file: BinaryIO) -> object:
    with zipfile.ZipFile(file) as archive:
        (index,) = (name for name in archive.namelist() if name.endswith('/data.pkl'))
        folder = index.removesuffix('data.pkl')

        def load(key: str, dtype: type, count: int) -> np.ndarray:
            return np.frombuffer(archive.read(f'{folder}data/{key}'), dtype, count)

        with archive.open(index) as pickled:
            return _Unpickler(pickled, load).load()


def _read_pickles(file: BinaryIO) -> object:
    file.seek(0)
    storages = {}

    def load(key: str, dtype: type, count: int) -> np.ndarray:
        return storages.setdefault(key, np.empty(count, dtype))

    def read() -> object:
        return _Unpickler(file, load).load()

    if read() != _OLD_MAGIC:
        raise ValueError('it does not begin like one')
    _, _, state, keys = (read() for _ in range(4))  # version, machine, tensors, their storages
    for key in keys:
        count = int.from_bytes(file.read(8), 'little')
        storage = storages[key]
        storage[:] = np.frombuffer(file.read(count * storage.itemsize), storage.dtype)
    return state


class _Unpickler(pickle.Unpickler):
    """Knows tensors and nothing else."""

    def __init__(self, file: BinaryIO, load: Callable[[str, type, int], np.ndarray]):
        super().__init__(file, encoding='utf-8')
        self._load = load

    def find_class(self, module: str, name: str) -> object:
        """Returns what stands for a name."""
        if module == 'torch' and name in _DTYPES:
            return _DTYPES[name]
        known = {
            ('collections', 'OrderedDict'): OrderedDict,
            ('torch._utils', '_rebuild_tensor_v2'): _rebuild,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f'{module}.{name} is no tensor')
        return known[module, name]

    def persistent_load(self, said: tuple) -> np.ndarray:
        """Returns the storage that tensors look at."""
        _, dtype, key, _, count, *_ = said
        return self._load(key, dtype, count)


def _rebuild(
    storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> np.ndarray:
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)

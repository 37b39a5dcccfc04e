"""Preparing a TFDS set, which takes TensorFlow once, or saying why that cannot be done here."""

import difflib
import importlib.util
import os
import re
import socket
import threading
import urllib.parse
import urllib.request
from typing import Any

import jax

from gan_jax.usage import UsageError, first_line, nearest

_TENSORFLOW = (
    'preparing takes TensorFlow, once: pip install tensorflow, then tfds.builder({name!r}, '
    "data_dir=...).download_and_prepare(file_format='array_record')"
)
_EMBEDDED = 'or take the embedded digits: --config.data.name=digits'


def prepare(name: str, data_dir: str | None) -> Any:
    """Downloads and prepares a set as ArrayRecord and returns its builder.

    Raises UsageError, within seconds, where this machine cannot: an unknown name, no TensorFlow,
    no network, several processes.
    """
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    if re.split('[:/]', name)[0] not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = nearest(name, ['digits', 'folder', *close])
        raise UsageError(f'unknown data set {name!r}; {hint} and the image sets of TFDS')

    place = data_dir or os.environ.get('TFDS_DATA_DIR', '~/tensorflow_datasets')
    missing = f'data set {name!r} is not prepared in {place} (--config.data.data_dir)'
    if importlib.util.find_spec('tensorflow') is None:
        raise UsageError(f'{missing}; {_TENSORFLOW.format(name=name)}; {_EMBEDDED}')
    if jax.process_count() > 1:
        raise UsageError(f'{missing}; prepare it in a run of one process first; {_EMBEDDED}')
    if not _online():
        raise UsageError(f'{missing} and the network does not answer; {_EMBEDDED}')
    try:
        _keep_tensorflow_off_accelerators()
        builder = tfds.builder(name, data_dir=data_dir)
        builder.download_and_prepare(file_format='array_record')
    except Exception as error:  # Whatever its own code and its servers come up with.
        raise UsageError(
            f'{missing} and could not be prepared: {first_line(error)}; {_EMBEDDED}'
        ) from error
    return builder


def _online(seconds: float = 3.0) -> bool:
    """Says whether the network, or the proxy set for it, takes a connection."""
    proxy = urllib.parse.urlsplit(urllib.request.getproxies().get('https', ''))
    address = (proxy.hostname or 'storage.googleapis.com', proxy.port or 443)
    answered = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection(address, seconds).close()
            answered.set()
        except OSError:
            pass

    # In a thread, because looking up a host's name knows no time limit.
    threading.Thread(target=connect, daemon=True).start()
    return answered.wait(seconds)


def _keep_tensorflow_off_accelerators() -> None:
    import tensorflow as tf  # It would take all of a GPU's memory.

    tf.config.set_visible_devices([], 'GPU')
    tf.config.set_visible_devices([], 'TPU')

"""PyTorch's files read without PyTorch, and files that are none."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from gan_jax.metrics.inception.torch_file import read_torch_file
from gan_jax.usage import UsageError

REFERENCE = Path(__file__).parent / 'reference'


@pytest.mark.parametrize('name', ('weights-new.pth', 'weights-old.pth'))
def test_both_formats_are_read(name):
    """Two tensors of one storage, one of them transposed, and one of integers."""
    state = read_torch_file(REFERENCE / name)
    assert set(state) == {'whole', 'part', 'count'}
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    np.testing.assert_array_equal(state['whole'], whole)
    np.testing.assert_array_equal(state['part'], whole[1:3, 2:].T)
    assert state['part'].dtype == np.float32
    assert state['count'] == 7 and state['count'].dtype == np.int64


def test_nothing_in_a_file_is_run(tmp_path):
    class Harmful:
        def __reduce__(self):
            return Path.touch, (tmp_path / 'ran',)

    file = tmp_path / 'weights.pth'
    file.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(UsageError, match='holds no weights saved by PyTorch: .* is no tensor'):
        read_torch_file(file)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(
    'content, message',
    [
        (None, 'cannot be read: No such file'),
        (b'', 'holds no weights saved by PyTorch'),
        (b'<html>', 'holds no weights saved by PyTorch'),
        (pickle.dumps(5), 'holds no weights saved by PyTorch: it does not begin like one'),
    ],
)
def test_other_files_are_said_to_be_none(tmp_path, content, message):
    file = tmp_path / 'weights.pth'
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_torch_file(file)

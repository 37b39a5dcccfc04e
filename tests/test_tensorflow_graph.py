"""TensorFlow's graphs read without TensorFlow, and the Inception network's weights in one."""

from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax import metrics
from gan_jax.metrics.inception import from_torch
from gan_jax.metrics.inception.from_tensorflow import from_tensorflow
from gan_jax.metrics.inception.tensorflow_graph import read_tensorflow_graph
from gan_jax.usage import UsageError
from tests.reference.make_inception import draw_state

REFERENCE = Path(__file__).parent / 'reference'
LEAVES = {
    'gamma': 'weight',
    'beta': 'bias',
    'moving_mean': 'running_mean',
    'moving_variance': 'running_var',
}


def field(number: int, content: bytes | int) -> bytes:
    """Returns a field of a protocol buffer: bytes or an integer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def constant(name: str, array: np.ndarray) -> bytes:
    """Returns a node of a graph as TensorFlow writes a constant of float32."""
    shape = b''.join(field(2, field(1, size)) for size in array.shape)
    tensor = field(1, 1) + field(2, shape) + field(4, np.ascontiguousarray(array).tobytes())
    attributes = (('dtype', field(6, 1)), ('value', field(8, tensor)))
    entries = (field(1, key.encode()) + field(2, value) for key, value in attributes)
    node = field(1, name.encode()) + field(2, b'Const') + b''.join(field(5, e) for e in entries)
    return field(1, node)


@pytest.fixture(scope='module')
def constants() -> dict[str, np.ndarray]:
    """The constants of the graph under its own names, of the weights that PyTorch's file has."""
    weights = draw_state()
    found = {'softmax/weights': weights['fc.weight'].T, 'softmax/biases': np.ones(1008, np.float32)}
    for line in (REFERENCE / 'inception_names.txt').read_text().splitlines():
        if line.startswith('#'):
            continue
        theirs, ours = line.split()
        found[f'{theirs}/conv2d_params'] = weights[f'{ours}.conv.weight'].transpose(2, 3, 1, 0)
        for leaf, name in LEAVES.items():
            found[f'{theirs}/batchnorm/{leaf}'] = weights[f'{ours}.bn.{name}']
    return found


def test_constants_are_read_as_tensorflow_wrote_them():
    """By content, by one value for all and for one, without any; integers and text are left out."""
    found = read_tensorflow_graph(REFERENCE / 'graph.pb')
    expected = {
        'scope/whole': np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        'scope/filled': np.full((3, 4), 0.5, np.float32),
        'one': np.float32(7),
        'none': np.zeros((0, 5), np.float32),
    }
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.float32 and found[name].shape == array.shape


def test_both_files_give_the_same_network(constants, tmp_path):
    """Every array, from a whole graph under TensorFlow's names; the last bias is left out."""
    file = tmp_path / 'classify_image_graph_def.pb'
    file.write_bytes(b''.join(constant(name, array) for name, array in constants.items()))
    said = metrics.load_inception(str(file)).variables
    jax.tree.map(np.testing.assert_array_equal, said, from_torch(draw_state()))


def test_a_graph_of_another_network_is_refused(constants):
    name = 'mixed_9/tower/mixed/conv_1/batchnorm/beta'
    with pytest.raises(UsageError, match=f"the graph has no constant '{name}'"):
        from_tensorflow({key: array for key, array in constants.items() if key != name})
    with pytest.raises(UsageError, match=f"constant '{name}' .* shape of another network"):
        from_tensorflow(constants | {name: np.ones((1, 384), np.float32)})
    with pytest.raises(UsageError, match='Mixed_7b.branch3x3_2b.* shape of another network'):
        from_tensorflow(constants | {name: np.ones(5, np.float32)})


@pytest.mark.parametrize(
    'content, message',
    [
        (None, 'cannot be read: No such file'),
        (b'', 'holds no graph of TensorFlow with constants in it'),
        (b'<html>', 'holds no graph of TensorFlow: there is a field of kind'),
        (constant('name', np.ones(100, np.float32))[:-1], 'holds no graph of TensorFlow: .* short'),
        (field(1, field(1, b'name') + field(2, b'Const')), 'holds no graph of TensorFlow'),
    ],
)
def test_other_files_are_said_to_be_none(tmp_path, content, message):
    file = tmp_path / 'graph.pb'
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_tensorflow_graph(file)

"""Checkpoints: what is kept of them, what comes back, and what a damaged disk does to them."""

import gc
import shutil
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import mesh as meshes
from gan_jax.checkpoint import Checkpoints
from gan_jax.usage import UsageError

pytestmark = pytest.mark.filterwarnings('ignore:coroutine:RuntimeWarning')


@pytest.fixture(autouse=True)
def _garbage(monkeypatch):
    """Is not reported: there Orbax leaves its other reads when one has failed."""
    monkeypatch.setattr(sys, 'unraisablehook', lambda unraisable: None)
    yield
    gc.collect()


def state_at(step: int, devices: int = 1):
    """Returns a state that another step never has: every dtype, scalars, zeros, an optimiser's."""
    key = jax.random.fold_in(jax.random.key(0), step)
    params = {
        'kernel': jax.random.normal(key, (32, 16)),
        'zeros': jnp.zeros((16, 16)),
        'half': jax.random.normal(key, (5,), jnp.bfloat16),
    }
    state = {
        'step': jnp.int32(step),
        'params': params,
        'opt': optax.adam(1e-3).init(params),
        'pool': jax.random.bits(key, (4, 4), jnp.uint8),
        'mask': jax.random.bernoulli(key, shape=(7,)),
    }
    return jax.device_put(state, meshes.replicated(meshes.make_mesh(jax.devices()[:devices])))


def like(state):
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
    )


def same_bits(tree, other) -> bool:
    """Whether two trees hold the same dtypes and the same bits."""
    return all(
        a.dtype == b.dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True)
    )


def save(directory: Path, scores: dict[int, float], **options) -> None:
    """Saves the state of each step with its score, as one process would."""
    checkpoints = Checkpoints(directory, **options)
    for step, score in scores.items():
        checkpoints.save(step, state_at(step), {'loss': score, 'other': -score})
    assert checkpoints.finish()
    checkpoints.close()


def restore(directory: Path, state=None, **options):
    """Returns the newest state that can be read."""
    checkpoints = Checkpoints(directory, **options)
    try:
        return checkpoints.restore(like(state_at(0) if state is None else state))
    finally:
        checkpoints.close()


def steps_in(directory: Path) -> list[int]:
    return sorted(int(path.name) for path in directory.iterdir())


def test_every_leaf_comes_back_with_its_bits_and_its_dtype(tmp_path):
    save(tmp_path / 'c', {3: 0.0})
    assert same_bits(restore(tmp_path / 'c'), state_at(3))
    dtypes = {str(leaf.dtype) for leaf in jax.tree.leaves(state_at(3))}
    assert dtypes == {'float32', 'bfloat16', 'int32', 'uint8', 'bool'}


def test_a_state_of_another_dtype_is_refused_not_cast(tmp_path):
    save(tmp_path / 'c', {3: 0.0})
    other = state_at(0)
    other['params']['half'] = other['params']['half'].astype(jnp.float32)
    with pytest.raises(UsageError, match='checksum'):
        restore(tmp_path / 'c', other)


@pytest.mark.parametrize('step', (None, 3))
def test_a_state_of_other_arrays_is_said_and_stays_in_its_place(tmp_path, step):
    save(tmp_path / 'c', {3: 0.0})
    other = state_at(0)
    other['params']['more'] = jnp.zeros(2)
    checkpoints = Checkpoints(tmp_path / 'c')
    with pytest.raises(UsageError, match=r'another architecture \(params.more: none -> \(2,\)'):
        checkpoints.restore(like(other), step)
    checkpoints.close()
    assert same_bits(restore(tmp_path / 'c'), state_at(3))


@pytest.mark.parametrize('saved, restored', [(2, 1), (1, 2)])
def test_a_state_moves_to_another_number_of_devices(tmp_path, saved, restored):
    checkpoints = Checkpoints(tmp_path / 'c')
    checkpoints.save(1, state_at(1, devices=saved), {})
    assert checkpoints.finish()
    checkpoints.close()
    found = restore(tmp_path / 'c', state_at(0, devices=restored))
    assert same_bits(found, state_at(1))
    assert {len(leaf.sharding.device_set) for leaf in jax.tree.leaves(found)} == {restored}


def test_there_may_be_no_checkpoint_yet(tmp_path):
    assert restore(tmp_path / 'c') is None
    assert restore(tmp_path / 'nothing', read_only=True) is None
    assert not (tmp_path / 'nothing').exists()


# (options of each process in turn, the scores of the steps it saves) -> the steps that are left
KEPT = {
    'the latest': ([({}, {1: 3.0, 2: 2.0, 3: 1.0})], [3]),
    'the latest two': ([(dict(keep=2), {1: 3.0, 2: 2.0, 3: 1.0})], [2, 3]),
    'the best too': ([(dict(best='loss'), {1: 3.0, 2: 1.0, 3: 2.0, 4: 4.0})], [2, 4]),
    'the best of an earlier process': (
        [(dict(best='loss'), {1: 3.0, 2: 1.0, 3: 2.0}), (dict(best='loss'), {4: 4.0, 5: 1.5})],
        [2, 5],
    ),
    'the best by what another process did not score': (
        [(dict(best='loss'), {1: 3.0, 2: 1.0}), (dict(best='other'), {3: 2.0, 4: 1.0, 5: 0.5})],
        [3, 5],
    ),
    'the best, chosen late': (
        [(dict(keep=2), {1: 1.0, 2: 2.0}), (dict(best='loss'), {3: 2.0, 4: 3.0})],
        [3, 4],
    ),
    'a score that is missing': ([(dict(best='absent'), {1: 3.0, 2: 1.0})], [2]),
}


@pytest.mark.parametrize('name', KEPT)
def test_what_is_kept(tmp_path, name):
    processes, expected = KEPT[name]
    for options, scores in processes:
        save(tmp_path, scores, **options)
        assert int(restore(tmp_path, **options)['step']) == max(scores)
    assert steps_in(tmp_path) == expected


def flip(content: bytes, place: float) -> bytes:
    """Flips one bit, at a share of the way into the file."""
    flipped = bytearray(content)
    if flipped:
        flipped[int(place * (len(flipped) - 1))] ^= 0x10
    return bytes(flipped)


def blank(content: bytes) -> bytes:
    """Zeroes the middle third."""
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


# What a disk may do to a file; None deletes it.
DAMAGES = {
    'truncated': lambda content: content[: len(content) // 2],
    'emptied': lambda content: b'',
    'zeroed': lambda content: bytes(len(content)),
    'zeroed in part': blank,
    'deleted': lambda content: None,
    'a bit near the start': lambda content: flip(content, 0.1),
    'a bit in the middle': lambda content: flip(content, 0.5),
    'a bit near the end': lambda content: flip(content, 0.9),
}


@pytest.fixture(scope='module')
def two_saved(tmp_path_factory) -> Path:
    """The checkpoints of steps 1 and 2, with their scores."""
    directory = tmp_path_factory.mktemp('two_saved') / 'checkpoints'
    save(directory, {1: 2.0, 2: 1.0}, keep=2, best='loss')
    return directory


@pytest.mark.parametrize('damage', DAMAGES)
def test_damage_to_any_file_is_noticed_or_harmless(two_saved, tmp_path, capsys, damage):
    """Never are other values restored than were saved; whenever older ones are, it is said."""
    noticed = set()
    files = [path for path in (two_saved / '2').rglob('*') if path.is_file()]
    for number, file in enumerate(files):
        directory = tmp_path / str(number) / 'checkpoints'
        shutil.copytree(two_saved, directory)
        damaged = directory / file.relative_to(two_saved)
        content = DAMAGES[damage](file.read_bytes())
        damaged.unlink() if content is None else damaged.write_bytes(content)
        found = restore(directory, keep=2, best='loss')
        said = capsys.readouterr().out
        step = int(found['step'])
        assert same_bits(found, state_at(step)), file
        assert ('CHECKPOINT 2 CANNOT BE READ' in said) == (step == 1), file
        if step == 1:
            noticed.add(file)
            assert steps_in(directory) == [1]
            assert (directory.parent / 'unreadable_checkpoint_2').is_dir()
    assert max(files, key=lambda file: file.stat().st_size) in noticed  # the arrays themselves


def test_a_run_goes_on_after_a_damaged_checkpoint(two_saved, tmp_path):
    directory = tmp_path / 'checkpoints'
    shutil.copytree(two_saved, directory)
    (directory / '2' / 'default' / 'manifest.ocdbt').unlink()
    (directory / '1' / 'metrics' / 'metrics').write_text('{"lo')
    checkpoints = Checkpoints(directory, keep=2, best='loss')
    assert int(checkpoints.restore(like(state_at(0)))['step']) == 1
    for step in (2, 3):
        checkpoints.save(step, state_at(step), {'loss': 0.5})
    assert checkpoints.finish()
    checkpoints.close()
    assert steps_in(directory) == [2, 3]
    assert same_bits(restore(directory, keep=2, best='loss'), state_at(3))


def test_where_none_can_be_read_nothing_is_touched(two_saved, tmp_path):
    directory = tmp_path / 'checkpoints'
    shutil.copytree(two_saved, directory)
    for step in ('1', '2'):
        (directory / step / 'default' / 'manifest.ocdbt').write_bytes(b'')
    with pytest.raises(UsageError, match='no checkpoint in .* can be read') as caught:
        restore(directory, keep=2)
    assert len(str(caught.value).splitlines()) == 1
    assert steps_in(directory) == [1, 2]


def snapshot(directory: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in directory.rglob('*')}


def test_reading_beside_a_run_changes_nothing(two_saved, tmp_path):
    """Neither a damaged checkpoint nor one that is being written is cleared away."""
    directory = tmp_path / 'checkpoints'
    shutil.copytree(two_saved, directory)
    (directory / '2' / 'default' / 'manifest.ocdbt').write_bytes(b'')
    (directory / '2' / 'metrics' / 'metrics').write_bytes(b'')
    (directory / '3.orbax-checkpoint-tmp').mkdir()
    before = snapshot(directory)
    assert same_bits(restore(directory, read_only=True), state_at(1))
    assert snapshot(directory) == before

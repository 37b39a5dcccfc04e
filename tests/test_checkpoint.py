"""Checkpoints: what is kept, what a damaged disk does to them, and what a full one does to a run."""

import json
import resource
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

from gan_jax import mesh as meshes
from gan_jax.checkpoint import Checkpoints
from gan_jax.usage import UsageError


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
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state)


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
    assert set(steps_in(tmp_path)) >= set(expected)
    if name != 'a score that is missing':
        assert steps_in(tmp_path) == expected

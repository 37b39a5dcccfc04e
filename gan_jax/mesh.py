"""Devices and hosts: one mesh with a `data` axis over every device of every process."""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from gan_jax.usage import UsageError

# What a cluster sets where it runs more than one process; any other machine is on its own. SLURM's
# is that of a step (`srun`): a shell within an allocation has its number of tasks and is alone.
_ANNOUNCED_PROCESSES = ('JAX_NUM_PROCESSES', 'SLURM_STEP_NUM_TASKS', 'OMPI_COMM_WORLD_SIZE')
_BY_HAND = ('JAX_COORDINATOR_ADDRESS', 'JAX_NUM_PROCESSES', 'JAX_PROCESS_ID')


def initialize_distributed() -> None:
    """Joins the other processes, where the environment announces any, before any use of JAX.

    `JAX_COORDINATOR_ADDRESS`, `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID` name a cluster by hand;
    SLURM, Open MPI and TPU VMs are recognised by `jax.distributed.initialize` itself.

    Raises:
      UsageError: an environment that names a cluster by halves.
    """
    by_hand = 'JAX_COORDINATOR_ADDRESS' in os.environ
    missing = [name for name in _BY_HAND if name not in os.environ]
    if by_hand and missing:
        raise UsageError(f'a cluster named by hand needs {missing[0]} in the environment too')
    announced = any(_number(name) > 1 for name in _ANNOUNCED_PROCESSES)
    tpu_pod = ',' in os.environ.get('TPU_WORKER_HOSTNAMES', '')
    if not (announced or tpu_pod):
        return
    cluster = {}
    if by_hand:
        cluster = dict(
            coordinator_address=os.environ['JAX_COORDINATOR_ADDRESS'],
            num_processes=_number('JAX_NUM_PROCESSES'),
            process_id=_number('JAX_PROCESS_ID'),
        )
    jax.distributed.initialize(**cluster, initialization_timeout=1800)


def _number(name: str) -> int:
    value = os.environ.get(name) or '1'
    if not value.isdigit():
        raise UsageError(f'{name}={value} in the environment must be a number')
    return int(value)


def make_mesh(devices: Any = None) -> Mesh:
    """Returns the mesh of all devices (or of those given) along one axis, `data`."""
    devices = np.asarray(jax.devices() if devices is None else devices)
    return Mesh(devices, ('data',), axis_types=(AxisType.Auto,))


def replicated(mesh: Mesh) -> NamedSharding:
    """Returns the sharding that gives every device the whole array."""
    return NamedSharding(mesh, PartitionSpec())


def split(mesh: Mesh, axis: int) -> NamedSharding:
    """Returns the sharding that splits dimension `axis` of an array over the devices."""
    return NamedSharding(mesh, PartitionSpec(*[None] * axis, 'data'))


def put(sharding: NamedSharding, tree: Any) -> Any:
    """Makes global arrays of host arrays that every process holds whole."""

    def place(leaf):
        if jax.dtypes.issubdtype(getattr(leaf, 'dtype', None), jax.dtypes.extended):
            return jax.device_put(leaf, sharding)
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(place, tree)


def put_local(sharding: NamedSharding, tree: Any) -> Any:
    """Makes global arrays of host arrays of which every process holds its own part."""
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, leaf), tree)


def gather(tree: Any) -> Any:
    """Returns global arrays whole, as NumPy arrays, on every process; a collective."""
    from jax.experimental import multihost_utils

    if jax.process_count() == 1:
        return jax.device_get(tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def everywhere(succeeded: bool) -> bool:
    """Whether every process succeeded, so that all of them go on from the same; a collective."""
    from jax.experimental import multihost_utils

    if jax.process_count() == 1:
        return succeeded
    return bool(np.all(multihost_utils.process_allgather(np.array(succeeded))))


def shard_batch(mesh: Mesh) -> Callable[[Any], Any]:
    """Returns a function, for use under jit, that splits the leading dimension over the devices.

    Arrays whose leading dimension the devices do not divide (scalars too) are left alone.
    """

    def constrain(leaf):
        if leaf.ndim and leaf.shape[0] % mesh.size == 0:
            return jax.lax.with_sharding_constraint(leaf, split(mesh, 0))
        return leaf

    return lambda tree: jax.tree.map(constrain, tree)

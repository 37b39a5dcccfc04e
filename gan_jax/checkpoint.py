"""Checkpoints of the whole training state through Orbax, which writes them in the background."""

import contextlib
import json
import math
import shutil
import time
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils
from orbax.checkpoint import checkpoint_managers as policies

from gan_jax import mesh as meshes
from gan_jax.logs import say
from gan_jax.usage import UsageError, first_line


class Checkpoints:
    """The checkpoints of a run: the latest few, and the best by a logged metric where one is named.

    The best is the lowest, or the highest where a minus precedes the metric's name.

    Orbax writes into a temporary folder and renames it when it is whole, so that a run killed at
    any moment finds only whole checkpoints. What a disk does to them later is found by a checksum
    over every bit of the state. With `read_only` a run that is still being trained can be read
    beside it.
    """

    def __init__(self, directory: Path, keep: int = 1, best: str = '', read_only: bool = False):
        best, sign = best.removeprefix('-'), -1 if best.startswith('-') else 1

        def score(metrics):
            return sign * metrics.get(best, sign * math.inf)

        self._directory, self._best, self._read_only = directory.absolute(), best, read_only
        self._newest = None  # the last step that was to be saved
        kept = [policies.LatestN(keep)]
        if best:
            kept.append(
                policies.BestN(
                    get_metric_fn=score, reverse=True, n=1, keep_checkpoints_without_metrics=False
                )
            )
        self._options = ocp.CheckpointManagerOptions(
            preservation_policy=policies.AnyPreservationPolicy(kept),
            # Makes Orbax write the scores, so that they outlive the process. What is kept is up to
            # the policies: by itself `best_fn` evicts the latest, from which a run goes on.
            best_fn=score if best else None,
            cleanup_tmp_directories=not read_only,
            lightweight_initialize=read_only,
            read_only=read_only,
            create=not read_only,
        )
        try:
            self._manager = self._open()
        except OSError as error:
            raise UsageError(f'cannot write to {str(directory)!r}: {error.strerror}') from None

    def save(self, step: int, state: Any, metrics: Mapping[str, float]) -> None:
        """Saves in the background; a full disk costs a loud line, never the run.

        The saved score is the metric that `best` names; it may be missing at some steps.
        """
        self._newest = step
        self._wait()
        if step in self._manager.all_steps():
            return
        score = {self._best: float(metrics[self._best])} if self._best in metrics else None
        saved = ocp.args.StandardSave({'state': state, 'checksum': _checksum(state)})
        try:
            if not self._manager.save(step, args=saved, metrics=score):
                say(f'NOT SAVED: step {step} is older than a checkpoint in {self._directory}')
        except Exception as error:  # noqa: BLE001 (whatever Orbax or the file system raises)
            self._failed(error)

    def finish(self) -> bool:
        """Waits for the last save; returns whether it stands."""
        self._wait()
        return self._newest is None or self._newest in self._manager.all_steps()

    def restore(self, like: Any, step: int | None = None) -> Any | None:
        """Returns the newest checkpoint that can be read, or None where there is none.

        One that cannot be read is put aside, loudly, and the one before it is used.

        Args:
          like: the state's shapes, dtypes and shardings.
          step: the checkpoint of this step, and of no other.

        Raises:
          UsageError: there are checkpoints and none can be read, or not that of the step; or the
            newest is of other networks, players or parts of a game than `like`.
        """
        if step is not None:
            return self._restore_one(like, step)
        broken = {}
        while (step := self._newest_but(broken)) is not None:
            self._check_kind(step, like)
            state, reason = self._attempt(step, like)
            if not meshes.everywhere(reason is None):
                if not self._is_dropped(step):
                    broken[step] = reason or 'another process cannot read it'
                continue
            for bad_step, reason in broken.items():
                self._put_aside(bad_step, reason)
            return _donatable(state, like)
        if broken:
            step = max(broken)
            raise UsageError(
                f'no checkpoint in {str(self._directory)!r} can be read '
                f'(step {step}: {broken[step]}); move them away to start anew'
            )
        return None

    def _restore_one(self, like: Any, step: int) -> Any:
        steps = sorted(self._manager.all_steps())
        if step not in steps:
            kept = ', '.join(map(str, steps)) or 'none'
            raise UsageError(f'no checkpoint of step {step} in {str(self._directory)!r}: {kept}')
        self._check_kind(step, like)
        state, reason = self._attempt(step, like)
        if not meshes.everywhere(reason is None):
            reason = reason or 'another process cannot'
            raise UsageError(f'the checkpoint of step {step} cannot be read: {reason}')
        return _donatable(state, like)

    def interrupted(self, count: int) -> bool:
        """Whether the cluster has announced the end of this job, agreed on by every process.

        count: how often this was asked before; JAX agrees on a number that no process may leap.
        """
        return self._manager.reached_preemption(count)

    def close(self) -> None:
        """Waits for the last save and releases the manager's threads."""
        self._wait()
        with contextlib.suppress(Exception):  # it has been said
            self._manager.close()

    def _open(self) -> ocp.CheckpointManager:
        if not self._read_only and jax.process_index() == 0:
            self._drop_unreadable_scores()
        handler = ocp.StandardCheckpointHandler()  # without it there is no metadata
        return ocp.CheckpointManager(self._directory, options=self._options, item_handlers=handler)

    def _drop_unreadable_scores(self) -> None:
        """Orbax does not open a folder in which a score cannot be read."""
        for file in self._directory.glob('*/metrics/metrics'):
            try:
                sum(json.loads(file.read_bytes()).values())
            except (ValueError, TypeError, AttributeError):
                say(f'THE SCORE IN {file} CANNOT BE READ: it may not be kept as the best')
                shutil.rmtree(file.parent)

    def _wait(self) -> None:
        try:
            self._manager.wait_until_finished()
        except Exception as error:  # noqa: BLE001
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        say(f'NOT SAVED: {_reason(error)}; training goes on, the last whole checkpoint stays')
        # The manager of a failed save refuses the next one; where no new one can be had either,
        # it says so again at the next save.
        with contextlib.suppress(Exception):
            self._manager = self._open()

    def _check_kind(self, step: int, like: Any) -> None:
        """Finds a checkpoint of other arrays than those that are asked for."""
        wanted = _shapes(like)
        try:
            found = _shapes(self._manager.item_metadata(step)['state'])
        except Exception:  # noqa: BLE001 (reading it will say what is wrong)
            found = wanted
        differ = sorted(name for name, _ in found.items() ^ wanted.items())
        if not meshes.everywhere(not differ):
            name = differ[0] if differ else 'on another process'
            raise UsageError(
                f'the checkpoint of step {step} in {str(self._directory)!r} is of another '
                f'architecture ({name}: {found.get(name, "none")} -> {wanted.get(name, "none")}) '
                'or of another version of the code: repeat the flags that it was trained with, or '
                'give the run its own --workdir'
            )

    def _attempt(self, step: int, like: Any) -> tuple[Any, str | None]:
        """Returns a checkpoint's state, or why it cannot be read."""
        try:
            return self._read(step, like), None
        except Exception as error:  # noqa: BLE001 (whatever Orbax or the file system raises)
            return None, _reason(error)

    def _read(self, step: int, like: Any) -> Any:
        wanted = {'state': like, 'checksum': np.zeros((), np.uint32)}
        read = self._manager.restore(step, args=ocp.args.StandardRestore(wanted))
        # Finds flipped bits and, as Orbax casts silently, another dtype.
        if _checksum(read['state']) != read['checksum']:
            raise ValueError('its checksum does not match')
        return read['state']

    def _newest_but(self, broken: Collection[int]) -> int | None:
        """Returns the newest step that is not broken; the run beside may have gone on since."""
        steps = set(self._manager.all_steps()) - set(broken)
        # A listing can miss a checkpoint that takes another's place meanwhile: look again.
        for _ in range(10 if self._read_only else 0):
            if steps:
                break
            self._manager = self._open()
            steps = set(self._manager.all_steps()) - set(broken)
        return max(steps, default=None)

    def _is_dropped(self, step: int) -> bool:
        """Whether a run beside has dropped a checkpoint for another, which it does file by file."""
        for _ in range(20 if self._read_only else 0):
            if not (self._directory / str(step)).exists():
                self._manager = self._open()
                return True
            time.sleep(0.05)
        return False

    def _put_aside(self, step: int, reason: str) -> None:
        say(f'CHECKPOINT {step} CANNOT BE READ ({reason}): using the one before')
        if self._read_only:
            return
        aside = self._directory.with_name(f'unreadable_checkpoint_{step}')
        say(f'the unreadable checkpoint is kept in {aside}')
        if jax.process_index() == 0:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.move(self._directory / str(step), aside)
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices(f'put aside {step}')
        self._manager = self._open()


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every leaf by its dotted name."""
    return {
        jax.tree_util.keystr(path, simple=True, separator='.'): tuple(leaf.shape)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _donatable(state: Any, like: Any) -> Any:
    """Restored arrays cannot always be donated; copies that XLA made can."""
    shardings = jax.tree.map(lambda leaf: leaf.sharding, like)
    return jax.jit(lambda tree: jax.tree.map(jnp.copy, tree), out_shardings=shardings)(state)


def _checksum(state: Any) -> np.ndarray:
    """Returns a CRC-32 over all leaves in turn; every process holds them whole."""
    checksum = 0
    for leaf in jax.tree.leaves(state):
        checksum = zlib.crc32(np.asarray(leaf.addressable_data(0)).tobytes(), checksum)
    return np.array(checksum, np.uint32)


def _reason(error: BaseException) -> str:
    """Returns what began it all, in one line."""
    while error.__cause__:
        error = error.__cause__
    return first_line(error)

"""Checkpoints of the whole training state through Orbax, which writes them in the background."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from gan_jax.logs import say
from gan_jax.usage import UsageError


class Checkpoints:
    """The checkpoints of a run: the latest few, and the best by a logged metric where one is named.

    Orbax writes into a temporary folder and renames it when it is whole, so that a run killed at
    any moment finds only whole checkpoints. With `read_only` a run that is still being trained can
    be read beside it.
    """

    def __init__(self, directory: Path, keep: int = 1, best: str = '', read_only: bool = False):
        self._directory, self._best, self._read_only = directory.absolute(), best, read_only
        kept = [policies.LatestN(keep)]
        if best:
            # Orbax's own `best_fn` would evict the latest checkpoint, from which a run goes on.
            kept.append(
                policies.BestN(
                    get_metric_fn=lambda metrics: metrics[best],
                    n=1,
                    reverse=True,
                    keep_checkpoints_without_metrics=False,
                )
            )
        self._options = ocp.CheckpointManagerOptions(
            preservation_policy=policies.AnyPreservationPolicy(kept),
            cleanup_tmp_directories=not read_only,
            read_only=read_only,
            create=not read_only,
        )
        self._manager = ocp.CheckpointManager(self._directory, options=self._options)

    def save(self, step: int, state: Any, metrics: Mapping[str, float]) -> None:
        """Saves in the background; a full disk costs a loud line, never the run.

        The saved metric is the one that `best` names.
        """
        if step in self._manager.all_steps():
            return
        score = {self._best: float(metrics[self._best])} if self._best else None
        try:
            self._manager.wait_until_finished()  # raises what the last save met
            saved = self._manager.save(step, args=ocp.args.StandardSave(state), metrics=score)
            if not saved:
                say(f'NOT SAVED: step {step} is older than a checkpoint in {self._directory}')
        except Exception as error:  # noqa: BLE001 (whatever Orbax or the file system raises)
            self._failed(error)

    def finish(self) -> bool:
        """Waits for the last save; returns whether it stands."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:  # noqa: BLE001
            self._failed(error)
            return False
        return True

    def _failed(self, error: Exception) -> None:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        say(f'NOT SAVED: {line}; training goes on, the last whole checkpoint stays')
        # The manager of a failed save refuses the next one.
        self._manager = ocp.CheckpointManager(self._directory, options=self._options)

    def restore(self, like: Any) -> Any | None:
        """Returns the newest checkpoint that can be read, or None where there is none.

        One that cannot be read is put aside, loudly, and the one before it is used.

        Args:
          like: the state's shapes, dtypes and shardings.

        Raises:
          UsageError: there are checkpoints and none can be read.
        """
        broken = []
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                state = self._manager.restore(step, args=ocp.args.StandardRestore(like))
                _check(state, like)
            except Exception as error:  # noqa: BLE001
                broken.append((step, str(error).strip().splitlines()[0]))
                continue
            for step, reason in broken:
                self._put_aside(step, reason)
            # Restored arrays cannot always be donated; copies that XLA made can.
            shardings = jax.tree.map(lambda leaf: leaf.sharding, like)
            return jax.jit(lambda tree: jax.tree.map(lambda x: x + 0, tree), out_shardings=shardings)(state)
        if broken:
            step, reason = broken[0]
            raise UsageError(
                f'no checkpoint in {str(self._directory)!r} can be read '
                f'(step {step}: {reason}); move them away to start anew'
            )
        return None

    def _put_aside(self, step: int, reason: str) -> None:
        say(f'CHECKPOINT {step} CANNOT BE READ ({reason}): using the one before')
        if self._read_only:
            return
        aside = self._directory.with_name(f'unreadable_checkpoint_{step}')
        say(f'the unreadable checkpoint is kept in {aside}')
        if jax.process_index() == 0:
            shutil.rmtree(aside, ignore_errors=True)
            shutil.move(self._directory / str(step), aside)
        self._manager.reload()

    def interrupted(self, step: int) -> bool:
        """Whether the cluster has announced the end of this job, agreed on by every process."""
        return self._manager.reached_preemption(step)

    def close(self) -> None:
        """Waits for the last save and releases the manager's threads."""
        self._manager.close()


def _check(state: Any, like: Any) -> None:
    """Orbax casts a wrong dtype silently."""
    for saved, wanted in zip(jax.tree.leaves(state), jax.tree.leaves(like), strict=True):
        if saved.shape != wanted.shape or saved.dtype != wanted.dtype:
            raise ValueError(f'{saved.dtype}{saved.shape} where {wanted.dtype}{wanted.shape} belongs')

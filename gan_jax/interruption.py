"""How a run is asked to stop."""

import contextlib
import os
import signal
import sys

import jax

from gan_jax.checkpoint import Checkpoints


class Interruption:
    """Ctrl-C and SIGTERM end the run after the call of steps at hand; the last state is then saved.

    Several processes must stop at the same step: there JAX's preemption service carries SIGTERM,
    and Ctrl-C is passed on as one.
    """

    def __enter__(self):
        self._asked, self._alone = False, jax.process_count() == 1
        numbers = (signal.SIGINT, signal.SIGTERM) if self._alone else (signal.SIGINT,)
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self._asked:  # twice: at once
            raise KeyboardInterrupt
        self._asked = True
        if not self._alone:
            os.kill(os.getpid(), signal.SIGTERM)
        with contextlib.suppress(OSError):
            # Not print: the signal may have come in the middle of another one.
            line = '\nstopping after the steps under way; once more to stop at once\n'
            os.write(sys.stderr.fileno(), line.encode())

    def requested(self, checkpoints: Checkpoints, call: int) -> bool:
        """Whether this call of steps is to be the last; calls are counted one by one."""
        return self._asked if self._alone else checkpoints.interrupted(call)

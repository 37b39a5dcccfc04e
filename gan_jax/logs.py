"""What a run says: JSON lines, TensorBoard, and a progress bar or plain lines. Process 0 alone."""

import contextlib
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import jax
from tqdm import tqdm

from gan_jax.files import replacing


def say(message: str) -> None:
    """Prints one line from process 0, above the progress bar where there is one."""
    if jax.process_index() == 0:
        with contextlib.suppress(OSError):  # a full disk or a closed pipe must not end a run
            tqdm.write(message)
            sys.stdout.flush()


class Logs:
    """Writes scalars to every writer; one that fails costs a line each time, never the run."""

    def __init__(self, writers: list):
        self._writers = writers

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes the scalars of a training step."""
        self._each(lambda writer: writer.write(step, scalars))

    def advance(self, step: int) -> None:
        """Moves the progress bar."""
        self._each(lambda writer: writer.advance(step))

    def close(self) -> None:
        """Flushes and closes every writer."""
        self._each(lambda writer: writer.close())

    def _each(self, act) -> None:
        for writer in self._writers:
            try:
                act(writer)
            except Exception as error:  # noqa: BLE001 (TensorFlow has errors of its own)
                say(f'{type(writer).__name__} failed: {error}; training goes on')


def open_logs(workdir: Path, start: int, steps: int) -> Logs:
    """Opens the writers of a run that goes on from step `start`; none but on process 0."""
    if jax.process_index() != 0:
        return Logs([])
    writers = [JsonLines(workdir / 'metrics.jsonl', start)]
    try:
        writers.append(TensorBoard(workdir))
    except ImportError as error:
        say(f'TensorBoard is off: no {error.name} (pip install tensorflow-cpu tensorboard)')
    except Exception as error:  # noqa: BLE001 (a TensorFlow that does not fit its protobuf, ...)
        say(f'TensorBoard is off: {error}')
    # A terminal may have no width, as Docker's: a bar would be invisible there.
    wide = sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns
    return Logs([*writers, (Bar if wide else Lines)(start, steps)])


class Writer:
    """One way to say it."""

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Takes the scalars of a logged step."""

    def advance(self, step: int) -> None:
        """Takes note of every step."""

    def close(self) -> None:
        """Lets go of what it writes to."""


class JsonLines(Writer):
    """One JSON object per logged step; steps that a resumed run takes again are dropped first.

    What a full disk does not take waits in memory for the next time.
    """

    def __init__(self, path: Path, start: int):
        text = path.read_text(errors='replace') if path.exists() else ''
        kept = ''.join(line + '\n' for line in text.splitlines() if _step(line) <= start)
        if kept != text:
            with replacing(path) as partial:
                partial.write_text(kept)
        self._file = path.open('ab', buffering=0)
        self._waiting = b''

    def write(self, step, scalars):
        # JSON has no NaN or infinity.
        finite = {k: v if math.isfinite(v) else None for k, v in scalars.items()}
        self._waiting += json.dumps({'step': step, **finite}).encode() + b'\n'
        self._flush()

    def close(self):
        self._flush()
        self._file.close()

    def _flush(self):
        while self._waiting:
            self._waiting = self._waiting[self._file.write(self._waiting) :]


def _step(line: str) -> float:
    """Returns the step of a line of metrics.jsonl, of which a killed run may have left half."""
    try:
        return float(json.loads(line)['step'])
    except (ValueError, TypeError, KeyError):
        return math.inf


class TensorBoard(Writer):
    """Event files through `clu.metric_writers`, which needs TensorFlow."""

    def __init__(self, workdir: Path):
        import tensorflow as tf
        from clu import metric_writers

        for kind in ('GPU', 'TPU'):  # it would take all of their memory
            tf.config.set_visible_devices([], kind)
        self._writer = metric_writers.SummaryWriter(str(workdir / 'tensorboard'))

    def write(self, step, scalars):
        self._writer.write_scalars(step, scalars)

    def close(self):
        self._writer.close()


def _losses(scalars: Mapping[str, float]) -> dict[str, str]:
    return {
        name.removesuffix('/loss'): f'{value:.3f}'
        for name, value in scalars.items()
        if name.endswith('/loss')
    }


class Bar(Writer):
    """A progress bar: steps/s, time left, images/s and the losses."""

    def __init__(self, start: int, steps: int):
        self._bar = tqdm(total=steps, initial=start, unit='step', dynamic_ncols=True)

    def write(self, step, scalars):
        rate = f'{scalars["images_per_second"]:.0f}'
        self._bar.set_postfix({'images/s': rate, **_losses(scalars)}, refresh=False)

    def advance(self, step):
        self._bar.update(step - self._bar.n)

    def close(self):
        self._bar.close()


class Lines(Writer):
    """A plain line per logged step, for files and pipes."""

    def __init__(self, start: int, steps: int):
        self._steps = steps

    def write(self, step, scalars):
        rate = scalars['steps_per_second']
        left = tqdm.format_interval((self._steps - step) / rate)
        losses = '  '.join(f'{name} {value}' for name, value in _losses(scalars).items())
        say(
            f'step {step}/{self._steps}  {rate:.2f} steps/s  '
            f'{scalars["images_per_second"]:.0f} images/s  {left} left  {losses}'
        )


class Clock:
    """Measures steps/s, images/s and the share of time spent waiting for data, between logs."""

    def __init__(self, step: int, images_per_step: int):
        self._images = images_per_step
        self._restart(step)

    def _restart(self, step: int) -> None:
        self._step, self._began, self._waited = step, time.perf_counter(), 0.0

    def wait(self, fetch):
        """Returns what `fetch()` returns and counts the time it took as waiting for data."""
        began = time.perf_counter()
        result = fetch()
        self._waited += time.perf_counter() - began
        return result

    def pause(self, act):
        """Returns what `act()` returns; the time it took is no part of the rates."""
        began = time.perf_counter()
        result = act()
        self._began += time.perf_counter() - began
        return result

    def read(self, step: int) -> dict[str, float]:
        """Returns the rates since the last reading and starts anew."""
        seconds = time.perf_counter() - self._began
        rate = (step - self._step) / seconds
        waited = self._waited
        self._restart(step)
        return {
            'steps_per_second': rate,
            'images_per_second': rate * self._images,
            'data_wait_share': waited / seconds,
        }

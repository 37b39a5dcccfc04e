"""What a run says: JSON lines, TensorBoard, and a progress bar or plain lines. Process 0 alone."""

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import jax
from tqdm import tqdm


def say(message: str) -> None:
    """Prints one line from process 0, above the progress bar where there is one."""
    if jax.process_index() == 0:
        tqdm.write(message)
        sys.stdout.flush()


class Logs:
    """Writes scalars to every writer; one that fails is dropped with a line and training goes on."""

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
        for writer in list(self._writers):
            try:
                act(writer)
            except OSError as error:
                self._writers.remove(writer)
                say(f'{type(writer).__name__} is off: {error}')


def open_logs(workdir: Path, start: int, steps: int) -> Logs:
    """Opens the writers of a run that goes on from step `start`; none but on process 0."""
    if jax.process_index() != 0:
        return Logs([])
    writers = [JsonLines(workdir / 'metrics.jsonl', start)]
    try:
        writers.append(TensorBoard(workdir))
    except ImportError:
        say('TensorBoard is off: clu.metric_writers needs TensorFlow, which is not installed')
    return Logs([*writers, (Bar if sys.stderr.isatty() else Lines)(start, steps)])


class Writer:
    """One way to say it."""

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Takes the scalars of a logged step."""

    def advance(self, step: int) -> None:
        """Takes note of every step."""

    def close(self) -> None:
        """Ends the run."""


class JsonLines(Writer):
    """One JSON object per logged step; steps that a resumed run takes again are dropped first."""

    def __init__(self, path: Path, start: int):
        kept = []
        if path.exists():
            # A killed run may leave half a line.
            lines = [line for line in path.read_text().splitlines() if line.endswith('}')]
            kept = [line for line in lines if json.loads(line)['step'] <= start]
        path.write_text(''.join(line + '\n' for line in kept))
        self._file = path.open('a')

    def write(self, step, scalars):
        # JSON has no NaN or infinity.
        finite = {k: v if math.isfinite(v) else None for k, v in scalars.items()}
        self._file.write(json.dumps({'step': step, **finite}) + '\n')
        self._file.flush()

    def close(self):
        self._file.close()


class TensorBoard(Writer):
    """Event files through `clu.metric_writers`, which needs TensorFlow."""

    def __init__(self, workdir: Path):
        from clu import metric_writers

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
        left = time.strftime('%H:%M:%S', time.gmtime((self._steps - step) / rate))
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

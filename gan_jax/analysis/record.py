"""What training leaves in a run's folder, besides checkpoints, as a report reads it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

History = Sequence[Mapping[str, Any]]  # lines of metrics.jsonl: {'step': 100, name: number or None}


def read_history(folder: Path) -> History:
    """Returns the logged steps of a run in order; of a line that was cut off nothing is read."""
    file = folder / 'metrics.jsonl'
    lines = file.read_text(errors='replace').splitlines() if file.exists() else []
    return [line for line in map(_parse, lines) if isinstance(line, dict) and 'step' in line]


def read_scores(folder: Path) -> Sequence[Mapping[str, Any]]:
    """Returns the contents of eval/*.json by step: {'step', 'scores', 'protocol'} each."""
    files = [_parse(file.read_text()) for file in sorted((folder / 'eval').glob('*.json'))]
    evaluations = [file for file in files if isinstance(file, dict) and 'scores' in file]
    return sorted(evaluations, key=lambda evaluation: evaluation['step'])


def read_environment(folder: Path) -> Sequence[Mapping[str, Any]]:
    """Returns one entry per start of the run."""
    file = folder / 'environment.json'
    return (_parse(file.read_text()) if file.exists() else None) or []


def sample_files(folder: Path) -> Mapping[int, Path]:
    """Returns the grids of the same latents by the step at which they were drawn."""
    files = (folder / 'samples').glob('[0-9]*.png')
    return {int(file.stem): file for file in sorted(files) if file.stem.isdigit()}


def names(history: History) -> list[str]:
    """Returns the names of everything that was logged, in the order of their first occurrence."""
    return list(dict.fromkeys(name for line in history for name in line))


def series(history: History, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the steps at which a number was logged and was finite, and the number there."""
    pairs = [(line['step'], line[name]) for line in history if line.get(name) is not None]
    found = np.array(pairs, np.float64).reshape(-1, 2)
    return tuple(found[np.isfinite(found[:, 1])].T)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None

"""Charts as SVG that is part of the page: its colours are the page's, so that it has a dark mode.

A chart is as wide as a phone; a page lays several of them side by side. Colours are names of the
page's CSS variables: `real` and `generated` mean the same everywhere.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

_WIDTH, _HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 8, 24
_POINTS = 240  # of a line, at most


class Line(NamedTuple):
    """One line of a chart."""

    label: str
    colour: str
    x: np.ndarray
    y: np.ndarray


class _Axis(NamedTuple):
    """Where numbers lie: at `start` the low end, at `end` the high one."""

    low: float
    high: float
    start: float
    end: float

    def place(self, values: np.ndarray) -> np.ndarray:
        share = (np.asarray(values, np.float64) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def curves(title: str, lines: Sequence[Line], log: bool = False) -> str:
    """Returns lines over training steps; `log` gives the numbers a logarithmic scale.

    Of a long run a line is the median of every so many logged steps.
    """
    lines = [_thin(line) for line in lines if len(line.x)]
    if not lines:
        return ''
    if log:
        lines = [line._replace(y=np.log10(np.maximum(line.y, 1e-12))) for line in lines]
    x = _axis([line.x for line in lines], _LEFT, _WIDTH - _RIGHT, log=False)
    y = _axis([line.y for line in lines], _HEIGHT - _BOTTOM, _TOP, log)
    body = _grid(x, y, log)
    for line in lines:
        points = _points(x.place(line.x), y.place(line.y))
        body += f'<polyline class="line" stroke="var(--{line.colour})" points="{points}"/>'
        if len(line.x) == 1:
            body += _dots(x.place(line.x), y.place(line.y), line.colour, 3)
    last = '; '.join(f'{line.label or title} ends at {_said(line.y[-1], log)}' for line in lines)
    scale = ', logarithmic' if log else ''
    return _chart(title, scale, {line.label: line.colour for line in lines}, body, last)


def bars(title: str, values: Mapping[str, tuple[str, np.ndarray]], bins: int = 40) -> str:
    """Returns histograms of the same bins, one over the other: {label: (colour, numbers)}."""
    numbers = np.concatenate([array.ravel() for _, array in values.values()])
    low, high = np.quantile(numbers, (0.002, 0.998))  # one outlier must not squeeze the rest
    low, high = (low - 0.5, high + 0.5) if high <= low else (low, high)
    edges = np.linspace(low, high, bins + 1)
    shares = {
        label: np.histogram(np.clip(array, low, high), edges)[0] / array.size
        for label, (_, array) in values.items()
    }
    x = _Axis(low, high, _LEFT, _WIDTH - _RIGHT)
    y = _Axis(0, max(share.max() for share in shares.values()), _HEIGHT - _BOTTOM, _TOP)
    body = _grid(x, y, log=False, percent=True)
    for label, share in shares.items():
        colour = values[label][0]
        steps = _points(
            x.place(np.repeat(edges, 2)), y.place(np.concatenate([[0], np.repeat(share, 2), [0]]))
        )
        body += (
            f'<polygon class="bars" fill="var(--{colour})" stroke="var(--{colour})" '
            f'points="{steps}"/>'
        )
    means = '; '.join(
        f'{label or title} has mean {array.mean():.3g} and standard deviation {array.std():.3g}'
        for label, (_, array) in values.items()
    )
    return _chart(title, '', {label: colour for label, (colour, _) in values.items()}, body, means)


def scatter(title: str, points: Mapping[str, tuple[str, np.ndarray]]) -> str:
    """Returns clouds of points in the plane, to one scale: {label: (colour, [n, 2])}."""
    every = np.concatenate([array for _, array in points.values()])
    low, high = every.min(axis=0), every.max(axis=0)
    middle, half = (low + high) / 2, max(float(np.max(high - low)) / 2, 1e-9)
    size = _WIDTH / 2 - 8
    body = ''
    for colour, array in points.values():
        places = (array - middle) / half * size + _WIDTH / 2
        body += _dots(places[:, 0], _WIDTH - places[:, 1], colour, 2.2)
    said = '; '.join(f'{len(array)} points of {label}' for label, (_, array) in points.items())
    colours = {label: colour for label, (colour, _) in points.items()}
    return _chart(title, '', colours, body, said, height=_WIDTH)


def _thin(line: Line) -> Line:
    parts = min(len(line.x), _POINTS)
    splits = [np.array_split(array, parts) for array in (line.x, line.y)]
    x, y = (np.array([np.median(part) for part in split]) for split in splits)
    return line._replace(x=x, y=y)


def _axis(arrays: Sequence[np.ndarray], start: float, end: float, log: bool) -> _Axis:
    low, high = min(a.min() for a in arrays), max(a.max() for a in arrays)
    if log:
        low, high = math.floor(low), math.ceil(high)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return _Axis(float(low), float(high), start, end)


def ticks(low: float, high: float, most: int = 5) -> np.ndarray:
    """Returns round numbers within [low, high], 1, 2 or 5 times a power of ten apart."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(m * power for m in (1, 2, 5, 10, 20) if (high - low) / (m * power) <= most)
    return np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step


def _grid(x: _Axis, y: _Axis, log: bool, percent: bool = False) -> str:
    ys = np.unique(np.round(ticks(y.low, y.high))) if log else ticks(y.low, y.high)
    body = ''
    for value, place in zip(ys, y.place(ys)):
        text = f'{value:.1%}' if percent and ys[-1] < 0.1 else f'{value:.0%}' if percent else ''
        text = text or _said(value, log)
        body += (
            f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{place:.1f}" y2="{place:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{place + 3.5:.1f}" text-anchor="end">{text}</text>'
        )
    xs = ticks(x.low, x.high)
    for value, place in zip(xs, x.place(xs)):
        anchor = 'end' if place > x.end - 12 else 'middle'
        at = f'x="{place:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}"'
        body += f'<text {at}>{_said(value)}</text>'
    return body


def _said(value: float, log: bool = False) -> str:
    """A number as a person writes it."""
    value = 10.0**value if log else value
    value = 0.0 if abs(value) < 1e-12 else value
    return f'{value:,.0f}' if 1000 <= abs(value) < 1e6 else f'{value:.3g}'


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return ' '.join(f'{a:.1f},{b:.1f}' for a, b in zip(x, y))


def _dots(x: np.ndarray, y: np.ndarray, colour: str, radius: float) -> str:
    circles = ''.join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius}"/>' for a, b in zip(x, y))
    return f'<g class="dots" fill="var(--{colour})">{circles}</g>'


def _chart(
    title: str, note: str, colours: Mapping[str, str], body: str, said: str, height: int = _HEIGHT
) -> str:
    keys = ' '.join(
        f'<span class="key"><i style="background:var(--{colour})"></i>{escape(label)}</span>'
        for label, colour in colours.items()
        if label
    )
    return (
        f'<figure class="chart"><figcaption><b>{escape(title)}</b>{note}'
        f'<span class="keys">{keys}</span></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}: {escape(said)}">{body}</svg></figure>'
    )

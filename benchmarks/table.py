"""Writes the README's table of speed from the result files.

python -m benchmarks.table
"""

import json
from pathlib import Path

from benchmarks import measure

README = Path(__file__).parent.parent / 'README.md'
BEGIN, END = '<!-- versus_torch begins -->\n', '<!-- versus_torch ends -->\n'


def render() -> str:
    """Returns the table, a row for each case of every result file."""
    rows = [
        '| one training step | on | PyTorch eager | `torch.compile` | gan_jax | times as fast |\n',
        '|---|---|---|---|---|---|\n',
    ]
    for file in sorted(measure.RESULTS.glob('versus_torch*.json')):
        report = json.loads(file.read_text())
        for name, case in report['cases'].items():
            times = {who: milliseconds(case['step_ms'][who]['median']) for who in case['step_ms']}
            rows.append(
                f'| {name} | {report["hardware"]}, {report["dtype"]} | {times["eager"]} '
                f'| {times["compiled"]} | {times["ours"]} | {case["ratio"]:.2f} |\n'
            )
    return ''.join(rows)


def milliseconds(time: float) -> str:
    """Returns a time in milliseconds with three digits, in seconds where it has more."""
    return f'{time / 1e3:.3g} s' if time >= 1e3 else f'{time:.3g} ms'


def replace(text: str) -> str:
    """Returns the README's text with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + render() + END + after


if __name__ == '__main__':
    README.write_text(replace(README.read_text()))

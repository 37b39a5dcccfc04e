"""Writes what the README and the configs say of speed and of systems, from the result files.

python -m benchmarks.table
"""

import json
import re
from pathlib import Path

from benchmarks import measure

ROOT = Path(__file__).parent.parent
README = ROOT / 'README.md'
COLUMNS = (
    *('config', 'pixels', 'steps', 'the whole command', 'FID', 'precision', 'recall'),
    *('labels', 'sure', 'smallest'),
)
# What `rewrite_config` wrote before; other words on what was measured are left alone.
GENERATED = r'^Measured: digits(: nothing yet|, [^:]*: [\d,]+ steps in (under )?\d+ s.*)\.$'
SYSTEMS = ROOT / 'results' / 'systems.json'
PUBLISHED = measure.RESULTS / 'published.json'


def versus_torch() -> str:
    """Returns a table with a row for each case of every result file."""
    rows = [
        '| one training step | on | PyTorch eager | `torch.compile` | gan_jax | times as fast |\n',
        '|---|---|---|---|---|---|\n',
    ]
    for file in sorted(measure.RESULTS.glob('versus_torch-*.json')):
        report = json.loads(file.read_text())
        for name, case in report['cases'].items():
            times = {who: said['median'] for who, said in case['step_ms'].items()}
            compiled = min(time for who, time in times.items() if who.startswith('compiled'))
            rows.append(
                f'| {name} | {report["hardware"]}, {report["dtype"]} | '
                f'{milliseconds(times["eager"])} | {milliseconds(compiled)} | '
                f'{milliseconds(times["ours"])} | {case["ratio"]:.2f} |\n'
            )
    return ''.join(rows)


def systems() -> str:
    """Returns a table with a row for each run of `train_systems`; what was not scored is empty.

    What `published` timed and nobody has run has a row that says how long it would take.
    """
    rows = [COLUMNS, ('---',) * len(COLUMNS)]
    for name, run in sorted({**timed(), **system_runs()}.items()):
        evaluation = run.get('evaluation') or {'scores': {}}
        values = {
            score.rstrip('0123456789k'): said['value']
            for score, said in evaluation['scores'].items()
        }
        scores = ('fid', 'precision', 'recall', 'label_accuracy')
        rows.append(
            [
                f'`{name}`',
                'x'.join(map(str, run.get('size', ()))),
                f'{run["steps"]:,}',
                _time(run),
                *(_cell(values.get(score)) for score in scores),
                *(_cell(run.get(judged)) for judged in ('mean_confidence', 'smallest_share')),
            ]
        )
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def _time(run: dict) -> str:
    """Returns how long the whole command took, or would; beside others it takes more than alone."""
    if 'days' in run:
        if run['days'] is None:
            return 'too little memory: not run'
        days = run['days']
        return f'about {f"{days:.1f} days" if days > 1 else f"{24 * days:.1f} hours"}: not run'
    alone = run.get('beside', 'nothing') == 'nothing'
    return f'{"" if alone else "under "}{run["seconds"]:.0f} s'


def _cell(value: float | None) -> str:
    return '' if value is None else f'{value:.2f}'


def demo() -> str:
    """Returns what the demo took and what its samples are."""
    run = system_runs()['wgan_gp']
    sure, confidence = run['mean_confidence_on_the_scans'], run['mean_confidence']
    return (
        f'`make demo` made the picture above in {run["seconds"]:.0f} s on {run["hardware"]},\n'
        'after installation and with nothing compiled before. '
        f'Of {run["samples"]:,} samples, a classifier\n'
        f'trained on the real scans (an SVM, {sure:.2f} sure of them) finds all ten classes, none\n'
        f'below {100 * run["smallest_share"]:.1f} %, with a mean confidence of {confidence:.3f}:\n'
    )


def name_of(config: str) -> str:
    """Returns NAME or NAME:DATA of configs/NAME.py[:DATA]."""
    file, _, data = config.partition(':')
    return f'{Path(file).stem}:{data}' if data else Path(file).stem


def system_runs() -> dict[str, dict]:
    """Returns the runs of `train_systems`, by NAME or NAME:DATA."""
    return json.loads(SYSTEMS.read_text())['runs']


def timed() -> dict[str, dict]:
    """Returns the settings of `published`, by NAME:DATA."""
    return json.loads(PUBLISHED.read_text())['settings'] if PUBLISHED.exists() else {}


def embedded_runs() -> list[str]:
    """Returns the systems that were trained on the embedded digits."""
    return [name for name in system_runs() if ':' not in name]


def milliseconds(time: float) -> str:
    """Returns a time in milliseconds with three digits, in seconds where it has more."""
    return f'{time / 1e3:.3g} s' if time >= 1e3 else f'{time:.3g} ms'


def rewrite(text: str) -> str:
    """Returns the README's text with what is measured as it is now."""
    for block in (demo, systems, versus_torch):
        begin, end = (f'<!-- {block.__name__} {word} -->\n' for word in ('begins', 'ends'))
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + block() + end + after
    return text


def rewrite_config(name: str, text: str) -> str:
    """Returns a config's text with what its run took, where it was trained."""
    run = system_runs().get(name)
    if run is None:
        return text
    sure = f'; confidence {run["mean_confidence"]:.2f}' if 'mean_confidence' in run else ''
    said = f'Measured: digits, {run["hardware"]}: {run["steps"]:,} steps in {_time(run)}{sure}.'
    return re.sub(GENERATED, said, text, flags=re.MULTILINE)


def main() -> None:
    README.write_text(rewrite(README.read_text()))
    for name in embedded_runs():
        file = ROOT / 'configs' / f'{name}.py'
        file.write_text(rewrite_config(name, file.read_text()))


if __name__ == '__main__':
    main()

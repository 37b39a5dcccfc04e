"""How often CGAN's samples are of the class asked for, by how its networks are told of it.

    python -m benchmarks.conditions [--data mnist] [--ways concatenate/concatenate,...]

Each way is `generator/discriminator` of `config.condition`, trained and scored by the user's own
command with the preset's steps and seed; the class is read by the data's classifier. Writes
`benchmarks/results/conditions-DATA.json`; what other ways have there stays. Data sets of TFDS are
looked for where TFDS_DATA_DIR says.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measure
from gan_jax.analysis import record

WAYS = 'normalization/projection', 'normalization/concatenate', 'concatenate/projection'


def measured(way: str, data: str, workdir: Path) -> dict:
    """Returns the scores of a run of this way, each with its interval."""
    generator, discriminator = way.split('/')
    run = [sys.executable, 'main.py', f'--config=configs/cgan.py:{data}', f'--workdir={workdir}']
    run += [f'--config.condition.generator={generator}']
    run += [f'--config.condition.discriminator={discriminator}']
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    scores = [*run, '--mode=eval', '--config.eval.scores=label_accuracy,fid']
    subprocess.run(scores, check=True, stdout=subprocess.DEVNULL)
    return record.read_scores(workdir)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--data', default='mnist')
    parser.add_argument('--ways', default=','.join(WAYS))
    arguments = parser.parse_args()
    file = measure.RESULTS / f'conditions-{arguments.data}.json'
    for way in arguments.ways.split(','):
        with tempfile.TemporaryDirectory() as folder:
            evaluation = measured(way, arguments.data, Path(folder) / 'run')
        print(way, evaluation['scores'], flush=True)
        ways = json.loads(file.read_text())['ways'] if file.exists() else {}
        said = {**measure.origin('conditions'), 'evaluation': evaluation}
        file.write_text(json.dumps({'ways': {**ways, way: said}}, indent=1) + '\n')


if __name__ == '__main__':
    main()

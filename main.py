"""Trains a system, draws from one or reports on it: `python main.py --config=configs/NAME.py`."""

import sys

from absl import app, flags
from ml_collections import config_flags

from gan_jax import command_line

config_flags.DEFINE_config_file('config', None, 'configs/NAME.py or configs/NAME.py:DATA.')
flags.DEFINE_string(
    'workdir',
    None,
    "The run's folder; by default runs/NAME or runs/NAME-DATA. report: several compare, A,B.",
)
flags.DEFINE_enum('mode', 'train', list(command_line.MODES), 'What to do.')
flags.DEFINE_bool('dry_run', False, 'Describe the run and train nothing.')
flags.DEFINE_integer('num', 64, 'sample: how many images.')
flags.DEFINE_integer(
    'seed',
    0,
    'sample: the seed; the same one gives the same images.',
    lower_bound=0,
    upper_bound=2**32 - 1,
)
flags.DEFINE_string(
    'out',
    None,
    'sample: a .png, a .npz or a folder of pictures; by default samples.png in workdir. '
    'report: an .html file; by default report.html in workdir.',
)
flags.DEFINE_integer('step', None, 'sample, eval: of which checkpoint; by default the newest.')
flags.DEFINE_integer('label', None, 'sample: the class of every image.', lower_bound=0)
flags.DEFINE_float(
    'truncation',
    None,
    'sample: no latents beyond plus or minus this; or styles this far from their average, up to 1.',
)
flags.DEFINE_enum(
    'interpolate',
    None,
    ['linear', 'spherical'],
    'sample: each row of the grid leads from one latent to another.',
)


if __name__ == '__main__':
    app.run(
        lambda argv: sys.exit(command_line.run(flags.FLAGS)),
        flags_parser=command_line.parse,
    )

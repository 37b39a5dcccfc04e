"""Scores a trained run's checkpoint: `--mode=eval`."""

from ml_collections import ConfigDict

from gan_jax.evaluation import Evaluator
from gan_jax.logs import say
from gan_jax.run import load_run
from gan_jax.workdir import find_workdir

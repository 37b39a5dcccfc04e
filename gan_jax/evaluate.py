"""Scores a trained run's checkpoint."""

from pathlib import Path

from ml_collections import ConfigDict

from gan_jax.evaluation import Evaluator
from gan_jax.logs import say
from gan_jax.metrics import describe
from gan_jax.run import load_run
from gan_jax.usage import UsageError
from gan_jax.workdir import read_config


def evaluate(config: ConfigDict, path: str, step: int | None) -> None:
    """Prints the scores of a checkpoint, by default the newest, and writes them to its run's eval/.

    Raises:
      UsageError: no run, no such checkpoint, or scores that cannot be had, once all others are
        printed and written.
    """
    config.ema_decay = read_config(path).ema_decay  # what the checkpoint's average was made by
    run = load_run(path, config, step)
    evaluation = Evaluator(config)(run)
    protocol = evaluation.protocol
    reference = protocol.reference
    say(
        f'step {protocol.step}: {protocol.generated:,} images against the {reference.count:,} of '
        f'{reference.data} {reference.split}, by {reference.extractor}'
    )
    for name, estimate in evaluation.scores.items():
        say(f'{name:20} {describe(estimate)}')
    evaluation.save(Path(path))
    if evaluation.scored.refused:
        raise UsageError('; '.join(evaluation.scored.refused))

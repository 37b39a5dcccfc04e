"""Scores of a run's samples against its data, each with the protocol that makes it comparable."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from gan_jax.data import open_examples
from gan_jax.evaluation.extractors import choose_extractor
from gan_jax.evaluation.protocol import Protocol
from gan_jax.evaluation.reference import describe_reference, see_reference
from gan_jax.evaluation.run_scores import RUN_SCORES, Subject
from gan_jax.files import replacing
from gan_jax.logs import say
from gan_jax.metrics import Scored, choose_scores, counted_names, doubts, see, take_scores
from gan_jax.run import BATCH, Run
from gan_jax.usage import UsageError


class Evaluation(NamedTuple):
    """What a checkpoint's samples scored, and how."""

    scored: Scored
    protocol: Protocol

    @property
    def scores(self) -> Mapping[str, Mapping[str, Any]]:
        """Value, low, high and settings, by names that say of how many images: fid50k."""
        return self.scored.estimates

    def save(self, workdir: Path) -> None:
        """Writes eval/STEP-PROTOCOL.json into a run's folder, on process 0.

        Scores of the same protocol that are there already stay. Raises UsageError where it cannot
        be written.
        """
        if jax.process_index() == 0:
            file = workdir / 'eval' / f'{self.protocol.step:08d}-{self.protocol.digest()}.json'
            try:
                file.parent.mkdir(exist_ok=True)
                before = json.loads(file.read_text())['scores'] if file.exists() else {}
                said = {
                    'step': self.protocol.step,
                    'scores': {**before, **self.scores},
                    'protocol': asdict(self.protocol),
                }
                with replacing(file) as partial:
                    partial.write_text(json.dumps(said, indent=2) + '\n')
            except (OSError, ValueError, KeyError) as error:
                raise UsageError(f'cannot write {str(file)!r}: {error}') from None


class Evaluator:
    """Scores one run again and again; what does not change between steps is made once.

    An unknown score, one that insists on another number of images, data or weights that cannot be
    had are found at once, before training.

    Raises:
      UsageError: one of these.
    """

    def __init__(self, config: ConfigDict):
        self._settings = config.eval
        self._scores = choose_scores(config.eval.scores, config.eval.num, RUN_SCORES)
        self._extractor = choose_extractor(config)
        data = ConfigDict({**config.data, 'split': config.eval.split})
        examples = open_examples(data)
        self._described = describe_reference(data, examples, self._extractor)
        self._reference = see_reference(self._described, examples, self._extractor)
        counts = config.eval.num, len(examples)
        for doubt in doubts(counts, len(self._reference.moments.mean)):
            say(doubt)

    @property
    def names(self) -> list[str]:
        """What the scores are called: fid50k."""
        return [name for score in self._scores for name in counted_names(score, self._settings.num)]

    def __call__(self, run: Run) -> Evaluation:
        """Returns the scores of a run as it is."""
        settings = self._settings
        if settings.truncation:
            run = run.truncated(settings.truncation)
        run = run.settled(settings.standing)
        protocol = Protocol(
            reference=self._described,
            generated=settings.num,
            step=run.step,
            averaged=run.config.ema_decay,
            normalization=_normalization(run, settings.standing),
            truncation=settings.truncation,
            seed=settings.seed,
            precision=_precision(run),
        )
        batches = run.batches(settings.num, settings.seed)
        seen = see(self._extractor, batches, settings.num, asdict(protocol))
        subject = Subject(run, seen, self._reference, self._extractor, settings)
        return Evaluation(take_scores(self._scores, settings.num, subject), protocol)


def _normalization(run: Run, passes: int) -> str:
    collections = {kind for stats in run.state.stats.values() for kind in stats}
    if 'batch_stats' not in collections:
        return 'none'
    return f'means over {passes} batches of {BATCH} samples' if passes else 'running averages'


def _precision(run: Run) -> str:
    products = jax.config.jax_default_matmul_precision or 'default'
    return f'{run.config.dtype}, {products} products on {run.mesh.devices.flat[0].device_kind}'

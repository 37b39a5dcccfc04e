"""Scores of a run's samples against its data, each with the protocol that makes it comparable."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from gan_jax.data import open_examples
from gan_jax.evaluation.extractors import choose_extractor
from gan_jax.evaluation.protocol import Protocol
from gan_jax.evaluation.reference import describe_reference, see_reference
from gan_jax.evaluation.run_scores import RUN_SCORES, Subject
from gan_jax.files import replacing
from gan_jax.logs import say
from gan_jax.metrics import Estimate, choose_scores, counted, doubts, see
from gan_jax.run import Run
from gan_jax.usage import UsageError


class Evaluation(NamedTuple):
    """What a checkpoint's samples scored."""

    scores: Mapping[str, Estimate]  # by names that say of how many images: fid50k
    protocol: Protocol
    refused: Sequence[str]  # why scores could not be had, a line each

    def save(self, workdir: Path) -> None:
        """Writes eval/STEP-PROTOCOL.json into a run's folder, on process 0."""
        if jax.process_index() == 0:
            said = {
                'step': self.protocol.step,
                'scores': {name: score._asdict() for name, score in self.scores.items()},
                'protocol': asdict(self.protocol),
            }
            file = workdir / 'eval' / f'{self.protocol.step:08d}-{self.protocol.digest()}.json'
            file.parent.mkdir(exist_ok=True)
            with replacing(file) as partial:
                partial.write_text(json.dumps(said, indent=2) + '\n')


class Evaluator:
    """Scores one run again and again; what does not change between steps is made once.

    What is wrong with the config, the data or the weights is found at once, before training.

    Raises:
      UsageError: an unknown score, one that insists on another number of images, an extractor or
        data that cannot be had.
    """

    def __init__(self, config: ConfigDict):
        self._config = config
        self._scores = choose_scores(config.eval.scores, config.eval.num, RUN_SCORES)
        self._extractor = choose_extractor(config)
        data = ConfigDict({**config.data, 'split': config.eval.split})
        examples = open_examples(data)
        self._described = describe_reference(data, examples, self._extractor)
        self._reference = see_reference(self._described, examples, self._extractor)
        for doubt in doubts((config.eval.num, len(examples)), self._reference):
            say(doubt)

    @property
    def names(self) -> list[str]:
        """What the scores are called: fid50k."""
        names = [name for score in self._scores for name in score.names]
        return [counted(name, self._config.eval.num) for name in names]

    def __call__(self, run: Run) -> Evaluation:
        """Returns the scores of a run as it is."""
        settings = self._config.eval
        if settings.truncation:
            run = run.truncated(settings.truncation)
        protocol = Protocol(
            reference=self._described,
            generated=settings.num,
            step=run.step,
            averaged=self._config.ema_decay,
            batch_normalization='running averages',
            truncation=settings.truncation,
            seed=settings.seed,
            dtype=self._config.dtype,
        )
        batches = run.batches(settings.num, settings.seed)
        seen = see(self._extractor, batches, settings.num, asdict(protocol))
        subject = Subject(run, seen, self._reference, self._extractor)
        scores, refused = {}, []
        for score in self._scores:
            try:
                names = (counted(name, settings.num) for name in score.names)
                scores |= zip(names, score.function(subject))
            except UsageError as error:
                refused.append(f'{score.names[0]}: {error}')
        return Evaluation(scores, protocol, refused)

"""Scores of a run's samples against its data, each with the protocol that makes it comparable."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from gan_jax.data import open_examples
from gan_jax.evaluation.extractors import choose_extractor
from gan_jax.evaluation.protocol import Protocol, counted
from gan_jax.evaluation.reference import describe_reference, summarize_reference
from gan_jax.evaluation.scores import Subject, choose_scores
from gan_jax.files import replacing
from gan_jax.metrics import Estimate, summarize_images
from gan_jax.run import Run


class Evaluation(NamedTuple):
    """What a checkpoint's samples scored."""

    scores: Mapping[str, Estimate]  # by names that say how many images: fid50k
    protocol: Protocol

    def metrics(self) -> dict[str, float]:
        """Returns the scores as a training step's metrics: eval/fid50k."""
        return {f'eval/{name}': estimate.value for name, estimate in self.scores.items()}

    def save(self, workdir: Path) -> Path:
        """Writes eval/STEP-PROTOCOL.json into a run's folder, on process 0; returns its path."""
        said = {
            'step': self.protocol.step,
            'scores': {name: estimate._asdict() for name, estimate in self.scores.items()},
            'protocol': asdict(self.protocol),
        }
        file = workdir / 'eval' / f'{self.protocol.step:08d}-{self.protocol.digest()}.json'
        if jax.process_index() == 0:
            file.parent.mkdir(exist_ok=True)
            with replacing(file) as partial:
                partial.write_text(json.dumps(said, indent=2) + '\n')
        return file


class Evaluator:
    """Scores one run again and again: what does not change is made once, and what is wrong with the
    config, the data or the weights is found before training.

    Raises:
      UsageError: an unknown score, one that insists on another number of images, an extractor that
        cannot be had.
    """

    def __init__(self, config: ConfigDict):
        settings = config.eval
        self._config = config
        self._scores = choose_scores(settings.scores, settings.num)
        self._extractor = choose_extractor(config)
        data = config.data.copy_and_resolve_references()
        data.split = settings.split
        examples = open_examples(data)
        self._described = describe_reference(data, examples, self._extractor)
        self._reference = summarize_reference(self._described, examples, self._extractor)

    def names(self) -> list[str]:
        ...

    def __call__(self, run: Run) -> Evaluation:
        """Returns the scores of a run at its step."""
        settings = self._config.eval
        if settings.truncation:
            run = run.truncated(settings.truncation)
        images = (batch['image'] for batch in run.batches(settings.num, settings.seed))
        generated = summarize_images(self._extractor, images, total=settings.num)
        subject = Subject(run, generated, self._reference, self._extractor, settings.seed)
        scores = {}
        for score in self._scores:
            scores.update(score(subject))
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
        return Evaluation(
            {counted(name, settings.num): value for name, value in scores.items()}, protocol
        )

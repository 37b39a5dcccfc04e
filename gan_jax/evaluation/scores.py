"""The scores by name: each a function of what is known of generated and of real images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gan_jax import metrics
from gan_jax.evaluation.protocol import counted, uncounted
from gan_jax.metrics import Estimate, Summary
from gan_jax.run import Run
from gan_jax.usage import choose


@dataclass(frozen=True)
class Subject:
    """What is scored: samples of a run beside real images, both seen by one extractor."""

    run: Run
    generated: Summary
    reference: Summary
    extractor: metrics.Extractor
    seed: int


Score = Callable[[Subject], Mapping[str, Estimate]]

"""Whether images are copies of those trained on: Alaa et al. 2022, arXiv 2102.08921."""

import numpy as np

from gan_jax.metrics.bootstrap import Estimate, mean_estimate
from gan_jax.metrics.distances import nearest
from gan_jax.metrics.features import check_pair


def authenticity(generated: np.ndarray, training: np.ndarray) -> Estimate:
    """Returns the share of generated images that are no copies, from features [N, D] and [M, D].

    An image is authentic where it is further from the nearest training image than that one is from
    its own nearest other one: the paper's authenticity classifier. `nearest` gives the pairs.

    Raises:
      UsageError: fewer than two images, or sets that cannot be compared.
    """
    generated, training = check_pair(generated, training)
    found = nearest(generated, training)
    originals, pair_of = np.unique(found.indices[:, 0], return_inverse=True)
    among_themselves = nearest(training[originals], training, count=2).distances[:, 1]
    return mean_estimate(found.distances[:, 0] > among_themselves[pair_of])

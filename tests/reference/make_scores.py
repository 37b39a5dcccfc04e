"""Writes scores.json: what other implementations make of some features.

    pip install torch torchvision torch-fidelity==0.4.0 prdc==0.2 scikit-learn
    python tests/reference/make_scores.py

torch-fidelity: FID, KID of all images at once, Inception Score in unshuffled parts, precision and
recall. prdc, by the authors of density and coverage: all four.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / 'scores.json'
# Images generated, images of the reference, size of their features.
SIZES = ((300, 400, 16), (1000, 1000, 64), (257, 129, 8))


def draw(generated: int, reference: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns features, float32: correlated Gaussians, one of which lies elsewhere."""
    random = np.random.default_rng(generated)
    mix = random.normal(size=(size, size)) / size**0.5
    one = random.normal(size=(generated, size)) @ (mix + 0.3 * np.eye(size)) + 0.2
    other = random.normal(size=(reference, size)) @ mix
    return one.astype(np.float32), other.astype(np.float32)


def main() -> None:
    import torch
    from prdc import compute_prdc
    from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

    cases = []
    for sizes in SIZES:
        features = draw(*sizes)
        tensors = [torch.from_numpy(one) for one in features]
        doubles = [one.double() for one in tensors]
        moments = [metric_fid.fid_features_to_statistics(one) for one in doubles]
        subset = min(sizes[:2])
        kernel = metric_kid.kernel_mmd(
            *(one[:subset].numpy() for one in doubles), kid_kernel='poly', verbose=False
        )
        scores = metric_isc.isc_features_to_metric(tensors[0], splits=10, shuffle=False)
        near = metric_prc.prc_features_to_metric(*doubles, prc_neighborhood=3, verbose=False)
        cases.append(
            {
                'sizes': sizes,
                'fid': metric_fid.fid_statistics_to_metric(*moments, False)[
                    metric_fid.KEY_METRIC_FID
                ],
                'kid_of_the_first': kernel,
                'inception_score': list(scores.values()),
                'precision_recall': [near['precision'], near['recall']],
                'prdc': compute_prdc(
                    *(one.astype(np.float64) for one in features[::-1]), nearest_k=5
                ),
            }
        )
    packages = {name: version(name) for name in ('torch', 'torch-fidelity', 'prdc', 'numpy')}
    FILE.write_text(json.dumps({'made_with': packages, 'cases': cases}, indent=1) + '\n')


if __name__ == '__main__':
    main()

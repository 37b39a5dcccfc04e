"""Writes similarity.json: what pytorch-msssim makes of some images.

    pip install torch pytorch-msssim==1.0.0
    python tests/reference/make_similarity.py

It takes five scales where it is given no weights; with fewer they are given, scaled to a sum of 1.
It refuses images too small for five whatever its weights, and sides that are no multiple of the
coarsest pixel are padded by it: no case has either.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / 'similarity.json'
# Height, width, channels, scales.
SIZES = ((176, 192, 3, 5), (208, 176, 1, 5), (192, 176, 3, 3), (176, 176, 3, 1))


def draw(height: int, width: int, channels: int, scales: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns pairs of uint8 images [4, H, W, C], each less like its partner than the last."""
    random = np.random.default_rng(height + scales)
    rows, columns = np.mgrid[:height, :width] / 16
    waves = np.sin(rows + random.normal(size=(4, channels, 1, 1))) * np.cos(columns)
    x = 128 + 60 * waves + 10 * random.normal(size=waves.shape)
    strength = np.array([1, 10, 40, 160])[:, None, None, None]
    y = x + strength * random.normal(size=x.shape) + 0.1 * strength
    one, other = (images.clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1) for images in (x, y))
    return one, other


def main() -> None:
    import torch
    from pytorch_msssim import ms_ssim

    cases = []
    for sizes in SIZES:
        x, y = (torch.from_numpy(one).permute(0, 3, 1, 2).double() for one in draw(*sizes))
        weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[: sizes[-1]]
        values = ms_ssim(x, y, size_average=False, weights=list(weights / weights.sum()))
        cases.append({'sizes': sizes, 'ms_ssim': values.tolist()})
    packages = {name: version(name) for name in ('torch', 'pytorch-msssim', 'numpy')}
    FILE.write_text(json.dumps({'made_with': packages, 'cases': cases}, indent=1) + '\n')


if __name__ == '__main__':
    main()

"""Times Inception's features of images against torch-fidelity's, in turns, with the same weights.

    pip install torch torchvision torch-fidelity==0.4.0
    python -m benchmarks.versus_torch_fidelity [--rounds 5] [--side 32] [--out file]

Each is a process of its own that takes batches of 64 uint8 images, from the host's memory to
features in the host's memory: on the GPU where there is one. Weights are drawn, as in the tests.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import contest, measure
from benchmarks.contest import Contestant, process_memory

BATCH = 64
SECONDS = 6.0  # of batches in a turn, but at least one batch


def draw_images(side: int) -> np.ndarray:
    """Returns a batch of uint8 images, [64, side, side, 3]."""
    return np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)


def make_ours(side: int) -> Contestant:
    """Makes our extractor, as scores use it."""
    import jax

    from gan_jax import tuning
    from gan_jax.metrics.extractor import stream_features
    from gan_jax.metrics.inception import extractor, from_torch
    from tests.reference.make_inception import draw_state

    tuning.prepare()
    network, images = extractor(from_torch(draw_state())), draw_images(side)

    def take(batches: int) -> int:
        for _ in stream_features(network, (images for _ in range(batches))):
            pass
        return batches

    def peak_memory() -> int:
        stats = jax.devices()[0].memory_stats()
        return stats['peak_bytes_in_use'] if stats else process_memory()

    return Contestant(take, peak_memory)


def make_theirs(side: int) -> Contestant:
    """Makes torch-fidelity's extractor, with the features that FID and the Inception Score need."""
    import torch

    from tests.reference.make_inception import make_network

    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = make_network(['2048', 'logits_unbiased']).to(device)
    images = torch.from_numpy(draw_images(side)).permute(0, 3, 1, 2).contiguous()

    def take(batches: int) -> int:
        with torch.no_grad():
            for _ in range(batches):
                _ = [features.cpu() for features in network(images.to(device))]
        return batches

    peak_memory = torch.cuda.max_memory_allocated if device == 'cuda' else process_memory
    return Contestant(take, peak_memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--side', type=int, default=32, help='pixels of the images')
    parser.add_argument('--out', type=Path)
    arguments = parser.parse_args()
    makers = {'ours': make_ours, 'torch-fidelity': make_theirs}
    makers = {name: partial(make, arguments.side) for name, make in makers.items()}
    said = contest.hold(makers, arguments.rounds, SECONDS)
    for name, result in said.items():
        result['images_per_second'] = round(BATCH / result['step_ms']['median'] * 1e3, 1)
        print(f'{name:15} {result["images_per_second"]:8.1f} images/s', flush=True)
    ratio = said['ours']['images_per_second'] / said['torch-fidelity']['images_per_second']
    print(f'{ratio:.2f} times as fast', flush=True)
    out = arguments.out or measure.RESULTS / f'versus_torch_fidelity-{measure.backend()}.json'
    results = {
        'side': arguments.side,
        'batch': BATCH,
        'contestants': said,
        'ratio': round(ratio, 3),
    }
    measure.write(out, 'versus_torch_fidelity', results)


if __name__ == '__main__':
    main()

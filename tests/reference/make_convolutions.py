"""Writes convolutions.npz: what PyTorch makes of small convolutions, and their derivatives.

    pip install torch
    python tests/reference/make_convolutions.py

Images and kernels are drawn by `arrays`, which the test calls too: only results are stored.
"""

from pathlib import Path

import numpy as np

# name -> (transposed, kernel size, stride, padding, output padding)
CASES = {
    'conv_k3_s1': (False, 3, 1, 1, 0),
    'conv_k4_s2': (False, 4, 2, 1, 0),
    'conv_k5_s2': (False, 5, 2, 2, 0),
    'transposed_k4_s2': (True, 4, 2, 1, 0),
    'transposed_k5_s2': (True, 5, 2, 2, 1),
    'transposed_k3_s2': (True, 3, 2, 1, 1),
    'transposed_k3_s1': (True, 3, 1, 1, 0),
}


def arrays(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the images [2, 6, 8, 3] and the kernel [k, k, 3, 4] of a case."""
    generator = np.random.default_rng(sum(name.encode()))
    size = CASES[name][1]
    image = generator.normal(size=(2, 6, 8, 3)).astype(np.float32)
    return image, generator.normal(size=(size, size, 3, 4)).astype(np.float32)


def results(name: str) -> dict[str, np.ndarray]:
    """Returns y, the gradients of sum sin(y), and the kernel's gradient of a gradient penalty."""
    import torch

    transposed, _, stride, padding, output_padding = CASES[name]
    image, kernel = arrays(name)
    x = torch.tensor(image.transpose(0, 3, 1, 2), requires_grad=True)
    axes = (2, 3, 0, 1) if transposed else (3, 2, 0, 1)
    w = torch.tensor(np.ascontiguousarray(kernel.transpose(axes)), requires_grad=True)
    if transposed:
        y = torch.nn.functional.conv_transpose2d(
            x, w, stride=stride, padding=padding, output_padding=output_padding
        )
    else:
        y = torch.nn.functional.conv2d(x, w, stride=stride, padding=padding)
    dx, dw = torch.autograd.grad(torch.sin(y).sum(), (x, w), create_graph=True)
    (penalty,) = torch.autograd.grad((dx**2).sum(), w)
    back = np.argsort(axes)
    return {
        'y': y.detach().numpy().transpose(0, 2, 3, 1),
        'dx': dx.detach().numpy().transpose(0, 2, 3, 1),
        'dw': dw.detach().numpy().transpose(back),
        'penalty_dw': penalty.numpy().transpose(back),
    }


if __name__ == '__main__':
    stored = {f'{name}/{key}': v for name in CASES for key, v in results(name).items()}
    np.savez_compressed(Path(__file__).with_name('convolutions.npz'), **stored)

"""Writes weights-new.pth and weights-old.pth: a small state as PyTorch saves it and as it used to.

pip install torch
python tests/reference/make_weights.py
"""

from pathlib import Path

import torch

if __name__ == '__main__':
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {'whole': whole, 'part': whole[1:3, 2:].T, 'count': torch.tensor(7)}
    for name, is_new in {'new': True, 'old': False}.items():
        file = Path(__file__).parent / f'weights-{name}.pth'
        torch.save(state, file, _use_new_zipfile_serialization=is_new)

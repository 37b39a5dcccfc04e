"""Random changes of images that can be differentiated, twice: pure functions of images and a key.

| file | |
|---|---|
| `ada.py` | the pipeline of adaptive discriminator augmentation |
| `warp.py`, `bands.py` | what it is made of: affine maps and octave bands |
| `diffaugment.py` | DiffAugment |
| `simple.py` | a flip and a shift; noise |

Images are [B, H, W, C] in [-1, 1], and each draws numbers of its own.
"""

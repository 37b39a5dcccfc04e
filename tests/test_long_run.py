"""What a long run costs does not grow with its length."""

import os
import sys
from pathlib import Path

import pytest

from gan_jax import train as training


@pytest.mark.skipif(sys.platform != 'linux', reason='memory is read from /proc')
def test_memory_is_flat(tiny, tmp_path, monkeypatch):
    """From step 1,000 to step 4,000, with a checkpoint and a grid every 500."""
    megabytes = {}

    class Watch(training.Clock):
        def read(self, step):
            pages = int(Path('/proc/self/statm').read_text().split()[1])
            megabytes[step] = pages * os.sysconf('SC_PAGE_SIZE') / 2**20
            return super().read(step)

    monkeypatch.setattr(training, 'Clock', Watch)
    tiny.steps = 4000
    tiny.log.every = tiny.log.samples_every = tiny.checkpoint.every = 500
    training.train(tiny, str(tmp_path))
    assert megabytes[4000] - megabytes[1000] < 8, megabytes  # 3,000 steps of 3 KB

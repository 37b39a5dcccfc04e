"""What the compiler and the allocator are told."""

import subprocess
import sys

import jax
import pytest

from gan_jax import tuning

REUSED = """
import ctypes, resource
from gan_jax import tuning
{keep}
take, give = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
take.restype, give.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
for turn in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = take(2**26)
    ctypes.memset(ctypes.c_void_p(block), 1, 2**26)
    give(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='glibc alone is told')
def test_freed_memory_is_taken_again_without_a_fault():
    faults = []
    for keep in ('', 'tuning.keep_memory()'):
        program = [sys.executable, '-c', REUSED.format(keep=keep)]
        faults.append(int(subprocess.run(program, capture_output=True, check=True).stdout))
    untold, told = faults
    assert untold > 1000 > 10 > told  # 2^26 bytes are 16,384 pages of 4 KB, if no larger ones


def test_this_jax_knows_the_options():
    """Else training would fall back to XLA's defaults in silence."""
    options = tuning.compiler_options()
    assert bool(options) == (jax.default_backend() == 'cpu')

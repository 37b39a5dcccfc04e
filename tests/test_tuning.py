"""What the compiler and the allocator are told."""

import subprocess
import sys
from pathlib import Path

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
LARGE_PAGES = Path('/sys/kernel/mm/transparent_hugepage/enabled')


def count_faults(keep: str) -> list[int]:
    """Of three turns of taking and giving back 2^26 bytes: 16,384 pages of 4 KB, or 32 of 2 MB."""
    program = [sys.executable, '-c', REUSED.format(keep=keep)]
    run = subprocess.run(program, capture_output=True, check=True, text=True)
    return [int(line) for line in run.stdout.split()]


@pytest.mark.skipif(sys.platform != 'linux', reason='glibc alone is told')
def test_freed_memory_is_taken_again_without_a_fault():
    untold, told = (count_faults(keep)[-1] for keep in ('', 'tuning.keep_memory()'))
    assert untold > 1000 > 10 > told


@pytest.mark.skipif(
    not LARGE_PAGES.exists() or '[madvise]' not in LARGE_PAGES.read_text(),
    reason='Linux gives large pages to all or to none',
)
def test_memory_comes_in_large_pages():
    untold, told = (count_faults(keep)[0] for keep in ('', 'tuning.keep_memory()'))
    assert untold > 10_000 > 1000 > told


def test_this_jax_knows_the_options():
    """Else training would fall back to XLA's defaults in silence."""
    options = tuning.compiler_options()
    assert bool(options) == (jax.default_backend() == 'cpu')

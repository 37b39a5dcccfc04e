"""What the compiler and the allocator are told, where it was measured to help.

The comments give milliseconds of a step on two cores, without it and with it.
"""

import ctypes
import functools
import mmap
import os
import sys

import jax

from gan_jax.files import cache_folder

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # of malloc.h


def prepare() -> None:
    """Sets up the process for training on JAX's backend."""
    if jax.default_backend() == 'cpu':
        keep_memory()


def keep_compiled() -> None:
    """Keeps what XLA compiles for later processes, where the environment does not say where."""
    if 'JAX_COMPILATION_CACHE_DIR' not in os.environ:
        jax.config.update('jax_compilation_cache_dir', str(cache_folder() / 'xla'))
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.5)


def keep_memory() -> None:
    """Keeps what malloc has freed, in large pages: to be called before other threads allocate.

    XLA:CPU asks for its working memory anew in every step, and malloc maps blocks of that size page
    by page each time. `gan:mnist`: 90, 75. One heap for all threads, of pages of 2 MB where Linux
    gives them to those who ask: `gan:mnist`: 75, 70; `sngan:cifar10`: 10300, 9250.
    """
    if sys.platform != 'linux':
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, 'mallopt'):  # another malloc than glibc's
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, -1)  # as an unsigned size: never
    libc.mallopt(_M_ARENA_MAX, 1)
    _ask_for_large_pages(libc)


def _ask_for_large_pages(libc: ctypes.CDLL) -> None:
    """Marks what the heap is to grow into: a block that is given back untouched, and so kept."""
    page = mmap.PAGESIZE
    size = os.sysconf('SC_PHYS_PAGES') // 2 * page
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.free.argtypes = [ctypes.c_void_p]
    block = libc.malloc(size)
    if block:
        first = -(-block // page) * page
        libc.madvise(first, size - page, mmap.MADV_HUGEPAGE)
        libc.free(block)


@functools.cache
def compiler_options() -> dict[str, str]:
    """Returns the options of `jax.jit` for a training step or a sampler.

    XLA's library for CPUs since JAX 0.10, YNNPACK, does not keep all cores busy with a convolution
    and slows what it fuses with a matrix product; the products alone are left to it. With those
    fused and without, before wide layers were `models/conv/winograd.py`'s: `sngan:cifar10`: 17200,
    15700; `dcgan:cifar10`: 2060, 1940.
    """
    options = {'xla_cpu_experimental_ynn_fusion_type': 'LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT'}
    if jax.default_backend() != 'cpu':
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:  # an XLA that knows of no such option
        return {}
    return options

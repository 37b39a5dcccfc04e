"""What the compiler and the allocator are told, where it was measured to help.

The comments give milliseconds of a step on two cores, without it and with it.
"""

import ctypes
import functools
import sys

import jax

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def keep_memory() -> None:
    """Keeps what malloc has freed, where glibc's is the allocator.

    XLA:CPU asks for its working memory anew in every step, and malloc maps blocks of that size page
    by page each time. `gan:mnist`: 90, 75.
    """
    if sys.platform != 'linux' or jax.default_backend() != 'cpu':
        return
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)  # as an unsigned size: never


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

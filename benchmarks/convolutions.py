"""Times gan_jax's convolutions against plain XLA's: value, gradient, gradient of a penalty.

    python -m benchmarks.convolutions [--only text] [--out file.json]

Each case is a layer of the systems.  `plain` is its definition in lax, differentiated by JAX.
The penalty is |d(|y|^2 / 2)/dx|^2, whose gradient by the kernel is of second order, as in a
gradient penalty's.  The two are run in turns; a time is the median in milliseconds.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
from jax import Array, lax

from benchmarks import measure
from gan_jax import tuning
from gan_jax.models import conv

ORDERS = 'value', 'gradient', 'penalty'
ROUNDS = 7
SECONDS = 0.05  # of calls in a round, but at least one call


def plain_convolve(x: Array, kernel: Array, strides: int = 1, padding='SAME') -> Array:
    return lax.conv_general_dilated(
        x, kernel, (strides, strides), padding, dimension_numbers=('NHWC', 'HWIO', 'NHWC')
    )


def plain_transposed(x: Array, kernel: Array) -> Array:
    """Multiplies the size by two: the input is dilated with zeros."""
    taps = kernel.shape[0]
    padding = (taps - 2 + 1) // 2
    edge = (taps - 1 - padding, taps - 1 - padding + taps % 2)
    return lax.conv_general_dilated(
        x,
        kernel[::-1, ::-1],
        (1, 1),
        (edge, edge),
        lhs_dilation=(2, 2),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )


def plain_upsample(x: Array, kernel: Array) -> Array:
    return plain_convolve(conv.upsample(x), kernel)


def plain_pool(x: Array, kernel: Array) -> Array:
    return conv.pool(plain_convolve(x, kernel))


def strided(padding: int) -> tuple[Callable, Callable]:
    edges = ((padding, padding), (padding, padding))
    return tuple(partial(f, strides=2, padding=edges) for f in (conv.convolve, plain_convolve))


same = conv.convolve, plain_convolve
upsampled = conv.upsample_convolve, plain_upsample
pooled = conv.convolve_pool, plain_pool
transposed = conv.transposed_convolve, plain_transposed

# name: (ours, plain), batch, size, taps, channels in, channels out
CASES = {
    'CIFAR ResNet 3x3 at 32': (same, 64, 32, 3, 128, 128),
    'CIFAR ResNet 3x3 at 16': (same, 64, 16, 3, 128, 128),
    'CIFAR ResNet 3x3 at 8': (same, 64, 8, 3, 256, 256),
    'CIFAR ResNet 1x1 at 16': (same, 64, 16, 1, 128, 128),
    'CIFAR ResNet from RGB': (same, 64, 32, 3, 3, 128),
    'CIFAR ResNet to RGB': (same, 64, 32, 3, 128, 3),
    'CIFAR ResNet 16 to 32': (upsampled, 64, 16, 3, 128, 128),
    'CIFAR ResNet 4 to 8': (upsampled, 64, 4, 3, 256, 256),
    'CIFAR ResNet 32 to 16': (pooled, 64, 32, 3, 128, 128),
    'CIFAR ResNet 16 to 8': (pooled, 64, 16, 3, 128, 128),
    'demo ResNet 3x3 at 8': (same, 64, 8, 3, 64, 64),
    'demo ResNet 4 to 8': (upsampled, 64, 4, 3, 64, 64),
    'demo ResNet 16 to 8': (pooled, 64, 16, 3, 32, 32),
    'DCGAN 4x4 28 to 14, grey': (strided(1), 128, 28, 4, 1, 64),
    'DCGAN 4x4 32 to 16': (strided(1), 64, 32, 4, 3, 64),
    'DCGAN 4x4 16 to 8': (strided(1), 64, 16, 4, 64, 128),
    'DCGAN 5x5 14 to 7': (strided(2), 64, 14, 5, 64, 128),
    'DCGAN transposed 4x4 8 to 16': (transposed, 64, 8, 4, 128, 64),
    'DCGAN transposed 5x5 7 to 14': (transposed, 64, 7, 5, 128, 64),
    'DCGAN transposed 4x4 14 to 28': (transposed, 64, 14, 4, 64, 1),
}


def orders(function: Callable) -> list[Callable]:
    """Returns the functions of (x, kernel) that are timed, in the order of ORDERS."""

    def energy(x: Array, kernel: Array) -> Array:
        return jnp.sum(jnp.square(function(x, kernel))) / 2

    def penalty(kernel: Array, x: Array) -> Array:
        return jnp.sum(jnp.square(jax.grad(energy)(x, kernel)))

    functions = (
        function,
        jax.grad(energy, argnums=(0, 1)),
        lambda x, kernel: jax.grad(penalty)(kernel, x),
    )
    return [jax.jit(f, compiler_options=tuning.compiler_options()) for f in functions]


def time_case(functions, batch, size, taps, inputs, outputs) -> dict[str, list[float]]:
    """Returns, for each order, the median milliseconds of ours and of the plain one."""
    keys = jax.random.split(jax.random.key(0))
    x = jax.random.normal(keys[0], (batch, size, size, inputs))
    kernel = jax.random.normal(keys[1], (taps, taps, inputs, outputs)) / taps / inputs**0.5

    def call(function: Callable) -> None:
        jax.block_until_ready(function(x, kernel))

    medians = {}
    for order, pair in zip(ORDERS, zip(*map(orders, functions))):
        calls = dict(zip(('ours', 'plain'), (partial(call, function) for function in pair)))
        times = measure.in_turns(calls, ROUNDS, SECONDS).values()
        medians[order] = [measure.summary(seconds)['median'] for seconds in times]
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', default='', help='only the cases whose name holds this text')
    parser.add_argument('--out', type=Path, help='default: benchmarks/results/')
    arguments = parser.parse_args()
    tuning.prepare()
    backend = jax.default_backend()
    out = arguments.out or measure.RESULTS / f'convolutions-{backend}.json'

    print(f'{"ms, ours / plain":32}{"value":>17}{"gradient":>17}{"penalty":>17}')
    results = {}
    for name, case in CASES.items():
        if arguments.only in name:
            results[name] = time_case(*case)
            cells = [f'{ours:8.1f} /{plain:7.1f}' for ours, plain in results[name].values()]
            print(f'{name:32}{"".join(cells)}', flush=True)

    measure.write(out, 'convolutions', {'milliseconds, [ours, plain]': results})


if __name__ == '__main__':
    main()

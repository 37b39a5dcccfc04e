"""Writes vae.npz: what google/flax's VAE example makes of some images.

    git clone https://github.com/google/flax
    python tests/reference/make_vae.py flax/examples/vae

Its model and losses are run with weights drawn by `draw`, which the test has too. Of a gradient its
norm is stored and what it is along a drawn direction: the whole ones are half a million numbers.
"""

import sys
import types
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

BATCH, LATENTS, KEY = 6, 3, 7


def draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the float32 array of a name: normal, of unit gain for a kernel."""
    # RandomState, unlike default_rng, is promised to draw the same numbers for ever.
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    return (noise / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)


def main(example: str) -> None:
    sys.path.insert(0, example)
    for name in ('tensorflow', 'tensorflow_datasets'):  # only its data need them
        sys.modules.setdefault(name, types.ModuleType(name))
    import models
    import train

    images = (draw('images', (BATCH, 784)) > 0).astype(np.float32)
    model = models.model(LATENTS)
    shapes = jax.eval_shape(model.init, jax.random.key(0), images, jax.random.key(0))['params']
    params = {
        network: {
            layer: {
                kind: draw(f'{network}/{layer}/{kind}', leaf.shape) for kind, leaf in of.items()
            }
            for layer, of in layers.items()
        }
        for network, layers in shapes.items()
    }

    def loss(params):
        decoded, mean, logvar = model.apply({'params': params}, images, jax.random.key(KEY))
        said = train.compute_metrics(decoded, jnp.asarray(images), mean, logvar)
        return said['loss'], {**said, 'decoded': decoded, 'mean': mean, 'log_variance': logvar}

    with jax.default_matmul_precision('highest'):
        gradients, said = jax.grad(loss, has_aux=True)(params)
    for network, layers in gradients.items():
        for layer, of in layers.items():
            for kind, gradient in of.items():
                name = f'{network}/{layer}/{kind}'
                along = np.vdot(gradient, draw(f'direction/{name}', gradient.shape))
                said[f'gradient/{name}'] = np.array([np.linalg.norm(gradient), along])
    arrays = {name: np.asarray(value, np.float32) for name, value in said.items()}
    np.savez_compressed(Path(__file__).with_name('vae.npz'), **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

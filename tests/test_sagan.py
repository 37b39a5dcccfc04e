"""SAGAN's networks, as its config has them, against the authors' own code."""

import jax
import numpy as np
import pytest

from configs import sagan
from gan_jax import losses, models
from tests.reference.make_sagan import (
    APART,
    BATCH,
    CLASSES,
    FILE,
    LABELS,
    LATENTS,
    SIZE,
    WIDTHS,
    draw,
    singular,
)

with np.load(FILE) as archive:
    AUTHORS = dict(archive)

CONFIG = sagan.get_config('imagenet128')
CONDITION = dict(generator=models.condition_generator, discriminator=models.condition_discriminator)
NETWORKS = {
    player: CONDITION[player](
        CONFIG.condition[player],
        models.network_maker(
            {**CONFIG.networks[player], 'width': width}, image_shape=(SIZE, SIZE, 3)
        ),
        CLASSES,
    )
    for player, width in WIDTHS.items()
}
Z, REAL = draw('z', BATCH, LATENTS), draw('real', BATCH, SIZE, SIZE, 3)
LOSS = losses.LOSSES[CONFIG.loss.name]()


def drawn(player, *inputs):
    """Returns a network's variables, each drawn by its name; singular vectors have converged."""
    shapes = jax.eval_shape(NETWORKS[player].init, jax.random.key(0), *inputs)
    params = jax.tree_util.tree_map_with_path(
        lambda path, leaf: draw(f'{player}/{path_of(path)}', *leaf.shape), shapes['params']
    )
    by_name = {path_of(path): leaf for path, leaf in jax.tree.leaves_with_path(params)}

    def vector(path, leaf):
        *layer, kind = path_of(path).split('/')
        kernel = by_name['/'.join(part for part in layer if not part.startswith('SpectralNorm'))]
        return singular(kernel) if kind == 'u' else np.ones(leaf.shape, np.float32)

    spectral = jax.tree_util.tree_map_with_path(vector, shapes['spectral'])
    return {'params': params, 'spectral': spectral}


def path_of(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator='/')


def apply(player, params, variables, x):
    """The network's output in training, its statistics dropped."""
    variables = {**variables[player], 'params': params[player]}
    return NETWORKS[player].apply(variables, x, LABELS, train=True, mutable=True)[0]


def play(player, params, variables):
    """Returns a player's loss, and what its network makes in its turn."""
    fake = apply('generator', params, variables, Z)
    real_logits, logits = (apply('discriminator', params, variables, x) for x in (REAL, fake))
    made = dict(generator=fake[:, ::APART, ::APART], discriminator=real_logits)[player]
    return getattr(LOSS, player)(real_logits, logits), made


@pytest.mark.parametrize('player, made', (('generator', 'images'), ('discriminator', 'logits')))
def test_networks_losses_and_gradients_are_the_authors(player, made):
    variables = {name: drawn(name, x, LABELS) for name, x in zip(WIDTHS, (Z, REAL), strict=True)}
    params = {name: of_network['params'] for name, of_network in variables.items()}
    gradient = jax.value_and_grad(play, argnums=1, has_aux=True)
    (loss, output), gradients = jax.jit(gradient, static_argnums=0)(player, params, variables)
    assert np.std(AUTHORS[made]) > 0.01
    np.testing.assert_allclose(output, AUTHORS[made], atol=1e-4)
    np.testing.assert_allclose(loss, AUTHORS[f'{player} loss'], rtol=1e-4)

    leaves = jax.tree.leaves_with_path(gradients[player])
    assert len(leaves) == sum(key.startswith(f'gradient, {player}/') for key in AUTHORS)
    for path, gradient in leaves:
        name = f'{player}/{path_of(path)}'
        direction = draw(f'direction {name}', *gradient.shape)
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction)
        theirs, ours = AUTHORS[f'gradient, {name}'], np.sum(gradient * direction)
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * scale + 1e-6, err_msg=name)

"""What the benchmarks compare is alike."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from benchmarks import arithmetic, table
from benchmarks.versus_torch import CASES
from gan_jax import mesh as meshes
from gan_jax.build import make_initial_state, state_like
from gan_jax.command_line import load_config
from gan_jax.games import build_game


@pytest.mark.parametrize('argument', CASES.values())
def test_pytorchs_networks_are_as_large_as_ours(argument):
    pytest.importorskip('torch', reason='the comparison with PyTorch needs PyTorch')
    from benchmarks.torch_systems import System

    config = load_config(argument)
    mesh = meshes.make_mesh(jax.devices()[:1])
    ours = state_like(make_initial_state(config, build_game(config), mesh), mesh).params
    theirs = System(config, False, 'cpu').networks
    for name, network in theirs.items():
        expected = sum(leaf.size for leaf in jax.tree.leaves(ours[name]))
        assert sum(p.numel() for p in network.parameters()) == expected, name


@pytest.mark.parametrize('argument', list(CASES.values())[:2])
def test_pytorchs_step_moves_both_players(argument):
    torch = pytest.importorskip('torch', reason='the comparison with PyTorch needs PyTorch')
    from benchmarks.torch_systems import System

    system = System(load_config(argument), False, 'cpu')
    before = {name: [p.clone() for p in n.parameters()] for name, n in system.networks.items()}
    system.step()
    for name, network in system.networks.items():
        moved = [not torch.equal(p, q) for p, q in zip(network.parameters(), before[name])]
        assert sum(moved) > 0.9 * len(moved), name
        assert all(torch.isfinite(p).all() for p in network.parameters())


def test_arithmetic_is_that_of_products_and_convolutions():
    """In loops as often as they turn, and in derivatives: two products more for one."""
    x, square, kernel = jnp.ones((4, 5)), jnp.ones((5, 5)), jnp.ones((3, 3, 3, 16))
    product = 2 * 4 * 5 * 5

    def count(function, *arguments):
        return arithmetic.count(jax.make_jaxpr(function)(*arguments))

    assert count(lambda x: jnp.tanh(x @ square), x) == product
    loop = jax.jit(lambda x: lax.fori_loop(0, 7, lambda i, x: x @ square, x))
    assert count(loop, x) == 7 * product
    gradient = jax.grad(lambda x, square: jnp.sum(jnp.square(x @ square)), argnums=(0, 1))
    assert count(gradient, x, square) == 3 * product

    def convolve(images):
        order = ('NHWC', 'HWIO', 'NHWC')
        return lax.conv_general_dilated(images, kernel, (2, 2), 'SAME', dimension_numbers=order)

    assert count(convolve, jnp.ones((2, 8, 8, 3))) == 2 * 2 * 4 * 4 * 9 * 3 * 16


def test_the_readme_says_what_was_measured():
    text = table.README.read_text()
    assert text.count(table.BEGIN) == text.count(table.END) == 1
    assert table.replace(text) == text, 'python -m benchmarks.table writes it anew'

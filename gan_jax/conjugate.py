"""Directions of nonlinear conjugate gradients, as Optax transformations.

The gradient of an update becomes -d, with d_k = -g_k + beta_k d_{k-1} (Nocedal and Wright 2006,
Numerical Optimization, section 5.2); what follows in a chain takes the step. Where d does not
descend, g^T d >= 0, it starts again from -g, as it does in the first update. The step is no line
search's: of a minibatch's gradients that would find the minimum of the wrong function.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Tree = Any
# (g_k . g_k, g_{k-1} . g_{k-1}, g_k . y, d_{k-1} . y) -> beta_k, where y = g_k - g_{k-1}
Rule = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]


class ConjugateState(NamedTuple):
    """The last gradient and direction."""

    gradient: Tree
    direction: Tree


def fletcher_reeves(new, old, along, turned):
    """Fletcher and Reeves 1964: g_k.g_k / g_{k-1}.g_{k-1}."""
    return _ratio(new, old)


def polak_ribiere(new, old, along, turned):
    """Polak and Ribiere 1969, not below 0 (Powell 1986): g_k.y / g_{k-1}.g_{k-1}."""
    return jnp.maximum(0, _ratio(along, old))


def hestenes_stiefel(new, old, along, turned):
    """Hestenes and Stiefel 1952: g_k.y / d_{k-1}.y."""
    return _ratio(along, turned)


def dai_yuan(new, old, along, turned):
    """Dai and Yuan 1999: g_k.g_k / d_{k-1}.y."""
    return _ratio(new, turned)


def _ratio(above, below):
    # 0 in the first update, where there is no last direction.
    return jnp.where(below == 0, 0, above / jnp.where(below == 0, 1, below))


def conjugate(rule: Rule) -> optax.GradientTransformation:
    """Returns the transformation of gradients g_k to -d_k, over all of a player's weights."""

    def init(params: Tree) -> ConjugateState:
        zeros = optax.tree.zeros_like(params)
        return ConjugateState(zeros, jax.tree.map(jnp.copy, zeros))

    def update(gradient: Tree, state: ConjugateState, params: Tree = None):
        dot = optax.tree.vdot
        change = optax.tree.sub(gradient, state.gradient)
        beta = rule(
            dot(gradient, gradient),
            dot(state.gradient, state.gradient),
            dot(gradient, change),
            dot(state.direction, change),
        )
        direction = jax.tree.map(lambda g, d: beta * d - g, gradient, state.direction)
        descends = dot(gradient, direction) < 0
        direction = jax.tree.map(lambda d, g: jnp.where(descends, d, -g), direction, gradient)
        return optax.tree.scale(-1, direction), ConjugateState(gradient, direction)

    return optax.GradientTransformation(init, update)


CONJUGATES = {
    'none': optax.identity(),
    **{
        rule.__name__: conjugate(rule)
        for rule in (fletcher_reeves, polak_ribiere, hestenes_stiefel, dai_yuan)
    },
}

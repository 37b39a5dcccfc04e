"""How much arithmetic a function is: the multiplications and additions of its products.

XLA's own count takes the body of a loop once. Only matrix products and convolutions are counted,
of which something is used, and without the zeros that a convolution is dilated with; the rest of a
network is small beside them.
"""

import math

from jax.extend import core
from jax.interpreters import partial_eval


def count(closed: core.ClosedJaxpr) -> int:
    """Returns the operations of a traced function, with as many turns as each loop has."""
    used, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    return _count(used)


def _count(jaxpr: core.Jaxpr | core.ClosedJaxpr) -> int:
    return sum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: core.JaxprEqn) -> int:
    parameters = equation.params
    if equation.primitive.name == 'dot_general':
        (contracted, _), _ = parameters['dimension_numbers']
        left = equation.invars[0].aval.shape
        terms = math.prod(left[dimension] for dimension in contracted)
        return 2 * terms * math.prod(equation.outvars[0].aval.shape)
    if equation.primitive.name == 'conv_general_dilated':
        kernel = equation.invars[1].aval.shape
        outputs = kernel[parameters['dimension_numbers'].rhs_spec[0]]
        terms = math.prod(kernel) // outputs
        zeros = math.prod(parameters['lhs_dilation'])
        return 2 * terms * math.prod(equation.outvars[0].aval.shape) // zeros
    inner = sum(
        _count(part)
        for value in parameters.values()
        for part in (value if isinstance(value, tuple) else (value,))
        if isinstance(part, core.Jaxpr | core.ClosedJaxpr)
    )
    return inner * parameters.get('length', 1)

"""Optimisers by name, with schedules and what acts on weights alone, as Optax transformations."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import optax

from gan_jax.burn_in import Schedule, fall
from gan_jax.conjugate import CONJUGATES
from gan_jax.usage import UsageError, choose

# What each is called with is its optimiser's section of the config.
OPTIMIZERS = {
    'sgd': lambda rate, s: optax.sgd(rate),
    'momentum': lambda rate, s: optax.sgd(rate, momentum=s.momentum),
    # PyTorch's and TensorFlow's place for epsilon, outside the root: the papers' figures mean it.
    'rmsprop': lambda rate, s: optax.rmsprop(rate, decay=s.decay, eps=s.eps, eps_in_sqrt=False),
    'adam': lambda rate, s: optax.adam(rate, b1=s.b1, b2=s.b2, eps=s.eps),
    'adamw': lambda rate, s: optax.adamw(
        rate, b1=s.b1, b2=s.b2, eps=s.eps, weight_decay=s.weight_decay
    ),
}

# (initial rate, number of updates, the rate at the end as a share of the first) -> schedule
SCHEDULES = {
    'constant': lambda rate, updates, final: optax.constant_schedule(rate),
    'linear': lambda rate, updates, final: optax.linear_schedule(rate, rate * final, updates),
    'constant_then_linear': lambda rate, updates, final: optax.join_schedules(
        [
            optax.constant_schedule(rate),
            optax.linear_schedule(rate, rate * final, updates / 2),
        ],
        [updates / 2],
    ),
    'cosine': lambda rate, updates, final: optax.cosine_decay_schedule(rate, updates, final),
    'exponential': lambda rate, updates, final: optax.exponential_decay(rate, updates, final),
}


def build_optimizer(
    spec: Any, steps: int, updates_per_step: float, burn_in: Any = None, start: int = 0
) -> optax.GradientTransformation:
    """Returns a player's optimiser.

    Args:
      spec: the player's section of `config.optimizers`; a zero switches a part off.
      steps: length of the run, or of its stage, in training steps; schedules end with it.
      updates_per_step: optimiser updates per training step (n_critic). Optax counts updates, a
        config counts training steps: without this a critic's rate would decay n_critic times
        too early.
      burn_in: the section of that name, of which `learning_rate` and `b2` are the optimiser's.
      start: the run's step at which this optimiser begins, a stage's; a burn-in is the run's.
    """
    if spec.weight_decay and spec.name != 'adamw':
        raise UsageError(
            f'{spec.name} takes no weight_decay: use adamw, or l2={spec.weight_decay / 2}'
        )
    make = partial(
        choose('optimizer', spec.name, OPTIMIZERS), build_schedule(spec, steps, updates_per_step)
    )
    burns_in = burn_in is not None and burn_in.steps

    def share(name: str) -> Schedule:
        return lambda update: fall(burn_in, name)(start + update / updates_per_step)

    return optax.chain(
        norm_loss(l1=spec.l1, l2=spec.l2) if spec.l1 or spec.l2 else optax.identity(),
        orthogonal(spec.orthogonal) if spec.orthogonal else optax.identity(),
        optax.clip_by_global_norm(spec.clip_norm) if spec.clip_norm else optax.identity(),
        choose('conjugate direction', spec.conjugate, CONJUGATES),
        _burning_in(make, spec, share) if burns_in else make(spec),
        clip_weights(spec.clip_weights) if spec.clip_weights else optax.identity(),
    )


def build_ema_decay(decay: float, start: int = 0, rampup: float = 0.0) -> Schedule:
    """Returns the moving average's decay by step; until `start` the average is what it is of.

    rampup: where above 0, what is half forgotten is no older than this share of the run so far, so
    that a long memory has a quick start: StyleGAN2-ADA's code, arXiv 2006.06676.
    """

    def at(step):
        limit = 0.5 ** (1 / (rampup * (step + 1))) if rampup else decay
        return jnp.where(step < start, 0.0, jnp.minimum(decay, limit))

    return at


def build_schedule(spec: Any, steps: int, updates_per_step: float) -> Schedule:
    """Returns the learning rate by update: a linear warm-up, then the named schedule to the end.

    Raises:
      UsageError: an unknown schedule, an exponential one that ends at 0, a constant one that ends
        elsewhere, or too long a warm-up.
    """
    if spec.schedule == 'constant' and spec.final_share:
        raise UsageError(f'a constant schedule does not end at final_share={spec.final_share}')
    if spec.schedule == 'exponential' and not spec.final_share:
        raise UsageError('an exponential schedule never ends at 0: set its final_share, say to 0.1')
    if spec.warmup_steps >= steps:
        raise UsageError(f'warmup_steps={spec.warmup_steps} must be fewer than steps={steps}')
    warmup = round(spec.warmup_steps * updates_per_step)
    updates = max(1, round(steps * updates_per_step) - warmup)
    schedule = choose('schedule', spec.schedule, SCHEDULES)(
        spec.learning_rate, updates, spec.final_share
    )
    if not warmup:
        return schedule
    rise = optax.linear_schedule(0.0, spec.learning_rate, warmup)
    return optax.join_schedules([rise, schedule], [warmup])


def _burning_in(
    make: Callable, spec: Any, share: Callable[[str], Schedule]
) -> optax.GradientTransformation:
    """The optimiser that `make(spec)` is, with a learning rate and a b2 that move."""
    # As in PyTorch, the bias is corrected for the b2 of the day.
    moving = optax.inject_hyperparams(lambda b2: make(SimpleNamespace(**{**spec, 'b2': b2})))
    return optax.chain(
        moving(b2=lambda update: 1 - (1 - spec.b2) * share('b2')(update)),
        optax.scale_by_schedule(share('learning_rate')),
    )


def norm_loss(l1: float, l2: float) -> optax.GradientTransformation:
    """Adds the gradient of l1 * sum|w| + l2 * sum w^2, the norm loss over a player's weights."""

    def update(updates, state, params):
        gradient = partial(jax.tree.map, lambda g, w: g + l1 * jnp.sign(w) + 2 * l2 * w)
        return gradient(updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def orthogonal(beta: float) -> optax.GradientTransformation:
    """Adds the gradient of beta ||W^T W * (1 - I)||^2, 4 beta W (W^T W * (1 - I)), of each kernel.

    Brock et al. 2019, equation 3, arXiv 1809.11096: filters are to be orthogonal, of any length. W
    is [..., filters] as a matrix; gains, biases and embeddings, which have no filters, are left
    out. The authors' PyTorch code takes half of this gradient.
    """

    def part(path, w):
        if w.ndim < 2 or 'embedding' in jax.tree_util.keystr(path):
            return jnp.zeros_like(w)
        matrix = w.reshape(-1, w.shape[-1])
        products = matrix.T @ matrix
        return (4 * beta * matrix @ (products - jnp.diag(jnp.diag(products)))).reshape(w.shape)

    def update(updates, state, params):
        parts = jax.tree_util.tree_map_with_path(part, params)
        return optax.tree.add(updates, parts), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def clip_weights(bound: float) -> optax.GradientTransformation:
    """Keeps every weight in [-bound, bound] after the update: Arjovsky et al. 2017, algorithm 1."""

    def update(updates, state, params):
        clip = partial(jax.tree.map, lambda u, w: jnp.clip(w + u, -bound, bound) - w)
        return clip(updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)

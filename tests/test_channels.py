"""Sums over all but the channels, and their transpose, against NumPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models.channels import channel_mean, channel_sum, spread


@pytest.mark.parametrize('backend', ('cpu', 'gpu'))
@pytest.mark.parametrize('shape', ((2, 3, 4, 5), (6, 5), (5,)), ids=str)
def test_values_and_derivatives(shape, backend, monkeypatch):
    """To the second order: a penalty differentiates the gradient of a bias."""
    monkeypatch.setattr(jax, 'default_backend', lambda: backend)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(channel_sum(x), x.sum(axes), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(channel_mean(x), x.mean(axes), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(spread(x.sum(axes), shape), np.zeros(shape) + x.sum(axes))

    def ours(x):
        return jnp.sum(jnp.sin(x - spread(channel_mean(x), x.shape)) ** 2)

    def theirs(x):
        return jnp.sum(jnp.sin(x - jnp.mean(x, axes)) ** 2)

    def penalty(function):
        return jax.grad(lambda x: jnp.sum(jax.grad(function)(x) ** 2))

    np.testing.assert_allclose(jax.grad(ours)(x), jax.grad(theirs)(x), atol=1e-5)
    np.testing.assert_allclose(penalty(ours)(x), penalty(theirs)(x), atol=1e-5)

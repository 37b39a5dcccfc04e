"""InfoGAN's networks for MNIST, Chen et al. 2016, appendix C.1, as the authors' code has them."""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.conv import Conv, ConvTranspose
from gan_jax.models.layers import Array, BatchNorm, Initializer, base_shape, unit_gain

# Theirs; the appendix says 0.1.
rectify = partial(nn.leaky_relu, negative_slope=0.01)


class Generator(nn.Module):
    """Two dense layers to an image of a quarter the size, two transposed convolutions.

    z [B, Z] -> images [B, H, W, C] in [-1, 1].
    """

    image_shape: tuple[int, int, int]
    width: int  # of the half-sized image; twice as many in the quarter-sized one
    hidden: int
    kernel_init: Initializer

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        def normalize(x):
            return nn.relu(BatchNorm(scale_init=unit_gain)(x, train))

        height, width, features = base_shape(self.image_shape, 2, 2 * self.width)
        options = dict(use_bias=False, kernel_init=self.kernel_init)
        x = normalize(nn.Dense(self.hidden, **options)(z))
        x = normalize(nn.Dense(height * width * features, **options)(x))  # every unit by itself
        x = x.reshape(-1, height, width, features)
        x = normalize(ConvTranspose(self.width, 4, **options)(x))
        x = ConvTranspose(self.image_shape[-1], 4, kernel_init=self.kernel_init)(x)
        return jnp.tanh(x / 2)  # 2 sigmoid(x) - 1


class Discriminator(nn.Module):
    """Two convolutions that halve the image and a dense layer, which the recognizer shares.

    Images [B, H, W, C] -> logits [B].
    """

    width: int
    hidden: int
    conv_init: Initializer
    kernel_init: Initializer  # of the dense layers

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        def normalize(x):
            return rectify(BatchNorm(scale_init=unit_gain)(x, train))

        conv = partial(Conv, kernel_size=4, strides=2, kernel_init=self.conv_init)
        x = (1 + x) / 2  # theirs: what a convolution pads a digit with is its background
        x = rectify(conv(self.width)(x))
        x = normalize(conv(2 * self.width, use_bias=False)(x)).reshape(len(x), -1)
        x = normalize(nn.Dense(self.hidden, use_bias=False, kernel_init=self.kernel_init)(x))
        self.sow('intermediates', 'features', x)
        return nn.Dense(1, kernel_init=self.kernel_init)(x)[:, 0]


class Recognizer(nn.Module):
    """Q: the codes that an image was made of, by the discriminator's features [B, F].

    Returns the category's logits [B, categories] and the means of the codes [B, continuous].
    """

    categories: int
    continuous: int
    hidden: int
    kernel_init: Initializer

    @nn.compact
    def __call__(self, features: Array, train: bool = True) -> tuple[Array, Array]:
        x = nn.Dense(self.hidden, use_bias=False, kernel_init=self.kernel_init)(features)
        x = rectify(BatchNorm(scale_init=unit_gain)(x, train))
        x = nn.Dense(self.categories + self.continuous, kernel_init=self.kernel_init)(x)
        return x[:, : self.categories], x[:, self.categories :]

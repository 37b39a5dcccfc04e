"""R3GAN, Huang et al. 2024, arXiv 2501.05441: grouped residual networks without normalisation.

A residual block is x + W3 a(W2 a(W1 x)): 1x1 to `expansion` times the channels, 3x3 in groups, 1x1
back, with a(h) = leaky_relu(h + b). Fix-up initialisation (Zhang et al. 2019) keeps the variance:
W3 begins at zero, the others at the activation's gain times L^(-1/4), of L blocks in the network.

The authors compute the stage of 4x4 pixels in float32 where the others are bfloat16; here all
stages are alike.
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.models.conv import Conv, GroupedConv
from gan_jax.models.layers import Array, Initializer, base_shape, leaky_relu
from gan_jax.models.resample import downsample, upsample

_GAIN = math.sqrt(2 / (1 + 0.2**2))  # of leaky_relu: He et al. 2015, arXiv 1502.01852, equation 15


def _normal(gain: float = 1.0) -> Initializer:
    """N(0, gain^2 / fan-in)."""
    return nn.initializers.variance_scaling(gain**2, 'fan_in', 'normal')


class _Stages(nn.Module):
    """What both networks are: stages of residual blocks, each at a size and a width of its own."""

    widths: tuple[int, ...]  # channels of every stage, from the network's input to its output
    groups: tuple[int, ...]  # of every stage's 3x3 convolutions
    blocks: int  # of every stage
    expansion: int

    def _stage(self, stage: int, x: Array) -> Array:
        gain = _GAIN * (self.blocks * len(self.widths)) ** -0.25
        wide, groups = self.expansion * self.widths[stage], self.groups[stage]
        for _ in range(self.blocks):
            h = leaky_relu(Conv(wide, 1, kernel_init=_normal(gain))(x))
            h = leaky_relu(GroupedConv(wide, 3, groups=groups, kernel_init=_normal(gain))(h))
            x += Conv(x.shape[-1], 1, use_bias=False, kernel_init=nn.initializers.zeros)(h)
        return x

    def _widen(self, stage: int, x: Array) -> Array:
        width = self.widths[stage]
        return x if x.shape[-1] == width else _linear(width)(x)


def _linear(features: int) -> Conv:
    return Conv(features, 1, use_bias=False, kernel_init=_normal())


class Generator(_Stages):
    """Weighs a learnt small image, channel by channel, and doubles it before every later stage.

    z [B, Z] -> images [B, H, W, C]; H and W are multiples of 2 ** (stages - 1). There is no tanh:
    images are as they come in training, and those of samples are cut to [-1, 1].
    """

    image_shape: tuple[int, int, int]

    @nn.compact
    def __call__(self, z: Array, train: bool = True) -> Array:
        return self._generate(z, train)

    def _generate(self, z: Array, train: bool) -> Array:
        shape = base_shape(self.image_shape, len(self.widths) - 1, self.widths[0])
        basis = self.param('basis', nn.initializers.normal(1.0), shape)
        weights = nn.Dense(self.widths[0], use_bias=False, kernel_init=_normal())(z)
        x = self._stage(0, basis * weights[:, None, None])
        for stage in range(1, len(self.widths)):
            x = self._stage(stage, upsample(self._widen(stage, x)))
        x = _linear(self.image_shape[-1])(x)
        return x if train else jnp.clip(x, -1, 1)


class ConditionalGenerator(Generator):
    """`Generator` of z and, beside it, a vector of z's length learnt for every class.

    z [B, Z], label int32 [B] -> images [B, H, W, C].
    """

    classes: int

    @nn.compact
    def __call__(self, z: Array, label: Array, train: bool = True) -> Array:
        embedding = nn.Embed(self.classes, z.shape[-1], embedding_init=_normal())
        return self._generate(jnp.concatenate([z, embedding(label)], axis=-1), train)


class Discriminator(_Stages):
    """Halves the image after every stage but the last, whose channels a learnt image weighs.

    Images [B, H, W, C] -> logits [B].
    """

    @nn.compact
    def __call__(self, x: Array, train: bool = True) -> Array:
        return nn.Dense(1, use_bias=False, kernel_init=_normal())(self._features(x))[:, 0]

    def _features(self, x: Array) -> Array:
        x = self._stage(0, _linear(self.widths[0])(x))
        for stage in range(1, len(self.widths)):
            x = self._stage(stage, self._widen(stage, downsample(x)))
        _, *shape = x.shape
        deviation = 1 / math.sqrt(math.prod(shape[:2]))
        basis = self.param('basis', nn.initializers.normal(deviation), tuple(shape))
        features = jnp.einsum('bhwc,hwc->bc', x, basis)
        self.sow('intermediates', 'features', features)
        return features


class ConditionalDiscriminator(Discriminator):
    """The product of a linear map of `Discriminator`'s features and a vector of the class.

    Images [B, H, W, C], label int32 [B] -> logits [B]. After Miyato and Koyama 2018, equation 4,
    without the term that no class has a part in.
    """

    classes: int

    @nn.compact
    def __call__(self, x: Array, label: Array, train: bool = True) -> Array:
        size = self.widths[-1]
        said = nn.Dense(size, use_bias=False, kernel_init=_normal())(self._features(x))
        embedding = nn.Embed(self.classes, size, embedding_init=_normal(1 / math.sqrt(size)))
        return jnp.sum(said * embedding(label), axis=-1)

"""The systems of `configs/` in plain PyTorch, to be compared with: the same shapes and updates.

Written from the papers, as fast as PyTorch makes it easy to be: channels-last images, real and
generated images in one call of the discriminator where it has no batch statistics, the
discriminator's weights frozen in the generator's turn, no graph of the generator in the
discriminator's, fused optimisers, gradients set to None, denormal numbers flushed, autocast where
the config asks for bfloat16. Each player's loss can be `torch.compile`'s; a gradient penalty stays
eager, because `torch.compile` cannot differentiate twice.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

LOSSES = {  # (discriminator's (real, fake), generator's (real, fake))
    'non_saturating': (
        lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
        lambda real, fake: F.softplus(-fake).mean(),
    ),
    'wasserstein': (lambda real, fake: fake.mean() - real.mean(), lambda real, fake: -fake.mean()),
    'hinge': (
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        lambda real, fake: -fake.mean(),
    ),
}


class View(nn.Module):
    """Gives each example of a batch another shape."""

    def __init__(self, *shape: int):
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, *self.shape)


class Pooled(nn.Module):
    """The mean or the sum over all pixels."""

    def __init__(self, pooling: str):
        super().__init__()
        self.pool = torch.mean if pooling == 'mean' else torch.sum

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x, dim=(2, 3))


class DoubledSigmoid(nn.Module):
    """From -1 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 2)


def mlp_generator(spec: Any, latents: int, channels: int, size: tuple[int, int]) -> nn.Module:
    """z -> images through dense layers."""
    widths = [latents, *spec.widths]
    layers = [
        layer for i, o in zip(widths, widths[1:]) for layer in (nn.Linear(i, o), nn.ReLU(True))
    ]
    pixels = channels * size[0] * size[1]
    return nn.Sequential(
        *layers, nn.Linear(widths[-1], pixels), DoubledSigmoid(), View(channels, *size)
    )


class Maxout(nn.Module):
    """The largest of each unit's pieces."""

    def __init__(self, inputs: int, width: int, pieces: int):
        super().__init__()
        self.linear = nn.Linear(inputs, width * pieces)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(dim=2)


class Brightness(nn.Module):
    """Pixels from 0 to 1, by image."""

    def forward(self, x: Tensor) -> Tensor:
        return (1 + x.flatten(1)) / 2


def maxout_discriminator(spec: Any, channels: int, size: tuple[int, int]) -> nn.Module:
    """Images -> logits through maxout units and dropout."""
    widths = [channels * size[0] * size[1], *spec.widths]
    layers = [Brightness(), nn.Dropout(spec.pixel_dropout)]
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [Maxout(inputs, outputs, spec.pieces), nn.Dropout(spec.dropout)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 1))


def dcgan_generator(spec: Any, latents: int, channels: int, size: tuple[int, int]) -> nn.Module:
    """z -> images through transposed convolutions."""
    scale = 2 ** len(spec.widths)
    base = (spec.widths[0], size[0] // scale, size[1] // scale)
    padding, extra = (spec.kernel_size - 1) // 2, spec.kernel_size % 2

    def upsample(inputs: int, outputs: int, bias: bool) -> nn.Module:
        return nn.ConvTranspose2d(inputs, outputs, spec.kernel_size, 2, padding, extra, bias=bias)

    layers = [nn.Linear(latents, base[0] * base[1] * base[2], bias=False), View(*base)]
    layers += [nn.BatchNorm2d(base[0]), nn.ReLU(True)]
    for inputs, outputs in zip(spec.widths, spec.widths[1:]):
        layers += [upsample(inputs, outputs, False), nn.BatchNorm2d(outputs), nn.ReLU(True)]
    return nn.Sequential(*layers, upsample(spec.widths[-1], channels, True), nn.Tanh())


def dcgan_discriminator(spec: Any, channels: int, size: tuple[int, int]) -> nn.Module:
    """Images -> logits through strided convolutions."""
    normalized = spec.normalization == 'batch'
    padding = (spec.kernel_size - 1) // 2
    convolution = partial(nn.Conv2d, kernel_size=spec.kernel_size, stride=2, padding=padding)
    layers = [convolution(channels, spec.widths[0]), nn.LeakyReLU(0.2, True)]
    for inputs, outputs in zip(spec.widths, spec.widths[1:]):
        layers += [convolution(inputs, outputs, bias=not normalized)]
        layers += [nn.BatchNorm2d(outputs)] if normalized else []
        layers += [nn.LeakyReLU(0.2, True)]
    images = torch.zeros(1, channels, *size)
    with torch.no_grad():
        features = nn.Sequential(*layers).eval()(images).numel()
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 1)).train()


class GeneratorBlock(nn.Module):
    """Doubles an image: nearest neighbours before the first convolution and the shortcut's."""

    def __init__(self, width: int):
        super().__init__()
        self.normalizations = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        residual = F.interpolate(F.relu(self.normalizations[0](x)), scale_factor=2)
        residual = F.relu(self.normalizations[1](self.convolutions[0](residual)))
        # A 1x1 convolution commutes with nearest neighbours, and costs a quarter before them.
        return F.interpolate(self.shortcut(x), scale_factor=2) + self.convolutions[1](residual)


def resnet_generator(spec: Any, latents: int, channels: int, size: tuple[int, int]) -> nn.Module:
    """z -> images through residual blocks."""
    scale = 2**spec.blocks
    base = (spec.width, size[0] // scale, size[1] // scale)
    return nn.Sequential(
        nn.Linear(latents, base[0] * base[1] * base[2]),
        View(*base),
        *(GeneratorBlock(spec.width) for _ in range(spec.blocks)),
        nn.BatchNorm2d(spec.width),
        nn.ReLU(True),
        nn.Conv2d(spec.width, channels, 3, padding=1),
        nn.Tanh(),
    )


class DiscriminatorBlock(nn.Module):
    """A residual block that halves its image, or not; the very first has no ReLU before it."""

    def __init__(self, inputs: int, width: int, downsample: bool, first: bool, weights: Callable):
        super().__init__()
        self.first = first
        self.one = weights(nn.Conv2d(inputs, width, 3, padding=1))
        self.two = weights(nn.Conv2d(width, width, 3, padding=1))
        self.shortcut = weights(nn.Conv2d(inputs, width, 1)) if downsample else nn.Identity()
        self.pool = nn.AvgPool2d(2) if downsample else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        residual = self.one(x if self.first else F.relu(x))
        residual = self.pool(self.two(F.relu(residual)))
        # A 1x1 convolution commutes with the mean, and costs a quarter after it.
        return residual + self.shortcut(self.pool(x))


def resnet_discriminator(spec: Any, channels: int, size: tuple[int, int]) -> nn.Module:
    """Images -> logits through residual blocks."""
    weights = {'plain': nn.Identity(), 'spectral_norm': spectral_norm}[spec.weights]
    return nn.Sequential(
        DiscriminatorBlock(channels, spec.width, True, True, weights),
        *(
            DiscriminatorBlock(spec.width, spec.width, downsample, False, weights)
            for downsample in spec.downsamples
        ),
        nn.ReLU(),
        Pooled(spec.pooling),
        weights(nn.Linear(spec.width, 1, bias=spec.last_bias)),
    )


GENERATORS = {
    'mlp.Generator': mlp_generator,
    'dcgan.Generator': dcgan_generator,
    'resnet.Generator': resnet_generator,
}
DISCRIMINATORS = {
    'mlp.MaxoutDiscriminator': maxout_discriminator,
    'dcgan.Discriminator': dcgan_discriminator,
    'resnet.Discriminator': resnet_discriminator,
}


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """WGAN-GP: E[(|grad D(x_hat)| - 1)^2], x_hat between a real and a generated image."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = torch.lerp(real, fake[: len(real)], share).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


class System:
    """A config's networks, optimisers and training step."""

    def __init__(self, config: Any, mode: str | None = None, device: str = 'cpu'):
        """Makes them; `mode` is torch.compile's."""
        torch.set_flush_denormal(True)
        size, channels = tuple(config.data.size), config.data.channels
        generator, discriminator = config.networks.generator, config.networks.discriminator
        place = dict(device=device, memory_format=torch.channels_last)
        self.generator = GENERATORS[generator.name](
            generator, config.prior.size, channels, size
        ).to(**place)
        self.discriminator = DISCRIMINATORS[discriminator.name](discriminator, channels, size).to(
            **place
        )
        self.average = [p.detach().clone() for p in self.generator.parameters()]
        self.config, self.device = config, device
        dtype = getattr(torch, config.dtype)
        # Within the networks; parameters, losses and penalties stay float32, as with us.
        self.autocast = partial(torch.autocast, device, dtype, enabled=dtype != torch.float32)
        self.apart = discriminator.get('normalization') == 'batch'
        self.discriminator_adversary, self.generator_adversary = LOSSES[config.loss.name]
        self.optimizers = {
            name: make_optimizer(config.optimizers[name], network.parameters())
            for name, network in self.networks.items()
        }
        shape = (config.critic_updates, config.batch_size, channels, *size)
        self.real = [
            images.to(memory_format=torch.channels_last)
            for images in torch.rand(shape, device=device) * 2 - 1
        ]
        self.losses = [self.discriminator_loss, self.generator_loss]
        if mode:
            self.losses = [torch.compile(loss, mode=mode) for loss in self.losses]

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The players' networks by name."""
        return dict(generator=self.generator, discriminator=self.discriminator)

    def latents(self, count: int) -> Tensor:
        """Draws from the config's prior."""
        shape = (count, self.config.prior.size)
        if self.config.prior.name == 'uniform':
            return torch.rand(shape, device=self.device) * 2 - 1
        return torch.randn(shape, device=self.device)

    def discriminator_loss(self, real: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the loss without its penalty, and the generated images."""
        with torch.no_grad():
            fake = self.generator(z).float()
        if self.apart:
            logits = self.discriminator(real).float(), self.discriminator(fake).float()
        else:
            logits = self.discriminator(torch.cat([real, fake])).float().chunk(2)
        return self.discriminator_adversary(*logits), fake

    def generator_loss(self, z: Tensor) -> Tensor:
        """Returns the generator's loss."""
        return self.generator_adversary(None, self.discriminator(self.generator(z)).float())

    def step(self) -> None:
        """One update of the generator, then the discriminator's."""
        config = self.config
        discriminator_loss, generator_loss = self.losses
        self.discriminator.requires_grad_(False)
        with self.autocast():
            loss = generator_loss(self.latents(config.generator_batch * config.batch_size))
        self.update('generator', loss)
        self.discriminator.requires_grad_(True)
        for real in self.real:
            with self.autocast():
                loss, fake = discriminator_loss(real, self.latents(len(real)))
                if weight := config.penalties.gradient_penalty:
                    loss = loss + weight * gradient_penalty(self.discriminator, real, fake)
            self.update('discriminator', loss)
        if config.ema_decay:
            with torch.no_grad():
                current = list(self.generator.parameters())
                torch._foreach_lerp_(self.average, current, 1 - config.ema_decay)

    def update(self, player: str, loss: Tensor) -> None:
        """Moves one player down its loss."""
        optimizer = self.optimizers[player]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def make_optimizer(spec: Any, parameters: Any) -> torch.optim.Optimizer:
    """Returns a player's optimiser, Adam or momentum; a schedule costs nothing and is left out."""
    options = dict(lr=spec.learning_rate, weight_decay=2 * spec.l2, fused=True)
    if spec.name == 'momentum':
        return torch.optim.SGD(parameters, momentum=spec.momentum, **options)
    return torch.optim.Adam(parameters, betas=(spec.b1, spec.b2), **options)

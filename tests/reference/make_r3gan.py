"""Writes r3gan.npz: what the authors' R3GAN makes of the weights that tests/test_r3gan.py has too.

    git clone https://github.com/brownvc/R3GAN
    python -m pip install torch numpy "setuptools<81"
    python tests/reference/make_r3gan.py R3GAN

Weights and their gradients are stored by Flax's names and in Flax's order of dimensions; images as
[B, H, W, C]. Everything is computed in float64. Nothing here is the authors' code, which is only
called.
"""

import collections
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

WIDTHS, GROUPS, BLOCKS = (8, 4), (4, 2), 2
Z, CLASSES, BATCH, GAMMA = 6, 3, 4, 0.7

Weights = Iterator[tuple[str, torch.nn.Parameter, Callable]]


def convolutions(network: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module, Any]]:
    """Yields (Flax's kind, convolution, its bias) of a network in the order of its calls."""
    if hasattr(network, 'ExtractionLayer'):
        yield 'Conv', network.ExtractionLayer, None
    for stage in network.MainLayers:
        for layer in stage.Layers:
            if hasattr(layer, 'NonLinearity1'):  # a residual block
                yield 'Conv', layer.LinearLayer1, layer.NonLinearity1.Bias
                yield 'GroupedConv', layer.LinearLayer2, layer.NonLinearity2.Bias
                yield 'Conv', layer.LinearLayer3, None
            elif hasattr(layer, 'Resampler') and hasattr(layer, 'LinearLayer'):
                yield 'Conv', layer.LinearLayer, None
    if hasattr(network, 'AggregationLayer'):
        yield 'Conv', network.AggregationLayer, None


def weights_of(network: torch.nn.Module) -> Weights:
    """Yields (Flax's name, weight, what turns it into Flax's order) of a conditional network."""
    counts = collections.Counter()
    for kind, convolution, bias in convolutions(network):
        name = f'{kind}_{counts[kind]}'
        counts[kind] += 1
        yield f'{name}/kernel', convolution.Layer.weight, lambda w: w.permute(2, 3, 1, 0)
        if bias is not None:
            yield f'{name}/bias', bias, lambda w: w
    first, last = network.MainLayers[0].Layers[0], network.MainLayers[-1].Layers[-1]
    if hasattr(network, 'AggregationLayer'):
        yield 'basis', first.Basis, lambda w: w.permute(1, 2, 0)
        yield 'Dense_0/kernel', first.LinearLayer.weight, torch.t
    else:
        yield 'basis', last.Basis.weight, lambda w: w[:, 0].permute(1, 2, 0)
        yield 'Dense_0/kernel', last.LinearLayer.weight, torch.t
    yield 'Embed_0/embedding', network.EmbeddingLayer.weight, torch.t


def set_weights(network: torch.nn.Module, random: np.random.RandomState) -> None:
    """Draws every weight as a float32 number and makes the network compute in float64."""
    for _, weight, _ in weights_of(network):
        deviation = 1 / np.sqrt(max(1, weight[0].numel()))
        noise = random.normal(0, deviation, weight.shape).astype(np.float32)
        weight.data = torch.from_numpy(noise).double()
    for stage in network.MainLayers:
        stage.DataType = torch.float64


def stored(name: str, network: torch.nn.Module) -> dict[str, np.ndarray]:
    """Returns the weights, and the gradients that were added up in them, for Flax."""
    arrays = {}
    for weight_name, weight, turned in weights_of(network):
        arrays[f'{name}/weights/{weight_name}'] = turned(weight.detach()).numpy()
        arrays[f'{name}/gradients/{weight_name}'] = turned(weight.grad).numpy()
    return arrays


def main(repository: str) -> None:
    sys.path.insert(0, repository)
    from R3GAN.Networks import Discriminator, Generator
    from R3GAN.Trainer import AdversarialTraining

    random = np.random.RandomState(0)
    settings = dict(BlocksPerStage=[BLOCKS] * 2, ExpansionFactor=2, ConditionDimension=CLASSES)
    generator = Generator(Z, WIDTHS, GROUPS, ConditionEmbeddingDimension=Z, **settings)
    discriminator = Discriminator(
        WIDTHS[::-1], GROUPS[::-1], ConditionEmbeddingDimension=WIDTHS[0], **settings
    )
    set_weights(generator, random)
    set_weights(discriminator, random)
    z = random.normal(size=(BATCH, Z)).astype(np.float32)
    real = random.normal(size=(BATCH, 8, 8, 3)).astype(np.float32)
    label = np.arange(BATCH) % CLASSES
    inputs = [
        torch.from_numpy(z).double(),
        torch.from_numpy(real).double().permute(0, 3, 1, 2),
        F.one_hot(torch.from_numpy(label), CLASSES).double(),
    ]

    training = AdversarialTraining(generator, discriminator)
    generator_loss, _ = training.AccumulateGeneratorGradients(*inputs)
    arrays = stored('generator', generator)
    discriminator.zero_grad()
    adversary, _, r1, r2 = training.AccumulateDiscriminatorGradients(*inputs, GAMMA)
    arrays |= stored('discriminator', discriminator)
    with torch.no_grad():
        fake = generator(inputs[0], inputs[2])
        real_logits = discriminator(inputs[1], inputs[2])
    arrays |= {
        'fake': fake.permute(0, 2, 3, 1).numpy(),
        'real_logits': real_logits.numpy(),
        'generator_loss': generator_loss.mean().numpy(),
        'discriminator_loss': (adversary + GAMMA / 2 * (r1 + r2)).mean().numpy(),
        'r1': r1.mean().numpy(),  # without 1/2
        'r2': r2.mean().numpy(),
    }
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    file = Path(__file__).with_name('r3gan.npz')
    np.savez_compressed(file, z=z, real=real, label=label, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])

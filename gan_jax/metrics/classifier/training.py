"""Trains a classifier of the data set at hand.

The recipe is Zagoruyko and Komodakis' for CIFAR-10 (2016, arXiv 1605.07146, section 3): batches of
128, SGD with Nesterov's momentum, weight decay, shifts by an eighth of the image into its own
reflection; with one cycle of the learning rate instead of its steps.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.sharding import Mesh
from tqdm import tqdm

from gan_jax import mesh as meshes, tuning
from gan_jax.metrics.classifier import Classifier, Network, make_classifier
from gan_jax.metrics.extractor import rebatch
from gan_jax.usage import UsageError

RECIPE = 1  # another one, whenever what is learnt from the same images would be another
_BATCH = 128
_LEARNING_RATE, _WARMUP = 0.1, 0.2  # at its highest; share of the steps until then
_MOMENTUM, _WEIGHT_DECAY = 0.9, 5e-4

# Pooled features, and images seen in training: of grey images, and of coloured ones.
_GREY, _COLOUR = (128, 40_000), (512, 1_500_000)

Augment = Callable[[Array, Array], Array]  # (uint8 images [B, H, W, C], key) -> others like them


def shift(images: Array, key: Array) -> Array:
    """Returns every image moved by up to an eighth of its side, into its own reflection."""
    reach = min(images.shape[1:3]) // 8
    padded = jnp.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), 'reflect')
    corners = jax.random.randint(key, (len(images), 2), 0, 2 * reach + 1)

    def crop(image: Array, corner: Array) -> Array:
        return jax.lax.dynamic_slice(image, (*corner, 0), images.shape[1:])

    return jax.vmap(crop)(padded, corners)


def shift_and_mirror(images: Array, key: Array) -> Array:
    """Returns images shifted, half of them mirrored: for photographs, never for digits."""
    mirror_key, shift_key = jax.random.split(key)
    mirrored = jax.random.bernoulli(mirror_key, shape=(len(images), 1, 1, 1))
    return shift(jnp.where(mirrored, images[:, :, ::-1], images), shift_key)


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    name: str,
    epochs: int = 0,
    features: int = 0,
    augment: Augment = shift,
    seed: int = 0,
) -> Classifier:
    """Returns a classifier of uint8 images [N, H, W, C] by their labels [N], 0 .. classes - 1.

    It takes images of this size alone. With 0, `features` are 128 for grey images and 512 for
    others, and `epochs` as many as show it 40,000 grey images or 1,500,000 others, but 2 at least:
    minutes on a CPU for the first, a GPU's work for the second. A batch is split over all devices;
    every process gives the same arrays. The same seed gives the same bits on the same CPUs. Raises
    UsageError for what cannot be learnt from.
    """
    check_examples(images, labels, classes)
    mesh = meshes.make_mesh()
    batch = -(-_BATCH // mesh.size) * mesh.size
    if len(images) < batch:
        raise UsageError(f'{len(images)} images are too few, {batch} are needed for a batch')
    customary, seen = _GREY if images.shape[-1] == 1 else _COLOUR
    network = Network(images.shape[1:], classes, features or customary)
    epochs = epochs or max(2, -(-seen // len(images)))
    steps = epochs * len(images) // batch
    optimizer = _make_optimizer(steps)
    update = _make_update(network, optimizer, augment, seed, mesh)

    variables = jax.jit(network.init)(jax.random.key(seed), images[:1])
    state = meshes.put(
        meshes.replicated(mesh),
        (variables['params'], variables['batch_stats'], optimizer.init(variables['params'])),
    )
    random = np.random.default_rng(seed)
    order = rebatch((random.permutation(len(images)) for _ in range(epochs)), batch)
    loss = np.inf
    with tqdm(total=steps, desc=f'training {name}', unit='step', delay=2, disable=None) as bar:
        for step, chosen in zip(range(steps), order):
            examples = meshes.put(meshes.split(mesh, 0), (images[chosen], labels[chosen]))
            before = loss
            state, loss = update(state, *examples, step)
            # The host is one step ahead and no more: a queue of batches would grow.
            bar.set_postfix(loss=f'{float(before):.3f}', refresh=False)
            bar.update()
    params, stats, _ = meshes.gather(state)
    return make_classifier(name, network, {'params': params, 'batch_stats': stats})


def check_examples(images: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """Raises UsageError for what is not uint8 images [N, H, W, C] and N labels of these classes."""
    if images.dtype != np.uint8 or images.ndim != 4:
        raise UsageError(
            f'images must be uint8 [N, H, W, C], not {images.dtype} {list(images.shape)}'
        )
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise UsageError(
            f'labels must be {len(images)} integers, one of each image, '
            f'not {labels.dtype} {list(labels.shape)}'
        )
    strangers = labels[(labels < 0) | (labels >= classes)]
    if len(strangers):
        raise UsageError(f'labels must be within 0 .. {classes - 1}; there is {strangers[0]}')


def _make_optimizer(steps: int) -> optax.GradientTransformation:
    rate = optax.warmup_cosine_decay_schedule(0, _LEARNING_RATE, int(_WARMUP * steps), steps)
    return optax.chain(
        optax.add_decayed_weights(_WEIGHT_DECAY), optax.sgd(rate, _MOMENTUM, nesterov=True)
    )


def _make_update(
    network: Network,
    optimizer: optax.GradientTransformation,
    augment: Augment,
    seed: int,
    mesh: Mesh,
) -> Callable:
    """One step: (state, images, labels, step) -> (state, loss), of (params, stats, momentum)."""

    def loss(params: Any, stats: Any, images: Array, labels: Array) -> tuple[Array, Any]:
        said, new = network.apply(
            {'params': params, 'batch_stats': stats}, images, training=True, mutable='batch_stats'
        )
        losses = optax.softmax_cross_entropy_with_integer_labels(said.logits, labels)
        return losses.mean(), new['batch_stats']

    def update(state: tuple, images: Array, labels: Array, step: Array) -> tuple[tuple, Array]:
        params, stats, momentum = state
        images = augment(images, jax.random.fold_in(jax.random.key(seed), step))
        (value, stats), gradient = jax.value_and_grad(loss, has_aux=True)(
            params, stats, images, labels
        )
        change, momentum = optimizer.update(gradient, momentum, params)
        return (optax.apply_updates(params, change), stats, momentum), value

    return jax.jit(
        update,
        donate_argnums=0,
        out_shardings=meshes.replicated(mesh),
        compiler_options=tuning.compiler_options(),
    )

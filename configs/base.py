"""Every field that an adversarial system's config may set, its meaning and its default.

A system's own file starts from `adversarial`, says what its paper says, and nothing else. Zero (or
an empty string) switches a part off, so that parts combine from the command line:
`--config.penalties.r1=1.0 --config.networks.discriminator.weights=spectral_norm`.
"""

import difflib

from ml_collections import ConfigDict

# What `:DATA` means. `digits` needs no download; the other names but `folder` are TFDS's.
DATA = {
    'digits': dict(name='digits', size=(8, 8), channels=1, classes=10),
    'mnist': dict(name='mnist', size=(28, 28), channels=1, classes=10),
    'fashion_mnist': dict(name='fashion_mnist', size=(28, 28), channels=1, classes=10),
    'cifar10': dict(name='cifar10', size=(32, 32), channels=3, classes=10),
    'celeb_a': dict(name='celeb_a', size=(64, 64), channels=3),
    'celeb_a_128': dict(name='celeb_a', size=(128, 128), channels=3),
    'imagenet128': dict(name='imagenet2012', size=(128, 128), channels=3, classes=1000),
    'imagenet256': dict(name='imagenet2012', size=(256, 256), channels=3, classes=1000),
    'folder': dict(name='folder', size=(64, 64), channels=3),
    'folder_256': dict(name='folder', size=(256, 256), channels=3),
    'folder_1024': dict(name='folder', size=(1024, 1024), channels=3),
    'folders': dict(name='folder', size=(64, 64), channels=3),  # two, of which data are pairs
    'horse2zebra': dict(name='cycle_gan/horse2zebra', size=(256, 256), channels=3),
    'imagenet32': dict(name='imagenet_resized/32x32', size=(32, 32), channels=3, classes=1000),
    'imagenet64': dict(name='imagenet_resized/64x64', size=(64, 64), channels=3, classes=1000),
    'stacked_mnist': dict(name='stacked_mnist', size=(32, 32), channels=3),  # made of `mnist`
}


# What a data set changes besides itself. Scores are by Inception, which has seen photographs; where
# images are none, or are smaller, a classifier of the data set itself is trained once.
CUSTOMS = {
    'digits': dict(
        eval=dict(extractor='classifier', num=2000),
        log=dict(samples_every=100),  # a run is short
    ),
    'mnist': dict(eval=dict(extractor='classifier')),
    'fashion_mnist': dict(eval=dict(extractor='classifier')),
}


def initializer(
    name: str,  # 'normal', 'orthogonal', 'glorot_uniform', 'he_normal', 'variance_scaling', ...
    stddev: float = 0.02,  # normal, truncated_normal
    scale: float = 1.0,  # orthogonal, variance_scaling
    mode: str = 'fan_avg',  # variance_scaling
    distribution: str = 'uniform',  # variance_scaling
) -> dict:
    """Returns the fields of an initialiser of `jax.nn.initializers`, which reads those it takes."""
    return locals()


# Glorot's, and with a gain of sqrt(2) for the convolutions within a residual block.
GLOROT_INIT = initializer('variance_scaling')
RESIDUAL_INIT = initializer('variance_scaling', scale=2.0)
ORTHOGONAL_INIT = initializer('orthogonal')
NORMAL_INIT = initializer('normal', stddev=0.02)  # DCGAN's


def run_fields(game: str) -> ConfigDict:
    """Returns the fields that every run has, whatever is played, with their defaults.

    Args:
      game: a file of gan_jax/games.
    """
    config = ConfigDict()
    config.game = game
    config.seed = 0
    config.steps = 10_000  # training steps, each one update of the first player
    config.start = 0  # the step at which a stage begins
    config.stages = dict()  # fields that change as training goes on; see gan_jax/stages.py
    config.batch_size = 64  # real images of an update, over all devices
    config.accumulate = 1  # microbatches that a batch is split into, one after the other
    config.dtype = 'float32'  # inside networks; or 'bfloat16': parameters and losses stay float32
    # Taken by the device in one call, as far as intervals allow; 0 means 1 on CPUs, else 10.
    config.steps_per_call = 0
    config.ema_decay = 0.0  # of the moving average of what draws, which is then what is sampled
    config.ema_start = 0  # steps before which the average is no average yet
    # What an average has half forgotten is no older than this share of the run so far; 0: no limit.
    config.ema_rampup = 0.0
    # Over so many steps, by half a cosine, these fall to a share of what they were, and then stay;
    # the moving average's half-life and the probability of 'scheduled_ada' rise from 0.
    config.burn_in = dict(
        steps=0,
        learning_rate=1.0,  # of all players
        b2=1.0,  # 1 - b2 of adam
    )

    config.data = dict(
        name='digits',  # 'digits', 'folder' or the name of a TFDS image set
        data_dir='',  # where TFDS has its prepared sets (its own default if empty); the folder
        split='train',
        size=(8, 8),  # height and width in training
        channels=1,  # 1 grey, 3 RGB, 4 RGBA
        classes=0,  # that images are labelled with; 0: none that a network is to know of
        crop_from=(0, 0),  # height and width before a random crop to `size`
        flip=False,  # mirror half of the images
        alpha='white',  # what lies beneath transparent pixels: 'white' or 'black'; or 'drop'
        resident_mb=2048,  # a decoded set up to this size stays on the device
        workers=0,  # processes that decode a set that does not
        held_out='',  # the split of which samples are translations, where there are two sets
        only='',  # a class: its images alone
        side='',  # 'left' or 'right' half of every image, of files that hold a pair
        change='none',  # 'outline', 'slanted_inverse': of every image
        other=dict(  # a second set; what is empty here is as in the first
            relation='none',  # 'paired': equal numbers belong together; 'unpaired'
            name='',
            data_dir='',
            split='',
            held_out='',
            only='',
            side='',
            change='',
        ),
    )
    config.log = dict(every=100, samples_every=1000, grid=(8, 8))  # rows and columns of the grid
    config.checkpoint = dict(
        every=1000,
        keep=3,  # the latest so many
        # A key of metrics.jsonl, such as eval/fid2k: the checkpoint where it was lowest is kept
        # too, or, of -eval/precision2k, where it was highest.
        best='',
    )
    config.eval = dict(
        every=0,  # training steps between evaluations; 0: none in training
        # Those of gan_jax/evaluation/run_scores.py; 'fid50k' insists on 50,000 images.
        scores='fid,kid,inception_score,precision_recall,density_coverage',
        num=10_000,  # generated images
        split='train',  # of the real ones, of which all are taken
        extractor='inception',  # or 'classifier', or 'MODULE:FUNCTION', which returns an Extractor
        weights='',  # Inception's file; fetched once if empty
        seed=0,
        standing=0,  # batches of samples whose statistics replace running ones, in samples too
        # Latents beyond plus or minus this are not drawn; where they are made styles of, those are
        # psi times as far from their average. 0: neither.
        truncation=0.0,
    )
    return config


def adversarial(optimizer: dict) -> ConfigDict:
    """Returns every field of a generator against a discriminator with its default.

    Args:
      optimizer: what is not the default of either player's optimiser.
    """
    config = run_fields('adversarial')
    config.critic_updates = 1  # of the discriminator per training step (n_critic)
    config.generator_batch = 1  # images of the generator's loss, as a multiple of the real ones
    config.generation = 'from_prior'  # 'from_codes', 'style_based': how images come of latents
    config.prior = dict(name='gaussian', size=128)  # or 'uniform'
    config.codes = dict(categories=10, continuous=2)  # of generation 'from_codes'
    config.styles = dict(mixing=0.0)  # of generation 'style_based': how often two z make an image
    # How networks that know of no classes are told them.
    config.condition = dict(
        generator='none',  # 'concatenate', 'normalization'; 'self_modulation' tells it z again
        discriminator='none',  # 'concatenate', 'projection'
    )
    config.networks = dict(generator=dict(), discriminator=dict())  # the system's own
    config.loss = dict(
        name='non_saturating',
        label_smoothing=0.0,  # the target of real images is 1 less this
    )
    config.penalties = dict(  # weights
        gradient_penalty=0.0,
        one_sided_gradient_penalty=0.0,
        dragan=0.0,
        r1=0.0,
        r2=0.0,
        consistency=0.0,  # of the logits of a real image and of itself, moved
        balanced_consistency=0.0,  # of generated images too
    )
    config.burn_in.penalties = 1.0  # all their weights
    config.terms = dict(  # weights, of terms of either player's loss or of both
        auxiliary_classifier=0.0,
        drift=0.0,
        mutual_information=0.0,
        path_length=0.0,
        lecam=0.0,  # logits stay near where those of the other kind have been
        feature_matching=0.0,
        latent_consistency=0.0,  # zCR, of the discriminator
        latent_diversity=0.0,  # zCR, of the generator
    )
    # Training steps between the turns of what is added to a loss; above 1 it is that many times as
    # large and has a turn of its own, for which the optimiser's settings are: see configs/shared.
    config.intervals = dict(penalties=1, path_length=1)
    config.gradient_target = 1.0  # what gradient_penalty wants |grad D| to be
    config.latent_noise = 0.03  # zCR's, a standard deviation; the paper's was not to be had
    # Of the generator's images, those that look most real: max(decay^(step // every), least).
    config.top_k = dict(least=0.0, decay=0.99, every=1000)  # least=0: always all of them
    config.augmentation = augmentation_fields()
    config.optimizers = {
        player: optimizer_fields(**optimizer) for player in ('generator', 'discriminator')
    }
    return config


def augmentation_fields() -> dict:
    """Returns what may be done to all images that the discriminator sees, by its name."""
    geometry = ('flip', 'quarter_turn', 'integer_translation', 'scale', 'rotation')
    geometry += ('anisotropic_scale', 'fractional_translation')
    colours = ('brightness', 'contrast', 'luma_flip', 'hue', 'saturation')
    return dict(
        name='none',  # 'diffaugment', 'ada', 'scheduled_ada', 'instance_noise'
        diffaugment=dict(policy=('color', 'translation', 'cutout')),
        ada=dict(
            target=0.6,  # of E[sign(D(x))]
            probability=0.0,  # the first; the last of 'scheduled_ada', where it rises over burn_in
            interval=4,  # steps between its changes
            images_to_one=500_000,  # after which it could have come from 0 to 1
            # Of the probability, for each transformation; those of the paper's 'bgc'.
            multipliers=dict.fromkeys(geometry + colours, 1.0)
            | dict.fromkeys(('bands', 'noise', 'cutout'), 0.0),
        ),
        instance_noise=dict(
            deviation=0.1,  # at first; of colours from -1 to 1
            steps=10_000,  # until it is 0
        ),
    )


def optimizer_fields(
    name: str = 'adam',  # 'sgd', 'momentum', 'rmsprop', 'adam', 'adamw'
    learning_rate: float = 2e-4,
    # 'linear', 'constant_then_linear' (by halves), 'cosine', 'exponential': over a stage's steps
    schedule: str = 'constant',
    final_share: float = 0.0,  # of the learning rate, at the end of the schedule
    warmup_steps: int = 0,
    b1: float = 0.5,  # adam, adamw
    b2: float = 0.999,
    eps: float = 1e-8,  # adam, adamw, rmsprop
    momentum: float = 0.9,  # momentum
    decay: float = 0.99,  # rmsprop
    weight_decay: float = 0.0,  # adamw
    clip_norm: float = 0.0,  # of the gradient, the norm loss's too, over all of a player's weights
    # 'fletcher_reeves', 'polak_ribiere', 'hestenes_stiefel', 'dai_yuan': directions of nonlinear
    # conjugate gradients, of which `name` makes steps
    conjugate: str = 'none',
    clip_weights: float = 0.0,  # every weight stays within plus or minus this
    l1: float = 0.0,  # norm loss: l1 sum|w| + l2 sum w^2
    l2: float = 0.0,
    orthogonal: float = 0.0,  # beta ||W^T W * (1 - I)||^2 of every kernel
) -> dict:
    """Returns the fields of one player's optimiser."""
    return locals()


def half_life(images: int, batch_size: int) -> float:
    """Returns the decay by which a moving average forgets half of itself in so many images."""
    return 0.5 ** (batch_size / images)


def finish(config: ConfigDict, presets: dict[str, dict], data: str) -> ConfigDict:
    """Lays a data set and the system's preset for it over a config; locks it against misspelt keys.

    Args:
      presets: by the names of `DATA` that the system knows, the fields that each changes.
      data: the `:DATA` of the command line.

    Raises:
      ValueError: the system has no preset for this data set, with the nearest that it has.
    """
    if data not in presets:
        close = difflib.get_close_matches(data, presets, n=1)
        hint = f'did you mean {close[0]!r}? ' if close else ''
        raise ValueError(f'no preset for data set {data!r}; {hint}known: {", ".join(presets)}')
    _overlay(config, dict(data=DATA[data], **CUSTOMS.get(data, {})))
    _overlay(config, presets[data])
    return config.lock()


def _overlay(config: ConfigDict, fields: dict) -> None:
    for name, value in fields.items():
        if isinstance(value, dict):
            _overlay(config[name], value)
        else:
            config[name] = value

"""Every file in configs/ is found by globbing and must pass every test here."""

import importlib
import re
import shutil
from functools import cache, cached_property
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny import cut, load

from gan_jax import mesh as meshes, train as training
from gan_jax.build import (
    build_optimizers,
    make_initial_state,
    make_step,
    microbatch_size,
    state_like,
)
from gan_jax.data import open_inputs, open_source
from gan_jax.games import build_game
from gan_jax.games.adversarial import from_config, judging
from gan_jax.step import make_sampler
from gan_jax.usage import UsageError

CONFIGS = Path(__file__).parent.parent / 'configs'
SYSTEMS = sorted(path.stem for path in CONFIGS.glob('*.py') if path.stem != 'base')

STEPS = {}


def make_step_once(config, game, read_batch, mesh):
    """Returns a config's step, which its first caller compiles for all others."""
    key = config.to_json(), mesh.size
    return STEPS.setdefault(key, make_step(config, game, read_batch, mesh))


class Run:
    """A config on a mesh of the first `devices` devices, with one step that all its tests take."""

    def __init__(self, config, devices: int = 1):
        self.config = config
        self.game = build_game(self.config)
        self.mesh = meshes.make_mesh(jax.devices()[:devices])
        self.make_state = make_initial_state(self.config, self.game, self.mesh)
        self.source = open_source(
            self.config.data,
            microbatch_size(self.config),
            self.game.microbatches,
            self.config.seed,
            self.mesh,
        )
        self.step = make_step_once(self.config, self.game, self.source.batch, self.mesh)
        self.due = self.game.due(0)  # every phase

    def take(self, state, steps):
        """Returns (state, metrics) after some steps, leaving `state` as it was."""
        state = jax.tree.map(jnp.copy, state)
        for _ in range(steps):
            index = int(state.step)
            state, metrics = self.step(
                state, self.source.feed(range(index, index + 1)), due=self.due
            )
        return state, metrics

    def trace(self, due=None):
        """Returns the step as JAX has traced it, on shapes alone."""
        like = state_like(self.make_state, self.mesh)
        return self.step.trace(like, self.source.feed(range(1)), due=due or self.due)

    @cached_property
    def lowered(self):
        """The step as JAX hands it to XLA."""
        return self.trace().lower()


@cache
def run_of(system: str, devices: int = 1) -> Run:
    return Run(cut(load(system)), devices)


@cache
def two_steps(system: str, devices: int = 1):
    run = run_of(system, devices)
    return run.take(run.make_state(), 2)


@pytest.fixture(scope='module', params=SYSTEMS)
def system(request):
    """The tests of one system come one after the other, and what they have compiled goes."""
    yield request.param
    run_of.cache_clear()
    two_steps.cache_clear()
    STEPS.clear()
    jax.clear_caches()


def same(tree, other) -> bool:
    """Whether two trees hold the same bits."""
    return all(
        np.array_equal(np.asarray(a), np.asarray(b))
        for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True)
    )


def test_two_steps_are_finite_and_move_every_network(system):
    run = run_of(system)
    start, (state, metrics) = run.make_state(), two_steps(system)
    assert int(state.step) == 2
    assert all(np.isfinite(value) for value in jax.device_get(metrics).values())
    assert all(metrics[f'{phase.name}/gradient_norm'] > 0 for phase in run.game.phases)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(state))
    for name in run.game.networks:
        assert not same(start.params[name], state.params[name])
        if jax.tree.leaves(state.stats[name]):
            assert not same(start.stats[name], state.stats[name])


def test_a_phase_writes_what_is_its_players_alone(system):
    """Of the program: whatever else a step returns is the very argument that it was given."""
    run = run_of(system)
    for index, phase in enumerate(run.game.phases):
        traced = run.trace(due=tuple(i == index for i in range(len(run.game.phases))))
        given = set(map(id, traced.jaxpr.jaxpr.invars))
        written = [id(variable) not in given for variable in traced.jaxpr.jaxpr.outvars]
        state, _ = jax.tree.unflatten(jax.tree.structure(traced.out_info), written)
        for player, names in run.game.players.items():
            writes = player == phase.player
            assert all(leaf == writes for leaf in jax.tree.leaves(state.opt[player]))
            for name in names:
                assert all(leaf == writes for leaf in jax.tree.leaves(state.params[name]))
                assert writes or not any(jax.tree.leaves(state.stats[name]))


def test_a_run_that_is_taken_up_again_ends_in_the_same_bits(system, tmp_path, monkeypatch, capsys):
    """Through the loop, on all devices: what a checkpoint holds is all that a run goes by."""
    config = cut(load(system))
    monkeypatch.setattr(training, 'make_step', make_step_once)
    whole = training.train(config, str(tmp_path))
    assert int(whole.step) == config.steps == 3
    for step in (2, 3):
        shutil.rmtree(tmp_path / 'checkpoints' / str(step))
    capsys.readouterr()
    assert same(training.train(config, str(tmp_path)), whole)
    assert 'going on from step 1 of 3' in ''.join(capsys.readouterr())


def test_bfloat16_takes_nearly_the_steps_of_float32(system):
    """Inside networks alone: parameters, statistics, losses and penalties stay float32."""
    config = cut(load(system))
    config.dtype = 'bfloat16'
    run = Run(config)
    state, said = run.take(run.make_state(), 2)
    exact, exactly_said = two_steps(system)
    dtypes = [[leaf.dtype for leaf in jax.tree.leaves(tree)] for tree in (state, exact)]
    assert dtypes[0] == dtypes[1]
    for name in said:
        if name.endswith(('loss', 'mean', 'penalty')):
            np.testing.assert_allclose(said[name], exactly_said[name], rtol=0.05, atol=0.05)
    assert 'bf16' in run.lowered.as_text()
    assert not same(state.params, exact.params)


def test_two_devices_take_the_steps_of_one(system):
    """The step is a function of the global batch: statistics, pairs and noise are global too."""
    if jax.device_count() < 2:
        pytest.skip('needs two devices')
    runs = run_of(system, 1), run_of(system, 2)
    # Of the first step: Adam makes whole steps of what rounding leaves of a gradient of nothing.
    said, also_said = (run.take(run.make_state(), 1)[1] for run in runs)
    for name in said:
        np.testing.assert_allclose(said[name], also_said[name], rtol=1e-3, atol=1e-4, err_msg=name)
    (one, _), (two, _) = two_steps(system, 1), two_steps(system, 2)
    assert_near(one, two, runs[0].make_state())


def test_a_batch_judged_together_is_split_over_the_devices_too(monkeypatch):
    """As it is on GPUs and TPUs."""
    if jax.device_count() < 2:
        pytest.skip('needs two devices')
    exact, _ = two_steps('sngan')
    monkeypatch.setattr(from_config, '_choose_judge', lambda mixes_examples: judging.together)
    STEPS.clear()  # of the other judge
    run = Run(cut(load('sngan')), 2)
    STEPS.clear()
    state, _ = run.take(run.make_state(), 2)
    assert_near(state, exact, run.make_state())
    assert not moved_images(run.lowered.compile().as_text())


def assert_near(state, other, start):
    """Whether two states are apart by little of the way that they have come from their start.

    Not leaf by leaf: where a gradient is nothing but rounding, Adam makes whole steps of it. Closer
    are its moments, the gradients themselves.
    """
    for part, share in dict(params=0.1, stats=0.01, opt=0.01, ema=0.1).items():
        trees = jax.device_get([getattr(end, part) for end in (state, other, start)])
        one, two, zero = (optax.tree.cast(tree, jnp.float32) for tree in trees)
        apart, way = (optax.tree.norm(optax.tree.sub(one, tree)) for tree in (two, zero))
        assert apart <= share * way, part


def test_updates_microbatches_and_larger_batches_combine(tiny):
    """Five critic updates of two microbatches each, and twice the images in the generator's."""
    tiny.update(critic_updates=5, accumulate=2, generator_batch=2)
    runs = [Run(tiny, devices) for devices in range(1, min(jax.device_count(), 2) + 1)]
    assert runs[0].source.feed(range(1)).steps.shape == (1, 10, 8)
    ends = [run.take(run.make_state(), 2) for run in runs]
    for state, metrics in ends:
        for player, updates in dict(generator=2, discriminator=10).items():
            counts = optax.tree.get_all_with_path(state.opt[player], 'count')
            assert {int(count) for _, count in counts} == {updates}
        assert all(np.isfinite(value) for value in jax.device_get(metrics).values())
        assert_near(state, ends[0][0], runs[0].make_state())


def test_the_work_is_split_over_the_devices(system):
    """Two devices do about half the arithmetic each, and exchange sums alone, never images.

    But for those that a game keeps from step to step, which are whole on every device; and what
    the optimisers do with weights is done by each.
    """
    if jax.device_count() < 2:
        pytest.skip('needs two devices')

    one, two = (run_of(system, devices).lowered.compile() for devices in (1, 2))
    both = optimizers_flops(run_of(system))
    assert two.cost_analysis()['flops'] - both < 0.65 * (one.cost_analysis()['flops'] - both)
    kept = [leaf for leaf in jax.tree.leaves(run_of(system).game.extra) if jnp.ndim(leaf) == 4]
    assert len(moved_images(two.as_text())) <= len(kept)
    assert 'all-reduce' in two.as_text()


def optimizers_flops(run: Run) -> float:
    """Returns what a step's updates of the optimisers cost, given the gradients."""
    state = state_like(run.make_state, run.mesh)
    optimizers = build_optimizers(run.config, run.game)
    flops = 0.0
    for phase in run.game.phases:
        weights = {name: state.params[name] for name in run.game.players[phase.player]}
        update = jax.jit(optimizers[phase.player].update)
        cost = update.lower(weights, state.opt[phase.player], weights).cost_analysis()
        flops += cost['flops']  # of a loop XLA counts one turn
    return flops


def moved_images(program: str) -> list[str]:
    """Returns the lines by which devices exchange anything but sums."""
    moves = ('all-gather(', 'all-to-all(', 'collective-permute(')
    return [line for line in program.splitlines() if any(move in line for move in moves)]


def test_convolutions_are_in_the_order_that_is_fast_in_a_loop(system):
    """XLA:CPU brings others into it, but not in a loop: they were 30 to 100 times slower there."""
    if jax.default_backend() != 'cpu':
        pytest.skip('on a CPU alone')
    orders = re.findall(
        r'dim_numbers = (\[.*?\]x\[.*?\]->\[.*?\]),', run_of(system).lowered.as_text()
    )
    assert set(orders) <= {'[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]'}


def test_samples_are_images_of_the_configured_shape(system):
    run = run_of(system)
    state, _ = two_steps(system)
    sample, inputs = jax.jit(make_sampler(run.game)), open_inputs(run.config.data, 10)

    def draw(key):
        return sample(state, inputs(key), key)['image']

    drawn = draw(jax.random.key(0))
    assert drawn.shape == (10, *run.config.data.size, run.config.data.channels)
    assert float(jnp.max(jnp.abs(drawn))) <= 1
    assert float(jnp.std(drawn)) > 0
    assert np.array_equal(drawn, draw(jax.random.key(0)))
    assert not np.array_equal(drawn, draw(jax.random.key(1)))


def test_every_preset_describes_a_game(system):
    """Each `:DATA` of a system builds, and a misspelt one is refused with the nearest name."""
    module = importlib.import_module(f'configs.{system}')
    with pytest.raises(ValueError, match='digits'):
        module.get_config('digit')
    names = str(pytest.raises(ValueError, module.get_config, 'digit').value).split('known: ')[1]
    for data in names.split(', '):
        config = module.get_config(data)
        assert config.is_locked and config.steps > 0
        jax.eval_shape(make_initial_state(config, build_game(config), meshes.make_mesh()))


@pytest.mark.parametrize(
    'changed, path, value, message',
    (
        ('dcgan', 'networks.discriminator.normalization', 'bach', "did you mean 'batch'"),
        ('dcgan', 'networks.discriminator.weights', 'spectral', "did you mean 'spectral_norm'"),
        ('dcgan', 'penalties.r1', 1.0, 'judges every image on its own'),
        ('sngan:cifar10', 'loss.name', 'relativistic', 'in pairs'),
        ('wgan_gp', 'data.size', (9, 9), 'not multiples of 4'),
        ('dcgan', 'condition.discriminator', 'projection', 'needs a generator that is told of'),
        ('dcgan:celeb_a', 'terms.auxiliary_classifier', 1.0, 'classifier needs labelled data'),
        ('dcgan', 'terms.auxiliary_classifier', 1.0, 'them too: config.condition.generator='),
        ('infogan', 'terms.auxiliary_classifier', 1.0, "too: config.generation='from_prior'"),
        ('stylegan2', 'terms.auxiliary_classifier', 1.0, "='stylegan2.ConditionalMapping'"),
        ('dcgan', 'terms.mutual_information', 1.0, 'needs codes: config.generation'),
        ('stylegan', 'networks.synthesis.channel_base', 4, 'channel_base=4 leaves images of 8 pix'),
        ('cyclegan', 'data.other.relation', 'none', "must be 'unpaired' or 'paired'"),
        ('pix2pix', 'data.other.relation', 'none', "='none' must be 'paired'"),
        ('pix2pix', 'data.other.relation', 'unpaired', "='unpaired' must be 'paired'"),
        ('dcgan', 'generation', 'style_based', 'needs config.networks.mapping'),
        ('stylegan2', 'condition.generator', 'concatenate', "is for config.generation='from_pri"),
        ('dcgan', 'game', 'progressive', "needs a field 'growth' beside accumulate, "),
        (
            'dcgan',
            'game',
            'vae',
            "'vae' needs a field 'encoder' beside discriminator, generator",
        ),
        ('cgan', 'data.classes', 0, 'told of classes need labelled data'),
        ('dcgan', 'networks.discriminator.normalization', 'bach', "did you mean 'batch'"),
        ('dcgan', 'networks.discriminator.weights', 'spectral', "did you mean 'spectral_norm'"),
        ('dcgan', 'penalties.r1', 1.0, "discriminator.normalization may be any but 'batch'"),
        ('infogan', 'penalties.r1', 1.0, 'infogan.Discriminator normalises over the batch'),
        ('gan', 'condition.generator', 'normalization', "needs a network with a field 'norm"),
        ('biggan', 'condition.generator', 'concatenate', 'Generator is told of classes without'),
        ('biggan', 'data.size', (18, 16), 'no attention at 8 pixels: blocks leave heights of 9, 4'),
        ('biggan', 'prior.size', 61, 'cannot be cut into 3 chunks'),
        ('biggan_deep', 'networks.generator.attention', (5,), 'blocks leave heights of 8, 16'),
        ('sagan', 'data.classes', 0, 'need labelled data'),
        ('r3gan:cifar10', 'data.size', (28, 28), '7x7 pixels cannot be halved'),
        ('cyclegan', 'data.size', (8, 8), '8x8 pixels leave no patch .* needs 12x12'),
        (
            'pix2pix',
            'networks.discriminator.widths',
            (8, 8, 8, 8, 8),
            '32x32 pixels leave no patch for a discriminator of 5 widths, which needs 48x48',
        ),
        (
            'wgan_gp',
            'networks.discriminator.downsamples',
            (True, True, True, True),
            r'1x1 pixels cannot be halved \(gan_jax/models/conv/__init__.py, line',
        ),
        (
            'r3gan',
            'networks.discriminator.groups',
            (3, 4),
            r'64 channels cannot be split into 3 groups; into 2 they can \(gan_jax/models/conv/',
        ),
    ),
)
def test_parts_that_cannot_go_together_are_refused(changed, path, value, message):
    config = load(changed)
    config.update_from_flattened_dict({path: value})
    mesh = meshes.make_mesh()
    with pytest.raises(UsageError, match=message):
        state_like(make_initial_state(config, build_game(config), mesh), mesh)

"""What the benchmarks compare is alike."""

import base64
import io
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from PIL import Image
from tiny import load

from benchmarks import (
    arithmetic,
    categories,
    contest,
    data_rate,
    ours,
    published,
    report_picture,
    sharpness,
    step_time,
    table,
)
from benchmarks.versus_torch import CASES
from gan_jax import losses, mesh as meshes, penalties
from gan_jax.build import make_initial_state, state_like
from gan_jax.command_line import load_config
from gan_jax.games import build_game


@pytest.mark.parametrize('argument', CASES.values())
def test_pytorchs_networks_are_as_large_as_ours(argument):
    pytest.importorskip('torch', reason='the comparison with PyTorch needs PyTorch')
    from benchmarks.torch_systems import System

    config = load_config(argument)
    mesh = meshes.make_mesh(jax.devices()[:1])
    ours = state_like(make_initial_state(config, build_game(config), mesh), mesh).params
    theirs = System(config).networks
    for name, network in theirs.items():
        expected = sum(leaf.size for leaf in jax.tree.leaves(ours[name]))
        assert sum(p.numel() for p in network.parameters()) == expected, name


@pytest.mark.parametrize('argument', list(CASES.values())[:2])
def test_pytorchs_step_moves_both_players(argument):
    torch = pytest.importorskip('torch', reason='the comparison with PyTorch needs PyTorch')
    from benchmarks.torch_systems import System

    system = System(load_config(argument))
    before = {name: [p.clone() for p in n.parameters()] for name, n in system.networks.items()}
    system.step()
    for name, network in system.networks.items():
        moved = [not torch.equal(p, q) for p, q in zip(network.parameters(), before[name])]
        assert sum(moved) > 0.9 * len(moved), name
        assert all(torch.isfinite(p).all() for p in network.parameters())


@pytest.mark.parametrize('name', ('non_saturating', 'wasserstein', 'hinge'))
def test_pytorchs_losses_are_ours(name):
    torch = pytest.importorskip('torch', reason='the comparison with PyTorch needs PyTorch')
    from benchmarks.torch_systems import LOSSES

    real, fake = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    ours = losses.LOSSES[name]()
    for mine, theirs in zip((ours.discriminator, ours.generator), LOSSES[name]):
        expected = theirs(torch.from_numpy(real), torch.from_numpy(fake))
        np.testing.assert_allclose(mine(real, fake), float(expected), rtol=1e-5)


def test_pytorchs_penalty_is_ours():
    """Of a linear critic, and of a quadratic one where both images are the same."""
    torch = pytest.importorskip('torch', reason='the comparison with PyTorch needs PyTorch')
    from benchmarks.torch_systems import gradient_penalty

    images = np.random.default_rng(0).normal(size=(8, 1, 4, 4)).astype(np.float32)
    for critic in (lambda x: 3 * x.sum((1, 2, 3)), lambda x: (x * x).sum((1, 2, 3))):
        theirs = gradient_penalty(critic, torch.from_numpy(images), torch.from_numpy(images))
        expected = penalties.gradient_penalty(critic, images, images, jax.random.key(0))
        np.testing.assert_allclose(theirs.detach(), expected, rtol=1e-5)


def test_a_contest_is_of_our_steps_and_leaves_out_who_fails():
    """Two processes, one of which asks for more than there is."""
    good, bad = (partial(ours.make, 'configs/gan.py', **f) for f in (dict(batch_size=4), dict(a=1)))
    said = contest.hold({'good': good, 'bad': bad}, rounds=2, seconds=0.01)
    assert list(said) == ['good']
    assert said['good']['step_ms']['median'] > 0 and said['good']['peak_memory_mb'] > 1


def test_what_a_step_is_made_of_is_measured(monkeypatch):
    monkeypatch.setattr(step_time, 'SECONDS', 0.01)
    monkeypatch.setattr(step_time, 'EXAMPLES', 200)
    monkeypatch.setattr(step_time, 'PRODUCTS', {jax.default_backend(): (64, 2)})
    said = step_time.time_config('configs/gan.py', 'float32')
    # Forwards; backwards by the weights as much, by the inputs what is not the first layer's.
    generator, discriminator = (100 * 256, 256 * 256, 256 * 64), (64 * 320, 64 * 320, 64)
    g, d = sum(generator), sum(discriminator)
    of_generator = (2 * g + sum(generator[1:])) + 2 * d
    of_discriminator = g + 2 * (2 * d + sum(discriminator[1:]))
    assert said['gflops'] == round(200 * (of_generator + of_discriminator) / 1e9, 3)
    assert all(np.all(np.asarray(list(jax.tree.leaves(value))) >= 0) for value in said.values())


def test_a_set_in_a_folder_has_a_rate(tmp_path, monkeypatch):
    monkeypatch.setattr(data_rate, 'FILES', 64)
    monkeypatch.setattr(data_rate, 'BATCHES', 1)
    data_rate.make_folder(tmp_path, 16)
    assert data_rate.time_source(tmp_path, 16, 0) > 0


def test_arithmetic_is_that_of_products_and_convolutions():
    """In loops as often as they turn, and in derivatives: two products more for one."""
    x, square, kernel = jnp.ones((4, 5)), jnp.ones((5, 5)), jnp.ones((3, 3, 3, 16))
    product = 2 * 4 * 5 * 5

    def count(function, *arguments):
        return arithmetic.count(jax.make_jaxpr(function)(*arguments))

    assert count(lambda x: jnp.tanh(x @ square), x) == product
    loop = jax.jit(lambda x: lax.fori_loop(0, 7, lambda i, x: x @ square, x))
    assert count(loop, x) == 7 * product
    gradient = jax.grad(lambda x, square: jnp.sum(jnp.square(x @ square)), argnums=(0, 1))
    assert count(gradient, x, square) == 3 * product

    def convolve(images):
        order = ('NHWC', 'HWIO', 'NHWC')
        return lax.conv_general_dilated(images, kernel, (2, 2), 'SAME', dimension_numbers=order)

    taps = 2 * 2 * 4 * 4 * 9 * 3 * 16
    images = jnp.ones((2, 8, 8, 3))
    assert count(convolve, images) == taps
    # Dilated with zeros; and of a value that nobody reads, nothing.
    assert count(lambda x: jax.vjp(convolve, x)[1](jnp.ones((2, 4, 4, 16))), images) == taps
    assert count(lambda x: (convolve(x), 2 * x)[1], images) == 0


def test_the_readme_and_the_configs_say_what_was_measured():
    said = 'python -m benchmarks.table writes it anew'
    text = table.README.read_text()
    assert table.rewrite(text) == text, said
    for word in ('begins', 'ends'):
        for block in ('demo', 'systems', 'versus_torch'):
            assert text.count(f'<!-- {block} {word} -->') == 1
    for config in step_time.EMBEDDED:
        text = (table.ROOT / config).read_text()
        assert table.rewrite_config(Path(config).stem, text) == text, said
        assert text.count('Measured: digits') == 1


@pytest.mark.parametrize('name', table.system_runs())
def test_a_run_in_the_table_is_as_long_and_as_large_as_its_config(name):
    run, config = table.system_runs()[name], load(name)
    assert (run['steps'], run['size']) == (config.steps, list(config.data.size))


@pytest.mark.parametrize('name', table.timed())
def test_an_estimate_in_the_table_is_of_its_config(name):
    setting, config = table.timed()[name], load(name)
    assert (setting['steps'], setting['size']) == (config.steps, list(config.data.size))
    assert name not in table.system_runs()


def test_what_was_not_run_is_in_the_table_with_how_long_it_would_take(tmp_path, monkeypatch):
    timed = dict(steps=100, size=[32, 32])
    days = {'gan:set': 7.4, 'vae:set': 0.9, 'wgan:set': None}
    settings = {name: dict(days=number, **timed) for name, number in days.items()}
    monkeypatch.setattr(table, 'PUBLISHED', tmp_path / 'published.json')
    table.PUBLISHED.write_text(json.dumps({'settings': settings}))
    rows = [line.split('|') for line in table.systems().splitlines() if ':set' in line]
    long, short, large = ([cell.strip() for cell in row] for row in rows)
    assert long[1:5] == ['`gan:set`', '32x32', '100', 'about 7.4 days: not run']
    assert short[1:5] == ['`vae:set`', '32x32', '100', 'about 21.6 hours: not run']
    assert large[1:5] == ['`wgan:set`', '32x32', '100', 'too little memory: not run']
    for cells in (long, short, large):
        assert not any(cells[5:]) and len(cells) == 2 + len(table.COLUMNS)


def test_presets_that_grow_or_have_run_are_not_timed_by_a_few_steps(monkeypatch):
    monkeypatch.setattr(published, 'system_runs', lambda: {'vae:cifar10': {}})
    timed = {table.name_of(preset) for preset in published.settings()}
    assert {'sngan:cifar10', 'cyclegan:cifar10', 'sngan:mnist', 'vae:mnist'} < timed
    assert not {'vae:cifar10', 'progan:cifar10', 'progan:mnist', 'infogan:cifar10'} & timed


def test_a_setting_is_timed_by_its_own_command():
    assert 0 < published.seconds_per_step('configs/gan.py') < 10


def test_sharpness_is_of_edges_and_falls_with_a_blur():
    """A ramp has a gradient alone; a checkerboard's neighbours are all as far as can be."""
    ramp = np.broadcast_to(np.linspace(0, 1, 11)[:, None], (2, 8, 11, 1))
    np.testing.assert_allclose(sharpness.gradient(ramp), 0.1)
    np.testing.assert_allclose(sharpness.laplacian(ramp), 0, atol=1e-12)
    board = np.broadcast_to((np.indices((8, 8)).sum(0) % 2)[..., None], (2, 8, 8, 1))
    np.testing.assert_allclose(sharpness.gradient(board), np.sqrt(2))
    np.testing.assert_allclose(sharpness.laplacian(board), 1)
    noise = np.random.default_rng(0).uniform(size=(4, 9, 9, 1))
    blurred = (noise[:, 1:, 1:] + noise[:, :-1, 1:] + noise[:, 1:, :-1] + noise[:, :-1, :-1]) / 4
    for measured in sharpness.MEASURES.values():
        assert measured(blurred) < 0.7 * measured(noise)


def test_reconstructions_are_compared_with_what_they_are_of():
    """Half as bright, edges are half as steep; the error is of pixels in [0, 1]."""
    images = np.random.default_rng(0).integers(0, 128, (3, 6, 6, 1)).astype(np.uint8)
    said = sharpness.compare(images, 2 * images)
    error = np.mean((images / 255) ** 2)
    expected = {'gradient': 0.5, 'laplacian': 0.25, 'squared_error': error}
    assert said == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('data', ('digits', 'mnist'))
def test_two_autoencoders_differ_in_their_game_alone(data):
    configs = sharpness.settings(data, '', 5, seed=3)
    alone, joined = (build_game(config).networks for config in configs.values())
    assert {name: type(network) for name, network in alone.items()}.items() <= {
        name: type(network) for name, network in joined.items()
    }.items()
    mesh = meshes.make_mesh(jax.devices()[:1])
    shapes = [
        state_like(make_initial_state(config, build_game(config), mesh), mesh).params
        for config in configs.values()
    ]
    for name in ('encoder', 'decoder'):
        assert jax.tree.map(jnp.shape, shapes[0][name]) == jax.tree.map(jnp.shape, shapes[1][name])
    for field in ('steps', 'batch_size', 'data', 'prior', 'ema_decay', 'seed'):
        assert configs['vae'][field] == configs['vae_gan'][field]


def test_a_category_is_matched_with_the_class_that_it_finds_most():
    """Whatever their order; a category that finds two classes has to leave one to another."""
    labels = np.repeat(np.arange(4), 5)
    found = np.array([2, 0, 3, 1])[labels]
    assert np.array_equal(categories.match(found, labels, 4)[found], labels)
    found[labels == 1] = 2  # with class 0
    found[0] = 0
    assert categories.match(found, labels, 4)[2] == 1


def test_codes_are_varied_one_at_a_time():
    """Rows are categories by their classes; a number goes from -2 to 2, others stay."""

    class Run:
        config = SimpleNamespace(codes=SimpleNamespace(continuous=2))

        def latents(self, count, key):
            return {'z': np.full((count, 3), 7.0)}

        def draw(self, latents):
            assert np.all(latents['z'] == 7)
            shown = np.concatenate([latents['category'][:, None], latents['codes']], axis=1)
            return {'image': shown.reshape(-1, 3, 1, 1)}

    drawn = categories.vary(Run(), np.array([2, 0, 1]))[..., 0, 0]
    by_row = drawn.reshape(2, 3, categories.VALUES, 3)
    assert np.all(by_row[..., 0] == np.array([1, 2, 0])[:, None])
    expected = np.linspace(-2, 2, categories.VALUES)
    for number, of_number in enumerate(by_row):
        assert np.all(of_number[..., 1 + number] == expected)
        assert np.all(of_number[..., 2 - number] == 0)


def test_a_jump_of_a_growing_grid_is_told_from_change_within_a_stage():
    growth = pytest.importorskip('benchmarks.growth', reason='needs matplotlib')
    grids = {step: np.full((4, 4), value) for step, value in ((0, 0), (25, 1), (50, 9), (75, 7.0))}
    steps, changes, over = growth.changes_between(grids, starts=[30])
    assert list(steps) == [0, 25, 50, 75]
    assert list(changes) == [1, 8, 2]
    assert list(over) == [False, True, False]
    assert list(growth.changes_between(grids, starts=[50])[2]) == [False, False, True]


def test_truncations_scores_are_the_newest_steps_from_none_to_the_closest(tmp_path):
    truncation = pytest.importorskip('benchmarks.truncation', reason='needs matplotlib')
    (tmp_path / 'eval').mkdir()

    def evaluate(step, threshold, value):
        scores = {f'{name}2k': {'value': value} for name in ('fid', 'precision', 'recall')}
        said = {'protocol': {'truncation': threshold}, 'scores': scores}
        file = tmp_path / 'eval' / f'{step:08}-{threshold}-{value}.json'
        file.write_text(json.dumps(said))

    evaluate(100, None, 0.9)
    evaluate(200, 0.5, 0.2)
    evaluate(200, None, 0.1)
    evaluate(200, 1.0, 0.3)
    found = truncation.by_threshold(tmp_path)
    assert {name: scores['fid'] for name, scores in found.items()} == {
        'none': 0.1,
        '1.0': 0.3,
        '0.5': 0.2,
    }
    assert list(found) == ['none', '1.0', '0.5']


def test_pictures_are_taken_out_of_their_section_alone():
    def embedded(colour):
        file = io.BytesIO()
        Image.new('RGB', (4, 3), colour).save(file, 'png')
        return f'<img src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'

    page = (
        f'<section id="first-one">{embedded("red")}</section>'
        f'<section id="second">{embedded("blue")}{embedded("lime")}</section>'
    )
    whole = report_picture.beside(report_picture.pictures_of(page, 'second'))
    assert whole.size == (4 + report_picture.GAP + 4, 3)
    assert whole.getpixel((0, 0)) == (0, 0, 255) and whole.getpixel((23, 2)) == (0, 255, 0)
    with pytest.raises(SystemExit, match='the report has first-one, second'):
        report_picture.pictures_of(page, 'third')

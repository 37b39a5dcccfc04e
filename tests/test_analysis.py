"""What a report measures and draws, against closed forms."""

import json
from html.parser import HTMLParser

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.analysis import charts, heat, jacobian, page, record, resemblance, walks
from gan_jax.analysis.sections.attention import distinct
from gan_jax.interpolation import lead, linear, spherical
from gan_jax.usage import UsageError


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_latents_on_the_arc_keep_their_length():
    """Each row's own: an arc of whole latents, not one of each number."""
    start, end = ({'z': normal(3, 7, seed=seed)} for seed in (1, 2))
    for latents in (start, end):
        latents['z'] *= 5 / np.linalg.norm(latents['z'], axis=1, keepdims=True)
    lengths = {
        way: np.linalg.norm(lead(way, start, end, 9)['z'], axis=1) for way in (linear, spherical)
    }
    np.testing.assert_allclose(lengths[spherical], 5, rtol=1e-5)
    assert lengths[linear].min() < 4.5


def test_latents_between_move_and_labels_stay():
    start, end = (
        {'z': normal(3, 2, 4, seed=seed), 'label': np.array([1, 2, 3]) * seed} for seed in (1, 2)
    )
    path = lead(linear, start, end, 5)
    assert path['z'].shape == (15, 2, 4) and path['z'].dtype == np.float32
    np.testing.assert_allclose(path['z'][::5], start['z'], rtol=1e-6)
    np.testing.assert_allclose(path['z'][4::5], end['z'], rtol=1e-6)
    np.testing.assert_allclose(path['z'][2::5], (start['z'] + end['z']) / 2, rtol=1e-5)
    np.testing.assert_array_equal(path['label'], np.repeat([1, 2, 3], 5))


def test_latents_along_directions_are_the_latent_plus_amounts():
    latents = {'z': normal(1, 3), 'label': np.array([7])}
    directions = {'z': np.eye(3, dtype=np.float32)[:2]}
    moved = walks.along(latents, directions, np.array([-1.0, 0.0, 2.0]))
    expected = [latents['z'][0] + amount * d for d in directions['z'] for amount in (-1, 0, 2)]
    np.testing.assert_allclose(moved['z'], expected, rtol=1e-6)
    np.testing.assert_array_equal(moved['label'], [7] * 6)


@pytest.mark.parametrize('pixels', [6, 3])
def test_the_jacobian_of_a_linear_function_is_its_matrix(pixels):
    """Its singular values, and the directions: A v = s u; fewer pixels than latents too."""
    matrix = normal(pixels, 5)
    latents = {'z': normal(1, 5), 'label': np.array([3])}

    def draw(latents):
        images = latents['z'] @ matrix.T + latents['label'][:, None]
        return images.reshape(-1, 1, pixels, 1)

    found = jacobian.directions(lambda *pair: jacobian.columns(draw, *pair), latents)
    values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(found.values, values, rtol=1e-4)
    turned = found.latents['z'] @ matrix.T
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), values, rtol=1e-4)


def test_the_derivative_is_that_of_every_example_along_its_own_tangent():
    z, tangents = normal(4, 3), normal(4, 3, seed=1)
    found = jacobian.columns(lambda one: jnp.sin(one['z']), {'z': z}, {'z': tangents})
    _, expected = jax.jvp(jnp.sin, (z,), (tangents,))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_saliency_of_a_linear_judge_is_its_weights():
    weights = normal(4, 5, 3)
    found = jacobian.saliency(lambda x: jnp.sum(weights * x, axis=(1, 2, 3)), normal(2, 4, 5, 3))
    np.testing.assert_allclose(found, np.abs(weights).max(axis=-1)[None].repeat(2, 0), rtol=1e-6)


@pytest.mark.parametrize('values, rank', [([2, 2, 2, 2], 4), ([5, 0, 0], 1), ([1, 1, 0], 2)])
def test_the_effective_rank_counts_equal_directions(values, rank):
    assert jacobian.effective_rank(np.array(values, np.float32)) == pytest.approx(rank)


def test_real_images_are_as_various_and_as_near_as_themselves():
    real = normal(400, 8)
    found = resemblance.measure(normal(400, 8, seed=1), real)
    np.testing.assert_allclose(found, 1, rtol=0.05)


def test_images_of_few_kinds_are_near_each_other():
    """Ten points, each drawn often: various as a whole, and yet each with copies."""
    real = normal(400, 8)
    found = resemblance.measure(np.repeat(real[:10], 40, axis=0), real)
    np.testing.assert_allclose([found.spacing, found.distance], 0, atol=1e-2)
    assert found.diversity > 0.7
    once = resemblance.measure(np.full((400, 8), 9.0), real)
    assert once.diversity == once.spacing == 0 and once.distance > 5


def test_one_image_has_no_distances():
    """Games are trained on single images too."""
    with pytest.raises(UsageError, match='two real'):
        resemblance.measure(normal(5, 8), normal(1, 8))


def test_the_mean_distance_is_that_of_all_pairs():
    assert resemblance.mean_distance(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2)


@pytest.mark.parametrize(
    'low, high, expected',
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 7, [-2, 0, 2, 4, 6]), (0, 1200, [0, 500, 1000])],
)
def test_ticks_are_round_numbers_within_the_axis(low, high, expected):
    np.testing.assert_allclose(charts.ticks(low, high), expected, atol=1e-12)


def points_of(svg: str, kind: str) -> np.ndarray:
    text = svg.split(f'<{kind} ')[1].split('points="')[1].split('"')[0]
    return np.array([pair.split(',') for pair in text.split()], float)


def test_a_line_rises_with_its_numbers_and_fills_the_chart():
    steps = np.arange(10)
    drawn = points_of(charts.curves('x', [charts.Line('a', 'real', steps, steps**2)]), 'polyline')
    assert np.all(np.diff(drawn[:, 0]) > 0) and np.all(np.diff(drawn[:, 1]) < 0)
    np.testing.assert_allclose(np.diff(drawn[:, 0]), np.diff(drawn[:, 0]).mean(), atol=0.11)


def test_equal_factors_are_equal_distances_on_a_logarithmic_scale():
    line = charts.Line('', 'real', np.arange(4), 10.0 ** np.arange(4))
    rises = np.diff(points_of(charts.curves('x', [line], log=True), 'polyline')[:, 1])
    np.testing.assert_allclose(rises, rises[0], atol=0.11)


def test_a_long_line_is_drawn_with_few_points_and_loses_an_outlier():
    y = np.zeros(24_000)
    y[777] = 1e6
    line = charts.Line('', 'real', np.arange(24_000), y)
    drawn = points_of(charts.curves('x', [line]), 'polyline')
    assert len(drawn) == 240 and len(set(drawn[:, 1])) == 1


@pytest.mark.parametrize('y', [[], [3.0], [2.0, 2.0]])
def test_short_and_flat_lines_are_drawn_or_left_out(y):
    svg = charts.curves('x', [charts.Line('', 'real', np.arange(len(y)), np.array(y))])
    assert 'nan' not in svg and bool(svg) == bool(y)


def test_the_areas_of_two_histograms_are_alike_however_many_numbers_each_has():
    values = {'a': ('real', normal(5000)), 'b': ('generated', normal(500, seed=1))}
    one, other = charts.bars('x', values).split('<polygon ')[1:]
    base = points_of('<polygon ' + one, 'polygon')[0, 1]
    areas = [
        (base - points_of('<polygon ' + svg, 'polygon')[1:-1:2, 1]).sum() for svg in (one, other)
    ]
    assert areas[0] == pytest.approx(areas[1], rel=0.02)


class Tags(HTMLParser):
    """Collects the tags of a page, and finds those that are not closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ('meta', 'link', 'img', 'input', 'br'):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_what_comes_from_a_run_is_text_and_never_markup():
    evil = '<script>alert(1)</script>"&'
    image = np.zeros((4, 4, 1), np.uint8)
    content = page.table([evil, evil], [(evil, evil)]) + page.picture(image, evil, evil)
    content += page.paragraph(evil) + page.folded(evil, '')
    content += charts.scatter(evil, {evil: ('real', normal(3, 2))})
    tags = Tags(page.page(evil, evil, [(evil, content)]))
    assert not tags.open
    assert [tag for tag, _ in tags.seen].count('script') == 1  # the page's own


def test_a_line_that_was_cut_off_is_not_read(tmp_path):
    (tmp_path / 'metrics.jsonl').write_text('{"step": 1, "a": 2}\n{"step": 2, "a": null}\n{"ste')
    history = record.read_history(tmp_path)
    assert [line['step'] for line in history] == [1, 2]
    np.testing.assert_array_equal(record.series(history, 'a'), [[1], [2]])
    assert [len(part) for part in record.series(history, 'b')] == [0, 0]


def test_scores_come_in_the_order_of_their_steps(tmp_path):
    (tmp_path / 'eval').mkdir()
    for name, step in ('a', 20), ('b', 3):
        (tmp_path / 'eval' / f'{name}.json').write_text(json.dumps({'step': step, 'scores': {}}))
    (tmp_path / 'eval' / 'c.json').write_text('{"st')
    assert [one['step'] for one in record.read_scores(tmp_path)] == [3, 20]


def test_heat_is_laid_where_the_map_is_great():
    """Orange where a share is 1, the image where it is nothing."""
    image = np.full((4, 4, 3), 80, np.uint8)
    left = np.float32([[1, 0], [1, 0]])
    over = heat.overlaid(image, left, (64, 32))
    assert over.shape == (32, 64, 3) and over.dtype == np.uint8
    red, green, blue = over[16, 4].astype(int)
    assert red > 180 and red > green > blue
    np.testing.assert_allclose(over[16, 60], 80, atol=2)
    np.testing.assert_array_equal(heat.overlaid(image, np.zeros((2, 2)), (4, 4)), image)


def test_a_mark_is_at_its_place():
    image = heat.marked(np.full((60, 90, 3), 128, np.uint8), (0.25, 0.5))
    changed = np.argwhere((image != 128).any(axis=-1))
    np.testing.assert_allclose(changed.mean(axis=0), (15, 45), atol=0.5)


def test_pixels_with_distinct_attention_are_found():
    """The most concentrated map, then one that shares nothing with it, then another such."""
    maps = np.full((2, 2, 2, 2), 0.25, np.float32)
    maps[1, 0] = [[0, 1], [0, 0]]
    maps[0, 1] = [[0.6, 0], [0.4, 0]]
    assert distinct(maps, 2) == [(1, 0), (0, 1)]
    assert len(set(distinct(maps, 3))) == 3

"""Mistakes that made published scores wrong, each with the test that would see it.

What other files test, by the beginnings of the tests' names:

    the covariance transposed, or divided by n  test_scores::test_moments_do_not_depend_on
    sums in float32, differences of squares     test_scores::test_moments_do_not_depend_on
    complex roots of fewer images than features test_scores::test_fid_of_fewer_images_than_features
    SciPy's sqrtm, another in every version     test_walls::test_a_room_keeps_its_walls
    few images, which score worse than many     test_scores::test_fid_infinity_takes_the_bias
    intervals from images drawn twice           test_intervals::test_fid
    generated and reference images exchanged    test_scores::test_balls_tell_quality
    3 neighbours for one score, 5 for another   test_scores::test_density_and_coverage
    KID of an image with itself                 test_scores::test_kid_is_torch_fidelitys
    KL of the reference from the generated      test_classes::test_divergence_is_of_the_generated
    torchvision's Inception and its poolings    test_inception::test_features_are_torch_fidelitys
    logits with a bias                          test_tensorflow_graph::test_both_files_give
    moments of softmax, not of features         test_summary::test_what_is_kept_belongs_together
    resizing with half a pixel's shift          test_inception::test_resizing_is_torch_fidelitys
    resizing that smooths, jax.image's default  test_inception::test_resizing_to_the_same_size
    path lengths of rounded images              test_path_length::test_rounded_images
    statistics of which KID can make nothing    test_summary::test_a_summary_read_is_the_one
    all distances in memory at once             test_distances::test_memory_does_not_grow
    training images that are their own nearest  test_distances::test_authenticity_is_that
    real images left out, floats not rounded    test_evaluation::test_a_score_is_that_of_the_samples
    real images mirrored or cropped at random   test_evaluation::test_the_reference_is_what
    another split, network, number, truncation  test_evaluation::test_protocols_differ
    fid50k of fewer images                      test_evaluation::test_a_score_that_insists
    weights that are averaged, or are not       test_evaluation::test_averaged_weights_are_what
    a pipeline that sees two sets unlike        test_given::test_a_set_is_as_far_from_itself
    sets of another size, rounding or channels  test_given::test_what_cannot_be_scored
    images in the order of their classes        test_given::test_a_folder_and_an_archive_hold
    grey images where colours are seen          test_given::test_grey_images_are_repeated
"""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import metrics


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize('pointer', re.findall(r'(\w+::\w+)', __doc__))
def test_what_the_table_names_is_a_test(pointer):
    file, name = pointer.split('::')
    source = (Path(__file__).parent / f'{file}.py').read_text()
    assert re.search(rf'^def {name}', source, re.MULTILINE)


# Balls.


def test_the_border_of_a_ball_is_within_it_for_precision_and_without_for_density():
    """Kynkaanniemi et al. have <=, Naeem et al. have <. Every ball's radius is 10."""
    reference = np.arange(0.0, 100, 10)[:, None]
    border, inside = np.full((2, 1), -10.0), np.full((2, 1), -9.5)
    assert metrics.precision_recall(border, reference, neighbours=1).precision == 1
    assert metrics.density_coverage(border, reference, neighbours=1) == (0, 0)
    assert metrics.density_coverage(inside, reference, neighbours=1) == (1, 0.1)


def test_an_image_is_none_of_its_own_neighbours_and_no_other_is_left_out():
    """The ball of 0 has radius 1, or with two neighbours 3; not 0 and 1, nor 3 and 7."""
    reference = np.array([[0.0], [1], [3], [7]])
    for neighbours, within, without in ((1, 0.5, 2.5), (2, 2.5, 6.5)):
        for distance, precision in ((within, 1), (without, 0)):
            generated = np.full((3, 1), -distance)
            assert metrics.precision_recall(generated, reference, neighbours)[0] == precision


# Subsets and parts.


def test_kid_of_fewer_images_than_a_subset_is_of_all_of_them():
    one, other = normal(50, 4), normal(80, 4, seed=1)
    said = metrics.kid(one, other, subsets=5)
    assert said == metrics.kid(one, other, subsets=5, subset_size=50)


def test_kid_in_larger_subsets_varies_less_about_the_same_mean():
    one, other = normal(400, 4), 0.3 + normal(400, 4, seed=1)
    (small, of_small), (large, of_large) = (
        metrics.kid(one, other, subsets=400, subset_size=size) for size in (20, 200)
    )
    assert of_small > 3 * of_large
    assert abs(small - large) < 3 * np.hypot(of_small, of_large) / 400**0.5


def test_kid_is_as_random_as_its_seed():
    one, other = normal(50, 4), normal(50, 4, seed=1)
    first, again, another = (
        metrics.kid(one, other, subsets=5, subset_size=20, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again != another


def test_an_inception_score_in_parts_is_less_than_in_one():
    """Fewer images of a part tell less of the classes: scores of other splits do not compare."""
    logits = 3 * normal(1000, 50)
    one, ten = (metrics.inception_score(logits, splits) for splits in (1, 10))
    assert one.deviation == 0 < ten.deviation
    assert ten.mean < one.mean - ten.deviation


def test_an_inception_score_of_images_in_the_order_of_their_classes_is_nothing():
    labels = np.repeat(np.arange(10), 100)
    logits = 1e3 * np.eye(10)[labels]
    assert metrics.inception_score(logits).mean == pytest.approx(1)
    shuffled = np.random.default_rng(0).permutation(logits)
    assert metrics.inception_score(shuffled).mean > 9


# Features.


def project(matrix, images) -> metrics.Features:
    x = images.reshape(len(images), -1) @ matrix
    return metrics.Features(x, x)


def extractor() -> metrics.Extractor:
    matrix = normal(48, 5).astype(np.float32)
    return metrics.Extractor('projection', project, matrix, 'none')


def test_no_image_is_dropped_or_added_and_the_size_of_batches_changes_nothing():
    """131 images in their order; to the bit, for the network always sees as many at a time."""
    images = np.random.default_rng(0).integers(0, 256, (131, 4, 4, 3), np.uint8)

    def streamed(size: int) -> np.ndarray:
        batches = (images[start : start + size] for start in range(0, 131, size))
        said = metrics.stream_features(extractor(), batches)
        return np.concatenate([features.pooled for features in said])

    whole = images.reshape(131, 48).astype(np.float64) @ extractor().variables
    np.testing.assert_allclose(streamed(131), whole, rtol=1e-5, atol=1e-3)
    for size in (1, 50, 200):
        np.testing.assert_array_equal(streamed(size), streamed(131))


def test_an_extractor_multiplies_in_full_float32():
    """On GPUs and TPUs the default is shorter."""
    images = jnp.zeros((2, 4, 4, 3))
    seen = extractor()
    assert 'HIGHEST' in seen._compiled.lower(seen.variables, images).as_text()
    assert 'HIGHEST' not in jax.jit(project).lower(seen.variables, images).as_text()

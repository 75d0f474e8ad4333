"""Batches: functions of (seed, step), each example once an epoch, flips that are exact."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tolerances import SAMPLING_ATOL

from etvae_tf.data.augmentation import DRAWS, augment
from etvae_tf.data.pipeline import batches, evaluation_batches

COUNT = 10
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 6, 2), dtype=np.uint8)
VOTES = np.arange(COUNT, dtype=np.float32)[:, None] + np.zeros((1, 3), np.float32)


def take(**options):
    options = {"batch_size": 4, "seed": 5, "steps": 10, **options}
    return list(batches((IMAGES, VOTES), **options).as_numpy_iterator())


def rows(elements):
    return np.concatenate([votes[:, 0] for _, votes in elements]).astype(int)


@pytest.mark.parametrize("batch_size", [1, 4, 7, 10, 25])
def test_each_example_comes_once_an_epoch(batch_size):
    order = rows(take(batch_size=batch_size, steps=-(-30 // batch_size)))[:30].reshape(3, COUNT)
    np.testing.assert_array_equal(np.sort(order), np.tile(np.arange(COUNT), (3, 1)))
    assert (order[0] != order[1]).any() and (order[1] != order[2]).any()


def test_jitter_is_small_and_differs_from_step_to_step():
    still = {"augment_flips": False}
    plain, jittered = take(**still), take(**still, augment_jitter=1.0)
    for (one, votes), (other, same_votes) in zip(plain, jittered, strict=True):
        np.testing.assert_array_equal(votes, same_votes)
        assert 0 <= other.min() and other.max() <= 1
        assert 0.01 < np.abs(one - other).mean() < 0.4
    flat = np.full((4, 16, 16, 1), 128, np.uint8)
    exposures = next(batches(flat, 4, 0, steps=1, augment_jitter=1.0).as_numpy_iterator())
    level = exposures.mean(axis=(1, 2, 3)) / (128 / 255)
    assert np.all(np.abs(np.log(level)) < 0.62) and level.std() > 0.01, "only brightness changes a flat picture's mean"
    noise = exposures.std(axis=(1, 2, 3))
    np.testing.assert_allclose(noise, 0.02, rtol=0.3)  # 256 pixels give sigma to 5 %


@pytest.mark.parametrize("augment", [{}, {"augment_jitter": 1.0, "augment_outskirts": 0.5}])
def test_starting_at_a_step_equals_skipping_to_it(augment):
    whole, rest = take(**augment), take(first_step=6, steps=4, **augment)
    for (images, votes), (later_images, later_votes) in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(images, later_images)
        np.testing.assert_array_equal(votes, later_votes)


def test_views_show_the_same_galaxies_otherwise():
    first, second = take(augment_jitter=1.0), take(augment_jitter=1.0, view=1)
    for (one, votes), (other, same_votes) in zip(first, second, strict=True):
        np.testing.assert_array_equal(votes, same_votes)
        assert (np.abs(one - other).mean(axis=(1, 2, 3)) > 0.01).all()


def test_jitter_without_rotations_is_a_turn_by_no_angle():
    rng = np.random.default_rng(0)
    images, draws = rng.random((5, 12, 14, 3), np.float32), rng.random((5, DRAWS), np.float32)
    draws[:, 0] = 0.0  # the angle
    seed = tf.constant([0, 1], tf.int64)
    turned = augment(tf.constant(images), tf.constant(draws), seed, rotations=True, jitter=1.0)
    jittered = augment(tf.constant(images), tf.constant(draws), seed, jitter=1.0)
    np.testing.assert_allclose(jittered, turned, atol=SAMPLING_ATOL)
    assert abs(jittered - images).numpy().max() > 0.1


def test_jitter_changes_colours():
    flat = np.full((8, 16, 16, 3), 128, np.uint8)
    (pictures,) = batches(flat, 8, 0, steps=1, augment_jitter=1.0).as_numpy_iterator()
    colours = np.log(pictures.mean(axis=(1, 2))).std(axis=1)
    assert 0.03 < colours.mean() and (colours < 0.2).all()
    (half,) = batches(flat, 8, 0, steps=1, augment_jitter=0.5).as_numpy_iterator()
    np.testing.assert_allclose(np.log(half.mean(axis=(1, 2))).std(axis=1), colours / 2, atol=0.005)  # of noise


def test_outskirts_are_those_of_another_picture_and_the_middle_is_its_own():
    levels = np.arange(1, 9, dtype=np.uint8) * 20
    flat = np.broadcast_to(levels[:, None, None, None], (8, 32, 32, 1)).copy()
    (always,) = batches(flat, 8, 0, steps=1, augment_outskirts=1.0).as_numpy_iterator()
    own, next_one = always[:, 16, 16, 0], np.roll(always[:, 16, 16, 0], 1)
    np.testing.assert_allclose(np.sort(own), levels / 255, atol=1e-6)
    np.testing.assert_allclose(always[:, 0, 0, 0], next_one, atol=1e-6)  # corners lie beyond every radius
    middle = always[:, 11:21, 11:21, 0]  # within 0.2 of the height
    np.testing.assert_allclose(middle, np.broadcast_to(own[:, None, None], middle.shape), atol=1e-6)
    kept = [
        (images[:, 0, 0] == images[:, 16, 16]).all(axis=-1)
        for images in batches(flat, 8, 0, steps=100, augment_outskirts=0.3).as_numpy_iterator()
    ]
    assert abs(np.mean(kept) - 0.7) < 4 * np.sqrt(0.3 * 0.7 / 800)  # four binomial standard deviations


def test_seeds_tell_streams_apart():
    np.testing.assert_array_equal(take()[3][0], take()[3][0])
    assert (rows(take()) != rows(take(seed=6))).any()


@pytest.mark.slow
def test_every_seed_of_32_bits_and_twice_that_is_taken():
    options = {"augment_rotations": True, "augment_jitter": 1.0, "augment_outskirts": 0.5, "view": 1, "steps": 1}
    seeds = (2**30, 2**31, 2**32 - 1, 2 * (2**32 - 1) + 1)  # training draws labelled galaxies by twice the seed plus 1
    pictures = [take(seed=seed, **options)[0][0] for seed in seeds]
    assert len({batch.tobytes() for batch in pictures}) == len(seeds) and np.isfinite(pictures).all()


def test_without_augmentation_pictures_are_exact():
    for images, votes in take(augment_flips=False):
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, IMAGES[votes[:, 0].astype(int)].astype(np.float32) / 255)


def test_flips_are_exact_and_each_as_frequent():
    counts = np.zeros(4, int)
    for images, votes in take(batch_size=100, steps=10):
        for image, row in zip(images, votes[:, 0].astype(int), strict=True):
            original = IMAGES[row].astype(np.float32) / 255
            flips = [original, original[:, ::-1], original[::-1], original[::-1, ::-1]]
            same = [np.array_equal(image, flip) for flip in flips]
            assert sum(same) == 1
            counts += same
    assert (abs(counts - 250) < 4 * np.sqrt(1000 * 0.25 * 0.75)).all()  # four binomial standard deviations


def test_structure_is_that_of_the_arrays():
    element = next(iter(batches({"images": IMAGES, "ids": np.arange(COUNT)}, 4, 0, steps=1)))
    assert set(element) == {"images", "ids"} and element["images"].shape == (4, 6, 6, 2)
    alone = batches(IMAGES, 4, 0, steps=3)
    assert alone.element_spec == tf.TensorSpec((4, 6, 6, 2), tf.float32) and int(alone.cardinality()) == 3


def test_rotations_keep_the_middle_and_move_the_rest():
    pictures = np.zeros((3, 9, 9, 1), np.uint8)
    pictures[:, 4, 4] = 200
    pictures[:, 4, 8] = 100
    (images,) = batches(pictures, 3, 0, steps=1, augment_flips=False, augment_rotations=True).as_numpy_iterator()
    np.testing.assert_allclose(images[:, 4, 4], 200 / 255, atol=1e-5)  # float32 sampling at the very middle
    assert len({image.tobytes() for image in images}) == 3 and (images[:, 4, 8] < 100 / 255).all()


def test_refuses_arrays_of_different_lengths():
    with pytest.raises(ValueError, match="the same number"):
        batches((IMAGES, VOTES[:5]), 4, 0, steps=1)
    with pytest.raises(ValueError, match="above 0"):
        batches(IMAGES[:0], 4, 0, steps=1)


def test_reads_a_memory_map(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    for one, other in zip(batches(mapped, 4, 0, steps=3), batches(IMAGES, 4, 0, steps=3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_evaluation_is_in_order_and_complete():
    parts = list(evaluation_batches(IMAGES, 4).as_numpy_iterator())
    assert [len(part) for part in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(parts), IMAGES.astype(np.float32) / 255)
    assert list(evaluation_batches(IMAGES[:0], 4)) == []

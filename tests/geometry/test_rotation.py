"""Grids, angles and rotations against exact cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from tolerances import CANONICAL_ATOL, SAMPLING_ATOL

from etvae_tf.errors import InputError
from etvae_tf.geometry import (
    RotationGroup,
    RotationScaleGroup,
    angle_difference,
    angular_moments,
    circular_mean,
    disc_mask,
    log_polar_points,
    pixel_points,
    points_to_pixels,
    polar_points,
    rotate,
    transform,
)

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize("size", [5, 8])
@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_quarter_turns_equal_rot90(size: int, quarters: int) -> None:
    images = RANDOM.random((3, size, size, 2)).astype(np.float32)
    turned = rotate(tf.constant(images), tf.fill([3], quarters * math.pi / 2))
    np.testing.assert_allclose(turned, np.rot90(images, quarters, axes=(1, 2)), atol=SAMPLING_ATOL)


def test_half_turn_of_5x5_is_the_reversed_array() -> None:
    image = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1) / 25
    np.testing.assert_allclose(
        rotate(tf.constant(image), tf.constant([math.pi])), image[:, ::-1, ::-1], atol=SAMPLING_ATOL
    )


def test_turning_back_gives_a_smooth_picture_inside_the_disc() -> None:
    x, y = pixel_points(64, 64).T / 10
    image = (0.5 + 0.3 * np.sin(x) * np.cos(1.3 * y)).reshape(1, 64, 64, 1).astype(np.float32)
    angle = tf.constant([0.7])
    back = rotate(rotate(tf.constant(image), angle), -angle)
    inside = disc_mask(64, 64) * (np.hypot(*pixel_points(64, 64).T).reshape(64, 64, 1) < 29)
    assert np.max(np.abs(back - image) * inside) < CANONICAL_ATOL


def test_each_picture_turns_by_its_own_angle() -> None:
    images = tf.constant(RANDOM.random((2, 6, 6, 1)), tf.float32)
    turned = rotate(images, tf.constant([0.0, math.pi / 2]))
    np.testing.assert_allclose(turned[0], images[0], atol=SAMPLING_ATOL)
    np.testing.assert_allclose(turned[1], np.rot90(images[1]), atol=SAMPLING_ATOL)


def test_points_and_pixels() -> None:
    np.testing.assert_array_equal(pixel_points(2, 3)[0], [-1.0, 0.5])
    np.testing.assert_array_equal(points_to_pixels(tf.constant([[-1.0, 0.5]]), 2, 3), [[0.0, 0.0]])


def test_polar_grid_is_exactly_periodic() -> None:
    points = polar_points(8, 4, 16.0)
    np.testing.assert_allclose(points[0, :, 0], [2, 6, 10, 14], rtol=1e-6)
    quarter = points @ np.array([[0, 1], [-1, 0]])  # (x, y) -> (-y, x)
    np.testing.assert_allclose(quarter, np.roll(points, -2, axis=0), atol=1e-5)
    assert len(np.unique(points.reshape(-1, 2).round(4), axis=0)) == 32, "no direction is repeated"


def test_log_polar_grid_turns_scale_into_shift() -> None:
    points = log_polar_points(8, 6, 32.0)
    ratio = np.linalg.norm(points[0, 1]) / np.linalg.norm(points[0, 0])
    np.testing.assert_allclose(points[:, 1:], points[:, :-1] * ratio, rtol=1e-5)


@pytest.mark.parametrize("size", [5, 6])
def test_disc_mask_is_symmetric_and_inscribed(size: int) -> None:
    mask = disc_mask(size, size)
    np.testing.assert_array_equal(mask, np.rot90(mask))
    assert mask[0, 0, 0] == 0 and mask[size // 2, size // 2, 0] == 1
    assert mask[0, size // 2, 0] == (size % 2), "the rim's middle lies on the disc for odd sizes only"


@pytest.mark.parametrize("order", [1, 2, 3])
def test_circular_mean_of_one_direction(order: int) -> None:
    mean = circular_mean(tf.eye(16), order).numpy()
    expected = 2 * math.pi * np.arange(16) / 16
    np.testing.assert_allclose(angle_difference(mean, expected.astype(np.float32), 2 * math.pi / order), 0, atol=1e-5)


def test_opposite_arms_cancel_at_order_one_and_add_at_order_two() -> None:
    arms = tf.constant(np.roll(np.eye(16)[0] + np.eye(16)[8], 3)[None] / 2, tf.float32)
    assert float(circular_mean(arms, 2)[0]) == pytest.approx(3 * math.pi / 8, abs=1e-5)
    weights = tf.Variable(arms)
    with tf.GradientTape() as tape:
        mean = circular_mean(weights, 1)
    assert np.isfinite(tape.gradient(mean, weights)).all(), "a flat profile has a finite gradient"


def test_empty_profile_has_angle_zero() -> None:
    assert float(circular_mean(tf.zeros([1, 16]), 1)[0]) == 0.0


def test_angle_difference_wraps() -> None:
    difference = angle_difference(tf.constant([3.1, 0.1, -3.0]), tf.constant([-3.1, 3.1, 3.0]), math.pi)
    np.testing.assert_allclose(difference, [6.2 - 2 * math.pi, 0.1 - 3.1 + math.pi, -6 + 2 * math.pi], atol=1e-6)


@pytest.mark.parametrize("group", [RotationGroup(1), RotationScaleGroup(2)], ids=["rotation", "rotation_scale"])
def test_group_acts_additively(group: RotationGroup) -> None:
    points = RANDOM.standard_normal((7, 2)).astype(np.float32)

    def moved(points: np.ndarray, pose: tf.Tensor) -> np.ndarray:
        (affine,) = group.affine(pose).numpy()
        return points @ affine[:, :2].T + affine[:, 2]

    first, second = group.sample(1, 0), group.sample(1, 1)
    np.testing.assert_allclose(moved(moved(points, first), second), moved(points, first + second), atol=1e-5)
    np.testing.assert_allclose(moved(moved(points, first), -first), points, atol=1e-5)


def test_scaling_a_picture_magnifies_it() -> None:
    image = np.zeros((1, 9, 9, 1), np.float32)
    image[0, 4, 6] = 1.0  # at x = 2
    magnified = transform(tf.constant(image), tf.constant([[0.0, math.log(2.0)]]), RotationScaleGroup())
    assert float(magnified[0, 4, 8, 0]) == pytest.approx(1.0, abs=1e-5)


def test_impossible_order_is_refused() -> None:
    with pytest.raises(InputError, match="order 0"):
        RotationGroup(0)


@pytest.mark.parametrize("degrees", [0, 30, 90, 150])
def test_major_axis_of_a_turned_ellipse(degrees: int) -> None:
    x, y = pixel_points(33, 33).T
    ellipse = np.exp(-((x / 8) ** 2) - (y / 3) ** 2).reshape(1, 33, 33, 1) + 0.2  # on a sky that says nothing
    (moment,) = angular_moments(rotate(tf.constant(ellipse), tf.fill([1], math.radians(degrees))))
    assert abs(angle_difference(np.angle(moment) / 2, math.radians(degrees), math.pi)) < math.radians(0.5)

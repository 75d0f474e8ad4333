"""The law of the pose, pose(T_a x) = pose(x) + a, over arbitrary angles."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import real_images, synthetic_images
from tolerances import CANONICAL_ATOL, POSE_DEGREES, SCALE_LAW, SCALED_POSE_DEGREES

from etvae_tf.errors import InputError
from etvae_tf.geometry import (
    RotationGroup,
    RotationScaleGroup,
    angle_difference,
    angular_moments,
    polar_points,
    rotate,
)
from etvae_tf.layers import CyclicConv2D, Pose, Rotation, RotationPose, Transform

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]  # of weights and turns


def median_degrees(pose: Pose, images: tf.Tensor, seed: int) -> float:
    return float(np.degrees(np.median(pose.check_equivariance(images, seed)[:, 0])))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_law_at_initialisation_on_synthetic_galaxies(order: int, seed: int) -> None:
    keras.utils.set_random_seed(seed)
    assert median_degrees(RotationPose(order), synthetic_images(128), seed) < POSE_DEGREES


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_law_at_initialisation_on_real_galaxies(order: int, seed: int, real_data: Path) -> None:
    keras.utils.set_random_seed(seed)
    assert median_degrees(RotationPose(order), real_images(real_data, 128), seed) < POSE_DEGREES


def test_law_breaks_on_a_grid_that_repeats_its_end_point() -> None:
    class Published(RotationGroup):
        """The published grid: A directions from 0 to 2 pi, both included."""

        def canonical_points(self, angles: int, radii: int, radius: float) -> np.ndarray:
            fine = polar_points(angles - 1, radii, radius)
            return np.concatenate([fine, fine[:1]])

    keras.utils.set_random_seed(0)
    images = synthetic_images(64)
    wrong = median_degrees(Pose(Published(1)), images, 0)
    assert wrong > 2 * median_degrees(Pose(RotationGroup(1)), images, 0)


def test_law_breaks_without_cyclic_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    original = CyclicConv2D.call

    def zero_padded(self: CyclicConv2D, inputs: tf.Tensor) -> tf.Tensor:
        return original(self, tf.pad(inputs, [[0, 0], [2, 2], [0, 0], [0, 0]]))[:, 2:-2]

    monkeypatch.setattr(CyclicConv2D, "call", zero_padded)
    keras.utils.set_random_seed(0)
    assert median_degrees(RotationPose(1), synthetic_images(64), 0) > POSE_DEGREES


def test_law_of_rotation_and_scale() -> None:
    keras.utils.set_random_seed(0)
    errors = np.median(Pose(RotationScaleGroup(2), radii=24).check_equivariance(synthetic_images(64)), axis=0)
    assert np.degrees(errors[0]) < SCALED_POSE_DEGREES
    assert errors[1] < SCALE_LAW


def test_canonical_view_does_not_turn_with_the_galaxy() -> None:
    keras.utils.set_random_seed(0)
    images = synthetic_images(32)
    pose, back = RotationPose(1), Rotation(inverse=True)
    views = [back(pictures, pose(pictures)) for pictures in (images, rotate(images, tf.fill([32], 1.0)))]
    assert np.median(np.sqrt(np.mean((views[0] - views[1]) ** 2, axis=(1, 2, 3)))) < CANONICAL_ATOL


@pytest.mark.parametrize("pose", [RotationPose(1), RotationPose(2), Pose(RotationScaleGroup(2))])
def test_canonical_views_are_made_upright(pose: Pose) -> None:
    keras.utils.set_random_seed(3)
    images = synthetic_images(128)
    canonical = Transform(pose.group, inverse=True)
    pose.make_upright(images)
    total = angular_moments(canonical(images, pose(images))).sum()
    assert abs(angle_difference(np.angle(total) / 2, np.pi / 2, np.pi)) < np.radians(5)
    assert median_degrees(pose, images, 0) < SCALED_POSE_DEGREES  # the law holds as before


@pytest.mark.parametrize("order", [3, 4])
def test_views_of_many_fold_poses_share_where_their_light_lies(order: int) -> None:
    keras.utils.set_random_seed(3)
    images, pose = synthetic_images(128), RotationPose(order)
    pose.make_upright(images)
    turned_back = angular_moments(images, order) * np.exp(-1j * order * pose(images)[:, 0].numpy())
    axis = np.angle(turned_back.sum()) / order
    assert abs(angle_difference(axis, np.pi / 2, 2 * np.pi / order)) < 1e-3


def test_blank_pictures_have_a_pose_and_a_finite_gradient() -> None:
    pose = RotationPose()
    images = tf.zeros([2, 32, 32, 1])
    with tf.GradientTape() as tape:
        angle = pose(images)
    assert np.isfinite(angle).all()
    gradients = tape.gradient(angle, pose.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients if gradient is not None)


def test_cyclic_convolution_commutes_with_shifts() -> None:
    keras.utils.set_random_seed(0)
    layer = CyclicConv2D(4, radial_stride=2)
    maps = tf.random.stateless_normal([2, 12, 8, 3], [0, 0])
    np.testing.assert_allclose(layer(tf.roll(maps, 5, 1)), tf.roll(layer(maps), 5, 1), atol=1e-5)
    assert tuple(layer(maps).shape) == layer.compute_output_shape((2, 12, 8, 3)) == (2, 12, 4, 4)


def test_even_kernels_are_refused() -> None:
    with pytest.raises(InputError, match="try 5"):
        CyclicConv2D(4, kernel_size=4)

"""Residual convolutions of the encoder, and posteriors of mirror images."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.geometry import PoseGroup, RotationGroup, RotationScaleGroup, angle_difference
from etvae_tf.layers import Pose
from etvae_tf.models import Encoder
from tests.tolerances import BATCH_ATOL

IMAGES = np.random.RandomState(0).uniform(size=(3, 16, 16, 2)).astype(np.float32)


@pytest.fixture
def encoder() -> Encoder:
    layer = Encoder(5, (4, 6, 8), residual=(1, 2))
    layer.build(IMAGES.shape)
    return layer


def test_before_training_they_add_nothing(encoder: Encoder) -> None:
    plain = Encoder(5, (4, 6, 8))
    plain.build(IMAGES.shape)
    ours, theirs = ([*layer.convolutions, layer.loc, layer.raw_scale] for layer in (encoder, plain))
    for layer, same in zip(theirs, ours, strict=True):
        layer.set_weights(same.get_weights())
    np.testing.assert_array_equal(encoder(IMAGES).loc, plain(IMAGES).loc)
    assert len(encoder.residuals) == 2
    assert not plain.residuals


def test_they_add_a_convolution_of_what_they_are_given(encoder: Encoder) -> None:
    """The second one becomes minus the identity, so that nothing is left but the biases of the posterior."""
    kernel = np.zeros((3, 3, 8, 8), np.float32)
    kernel[1, 1] = -np.eye(8)
    encoder.residuals[1].set_weights([kernel, np.zeros(8, np.float32)])
    np.testing.assert_array_equal(encoder(IMAGES).loc, np.tile(np.asarray(encoder.loc.bias), (3, 1)))


@pytest.mark.parametrize("residual", [(3,), (-1,), (1, 1)])
def test_convolutions_that_are_not_there_are_refused(residual: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="a tuple of different whole numbers from 0 to 2 was expected"):
        Encoder(5, (4, 6, 8), residual=residual)


def test_every_residual_convolution_learns(encoder: Encoder) -> None:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(encoder(IMAGES).loc))
    for gradient in tape.gradient(loss, [layer.kernel for layer in encoder.residuals]):
        assert np.abs(gradient).max() > 0


class Shift(RotationGroup):
    """Moves pictures along x: a half turn is none of its transformations."""

    rotates = False

    def read_pose(self, logits: tf.Tensor, radius: float) -> tf.Tensor:
        return tf.tanh(logits[:, 3, 0, None])

    def affine(self, pose: tf.Tensor) -> tf.Tensor:
        return tf.constant([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]) + pose[:, :, None] * [
            [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
        ]


@pytest.mark.parametrize(
    ("group", "angles"),
    [
        (RotationGroup(order=2), 64),
        (RotationGroup(order=4), 64),
        (RotationGroup(order=1), 64),  # a half turn changes this pose and the next one
        (RotationGroup(order=3), 64),
        (RotationGroup(order=2), 33),  # no direction has an opposite one
        (RotationScaleGroup(order=2), 64),
        (Shift(order=2), 64),
        (None, 64),
    ],
    ids=["order_2", "order_4", "order_1", "order_3", "odd_angles", "scale", "shift", "no_pose"],
)
def test_mirror_images_have_the_posteriors_of_their_own_pictures(group: PoseGroup | None, angles: int) -> None:
    """Of light on one side: the pose of noise is badly determined, so that rounding moves it further."""
    keras.utils.set_random_seed(0)
    layer = Encoder(5, (4, 6, 8), pose=Pose(group, angles=angles) if group else None)
    layer.build(IMAGES.shape)
    y, x = np.mgrid[:16, :16]
    light = [np.exp(-((x - 7.5 - dx) ** 2 + 2 * (y - 7.5 - dy) ** 2) / 12) for dx, dy in ((3, 1), (-1, 3), (2, -2))]
    images = np.stack(light)[..., None].astype(np.float32) * np.float32([1, 0.5])
    found = layer.mirrored_posteriors(images)
    for posterior, axes in zip(found, ((), (2,), (1, 2), (1,)), strict=True):
        expected = layer(np.flip(images, axes))
        for name in ("loc", "scale", "canonical"):
            np.testing.assert_allclose(getattr(posterior, name), getattr(expected, name), atol=BATCH_ATOL, err_msg=name)
        if group is not None:
            turn = angle_difference(posterior.pose[:, 0], expected.pose[:, 0], group.angle_period)
            np.testing.assert_allclose(turn, 0, atol=BATCH_ATOL)

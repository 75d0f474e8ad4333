"""Bilinear sampling against exact cases, central differences and tensorflow-addons."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tolerances import GRADIENT_ATOL, SAMPLING_ATOL

from etvae_tf.errors import InputError
from etvae_tf.geometry import SAMPLERS, bilinear_sample

RANDOM = np.random.default_rng(0)
IMAGES = tf.constant(RANDOM.random((2, 6, 7, 3)), tf.float32)


def test_pixel_centres_give_the_pixels() -> None:
    rows, columns = np.meshgrid(np.arange(6), np.arange(7), indexing="ij")
    positions = np.stack([rows, columns]).reshape(1, 2, -1).astype(np.float32)
    sampled = bilinear_sample(IMAGES, tf.tile(positions, [2, 1, 1]))
    np.testing.assert_allclose(sampled, tf.reshape(IMAGES, [2, 42, 3]), atol=SAMPLING_ATOL)


def test_between_pixels_is_the_weighted_mean() -> None:
    image = tf.reshape(tf.constant([0.0, 1.0, 2.0, 6.0]), [1, 2, 2, 1])
    sampled = bilinear_sample(image, tf.constant([[[0.5, 0.25, 1.0], [0.5, 0.0, 0.75]]]))
    np.testing.assert_allclose(sampled[0, :, 0], [2.25, 0.5, 5.0], atol=SAMPLING_ATOL)


def test_outside_is_the_nearest_edge() -> None:
    sampled = bilinear_sample(IMAGES, tf.constant([[[-3.0, 9.0], [2.0, 99.0]]] * 2))
    np.testing.assert_allclose(sampled[:, 0], IMAGES[:, 0, 2], atol=SAMPLING_ATOL)
    np.testing.assert_allclose(sampled[:, 1], IMAGES[:, 5, 6], atol=SAMPLING_ATOL)


def test_nan_positions_give_nan() -> None:
    sampled = bilinear_sample(IMAGES, tf.constant([[[float("nan"), 1.0], [1.0, 1.0]]] * 2))
    assert np.isnan(sampled[:, 0]).all() and np.isfinite(sampled[:, 1]).all()


def test_gradient_to_images_is_the_transpose() -> None:
    corners = [[[0.0, 5.0, 0.0, 5.0, -2.0], [0.0, 6.0, 6.0, 0.0, 9.0]]] * 2
    positions = tf.constant(np.concatenate([RANDOM.uniform(0, 5, (2, 2, 40)), corners], axis=2), tf.float32)
    weights = tf.constant(RANDOM.standard_normal((2, 45, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        total = tf.reduce_sum(weights * bilinear_sample(IMAGES, positions))
    gradient = tape.gradient(total, IMAGES)
    pixels = tf.reshape(tf.eye(42), [42, 6, 7, 1])
    for picture in range(2):
        sampled = bilinear_sample(pixels, tf.tile(positions[picture : picture + 1], [42, 1, 1]))[..., 0]
        expected = tf.reshape(tf.matmul(sampled, weights[picture]), [6, 7, 3])
        np.testing.assert_allclose(gradient[picture], expected, atol=SAMPLING_ATOL)


@pytest.mark.parametrize("target", ["images", "positions"])
def test_gradients_equal_central_differences(target: str) -> None:
    positions = tf.constant(RANDOM.uniform(0.1, 0.9, (2, 2, 5)) + RANDOM.integers(0, 4, (2, 2, 5)), tf.float32)
    weights = tf.constant(RANDOM.standard_normal((2, 5, 3)), tf.float32)
    inputs = {"images": IMAGES, "positions": positions}

    def value(moved: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(weights * bilinear_sample(**{**inputs, target: moved}))

    with tf.GradientTape() as tape:
        tape.watch(inputs[target])
        total = value(inputs[target])
    gradient = tape.gradient(total, inputs[target]).numpy()
    for _ in range(12):
        place = tuple(RANDOM.integers(0, size) for size in gradient.shape)
        step = np.zeros(gradient.shape, np.float32)
        step[place] = 1e-2
        difference = (value(inputs[target] + step) - value(inputs[target] - step)) / 2e-2
        assert gradient[place] == pytest.approx(float(difference), abs=GRADIENT_ATOL)


def test_agrees_with_tensorflow_addons() -> None:
    pytest.importorskip("tensorflow_addons", reason="tensorflow-addons imports only up to TensorFlow 2.15")
    positions = tf.constant(RANDOM.uniform(-3, 10, (2, 2, 50)), tf.float32)
    np.testing.assert_allclose(
        SAMPLERS["gather"](IMAGES, positions), SAMPLERS["addons"](IMAGES, positions), atol=SAMPLING_ATOL
    )


def test_addons_sampler_without_addons_says_how_to_mend_it() -> None:
    try:
        import tensorflow_addons  # noqa: F401
    except ImportError:
        with pytest.raises(InputError, match="sampler='gather'"):
            SAMPLERS["addons"](IMAGES, tf.zeros([2, 2, 1]))
    else:
        pytest.skip("tensorflow-addons is installed")

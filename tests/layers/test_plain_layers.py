"""Layers, models and steps give the numbers of the plain convolutions that define them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model
from tolerances import PLAIN_RTOL, UPDATE_RTOL

from etvae_tf.experiments.plain_layers import plain_layers
from etvae_tf.geometry import RotationGroup, pixel_points, rotate
from etvae_tf.layers import CanonicalResampling, CyclicConv2D, PictureConv2D, PictureConv2DTranspose

MAPS = tf.random.stateless_normal([3, 12, 8, 3], [0, 1])
IMAGES = tf.random.stateless_uniform([3, 16, 20, 2], [0, 2])
LAYERS = {
    "cyclic": (lambda: CyclicConv2D(4), MAPS),
    "cyclic, strided": (lambda: CyclicConv2D(4, radial_stride=2), MAPS),
    "cyclic, strided, odd radii": (lambda: CyclicConv2D(4, 3, radial_stride=3), MAPS[:, :, :7]),
    "cyclic, collapsed": (lambda: CyclicConv2D(4, collapse=True), MAPS),
    "cyclic, fewer radii than the kernel": (lambda: CyclicConv2D(4, radial_stride=2), MAPS[:, :, :2]),
    "resampling": (lambda: CanonicalResampling(RotationGroup(), 12, 5, blur=0.1), IMAGES),
    "resampling without blur": (lambda: CanonicalResampling(RotationGroup(), 12, 5, blur=0.0), IMAGES),
    "from a picture": (lambda: PictureConv2D(5, activation="relu"), IMAGES),
    "to a picture": (lambda: PictureConv2DTranspose(2, activation="sigmoid"), IMAGES),
}


def values_and_gradients(layer: keras.layers.Layer, inputs: tf.Tensor) -> list[np.ndarray]:
    """Of a weighted sum of the outputs, to inputs and weights."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
        total = tf.reduce_sum(outputs * tf.random.stateless_normal(outputs.shape, [0, 3]))
    return [np.asarray(value) for value in (outputs, *tape.gradient(total, [inputs, *layer.trainable_variables]))]


@pytest.mark.parametrize("name", LAYERS)
def test_layers_equal_plain_convolutions(name: str) -> None:
    maker, inputs = LAYERS[name]
    keras.utils.set_random_seed(0)
    layer = maker()
    layer.build(inputs.shape)
    layer.set_weights([np.random.default_rng(1).standard_normal(weights.shape) for weights in layer.get_weights()])
    with plain_layers():
        expected = values_and_gradients(layer, inputs)
    for value, plain in zip(values_and_gradients(layer, inputs), expected, strict=True):
        np.testing.assert_allclose(value, plain, rtol=PLAIN_RTOL, atol=PLAIN_RTOL * np.abs(plain).max())


def elongated(count: int, size: int, channels: int) -> tf.Tensor:
    """Noisy ellipses, turned: a round galaxy's pose hangs on rounding, and its gradient is all that would be seen."""
    x, y = pixel_points(size, size).T
    ellipse = np.exp(-((x / 9) ** 2) - (y / 3) ** 2).reshape(1, size, size, 1)
    angles = tf.constant(np.linspace(0.1, 3.0, count), tf.float32)
    turned = rotate(tf.tile(tf.constant(ellipse, tf.float32), [count, 1, 1, channels]), angles)
    return 0.2 + 0.6 * turned + 0.05 * tf.random.stateless_normal(turned.shape, [0, 4])


def updates(channels: int, group: str, view_weight: float, brightness: float = 1.0) -> list[np.ndarray]:
    """What one ELBO step and one vote step of plain gradient descent change in each weight."""
    model = tiny_model(channels=channels, pose__group=group)
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-5), view_weight=view_weight)
    images = brightness * elongated(12, 32, channels)
    votes = tf.constant([[30.0, 10, 0], [5, 35, 2], [0, 0, 0], [20, 20, 1], [40, 1, 0], [3, 3, 30]])
    unlabelled = (images[:6], images[6:]) if view_weight else images[:6]
    model.train_step({"unlabelled": unlabelled, "labelled": (images[6:], votes)})
    return [after - start for after, start in zip(model.get_weights(), before, strict=True)]


def median_difference(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """Over all weights, of the largest difference over the largest update."""
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if np.abs(one).max() > 0]
    return float(np.median([np.abs(one - other).max() / np.abs(one).max() for one, other in pairs]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("channels", "group", "view_weight"),
    [(1, "rotation", 0.0), (3, "rotation", 100.0), (1, "rotation_scale", 0.0), (3, "none", 100.0)],
)
def test_a_step_moves_weights_as_plain_layers_do(channels: int, group: str, view_weight: float) -> None:
    with plain_layers():
        expected = updates(channels, group, view_weight)
    assert median_difference(expected, updates(channels, group, view_weight)) < UPDATE_RTOL
    if (channels, group) == (1, "rotation"):
        brighter = updates(channels, group, view_weight, brightness=1.01)
        assert median_difference(expected, brighter) > UPDATE_RTOL, "a change of the pictures by 1 % must show"

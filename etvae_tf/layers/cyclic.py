"""Convolution that wraps around along angle: shifting its input cyclically shifts its output."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["CyclicConv2D"]


@keras.saving.register_keras_serializable("etvae_tf")
class CyclicConv2D(keras.layers.Layer):
    """2-D convolution over (angle, radius): stride 1 and cyclic padding along angle, zeros along radius.

        y[a, r] = sum_{i, j} W[i, j] x[(a + i) mod A, s r + j] + b

    Input (B, A, R, C); output (B, A, ceil(R / s), F), or (B, A, 1, F) when `collapse` reads all radii at once.
    """

    def __init__(self, filters: int, kernel_size: int = 5, radial_stride: int = 1, collapse: bool = False, **kwargs):
        """Args:
        filters: F.
        kernel_size: odd; along angle, and along radius unless `collapse`.
        radial_stride: s, along radius.
        collapse: let the kernel span the whole radius, without padding.
        """
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size {kernel_size} came, but an odd number was expected; try {kernel_size + 1}.")
        self.filters = filters
        self.kernel_size = kernel_size
        self.radial_stride = radial_stride
        self.collapse = collapse

    def build(self, input_shape: tuple) -> None:
        """Makes kernel and bias for (B, A, R, C)."""
        radial_size = input_shape[2] if self.collapse else self.kernel_size
        shape = (self.kernel_size, radial_size, input_shape[3], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="he_normal")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, A, R, C) to (B, A, R', F)."""
        reach = self.kernel_size // 2
        wrapped = tf.concat([inputs[:, -reach:], inputs, inputs[:, :reach]], axis=1) if reach else inputs
        radial = [0, 0] if self.collapse else self._radial_padding(inputs.shape[2])
        padding = [[0, 0], [0, 0], radial, [0, 0]]
        strides = [1, 1, self.radial_stride, 1]
        return tf.nn.conv2d(wrapped, tf.convert_to_tensor(self.kernel), strides, padding) + self.bias

    def _radial_padding(self, radii: int) -> list[int]:
        """TensorFlow's "SAME" along radius."""
        outputs = -(-radii // self.radial_stride)
        total = max((outputs - 1) * self.radial_stride + self.kernel_size - radii, 0)
        return [total // 2, total - total // 2]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, A, R, C) to (B, A, R', F)."""
        radii = 1 if self.collapse else -(-input_shape[2] // self.radial_stride)
        return (input_shape[0], input_shape[1], radii, self.filters)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        names = ("filters", "kernel_size", "radial_stride", "collapse")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

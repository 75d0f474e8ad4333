"""Convolution that wraps around along angle: shifting its input cyclically shifts its output."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.layers.precision import refuse_precision

__all__ = ["CyclicConv2D"]


def _neighbours(maps: tf.Tensor, count: int) -> tf.Tensor:
    """Each direction beside the ones around it: (B, A, n) to (B A, count n)."""
    reach, angles, features = count // 2, maps.shape[1], maps.shape[2]
    wrapped = tf.concat([maps[:, -reach:], maps, maps[:, :reach]], axis=1) if reach else maps
    beside = tf.concat([wrapped[:, shift : shift + angles] for shift in range(count)], axis=2)
    return tf.reshape(beside, [-1, count * features])


@tf.custom_gradient
def _cyclic_product(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """y[a] = sum_i x[(a + i - K // 2) mod A] W[i], as one matrix product.

    Its gradients are two more: to x by the same function, with W reversed and transposed; to W.

    Args:
        maps: float tensor (B, A, n), x.
        kernel: float tensor (K, n, m), W; K odd.

    Returns:
        float tensor (B, A, m).
    """
    size, inputs, outputs = kernel.shape
    beside = _neighbours(maps, size)

    def times(rows: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        product = tf.matmul(rows, tf.reshape(weights, [rows.shape[1], weights.shape[2]]))
        return tf.reshape(product, [-1, maps.shape[1], weights.shape[2]])

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        to_maps = times(_neighbours(upstream, size), tf.transpose(kernel[::-1], [0, 2, 1]))
        to_kernel = tf.matmul(beside, tf.reshape(upstream, [-1, outputs]), transpose_a=True)
        return to_maps, tf.reshape(to_kernel, [size, inputs, outputs])

    return times(beside, kernel), gradient


@keras.saving.register_keras_serializable("etvae_tf")
class CyclicConv2D(keras.layers.Layer):
    """2-D convolution over (angle, radius): stride 1 and cyclic padding along angle, zeros along radius.

        y[a, r] = sum_{i, j} W[i, j] x[(a + i) mod A, s r + j] + b

    Input (B, A, R, C); output (B, A, ceil(R / s), F), or (B, A, 1, F) when `collapse` reads all radii at once.

    There are few radii, so radius and channel are treated as one axis, and the kernel as a (R C, R' F) matrix for each
    step along angle, zero where it does not reach. That product is faster on CPUs than a convolution of few channels.

    Args:
        filters: F.
        kernel_size: odd; along angle, and along radius unless `collapse`.
        radial_stride: s, along radius.
        collapse: let the kernel span the whole radius, without padding.
    """

    def __init__(self, filters: int, kernel_size: int = 5, radial_stride: int = 1, collapse: bool = False, **kwargs):
        super().__init__(**kwargs)
        refuse_precision(self)
        if kernel_size % 2 == 0:
            raise InputError(f"kernel_size {kernel_size} came, but an odd number was expected; try {kernel_size + 1}.")
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
        _, angles, radii, channels = inputs.shape
        reads = self._radii_read(radii)
        kernel = tf.einsum("jrs,ijcf->ircsf", reads, tf.convert_to_tensor(self.kernel))
        kernel = tf.reshape(kernel, [self.kernel_size, radii * channels, reads.shape[2] * self.filters])
        outputs = _cyclic_product(tf.reshape(inputs, [-1, angles, radii * channels]), kernel)
        outputs = tf.nn.bias_add(outputs, tf.tile(tf.convert_to_tensor(self.bias), [reads.shape[2]]))
        return tf.reshape(outputs, [-1, angles, reads.shape[2], self.filters])

    def _radii_read(self, radii: int) -> np.ndarray:
        """1 where the kernel's place j reads radius r for output s, padded as TensorFlow's "SAME": (J, R, R')."""
        if self.collapse:
            return np.eye(radii, dtype=np.float32)[:, :, None]
        outputs = -(-radii // self.radial_stride)
        padding = max((outputs - 1) * self.radial_stride + self.kernel_size - radii, 0)
        place, radius, output = np.ogrid[: self.kernel_size, :radii, :outputs]
        return (output * self.radial_stride + place - padding // 2 == radius).astype(np.float32)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, A, R, C) to (B, A, R', F)."""
        radii = 1 if self.collapse else -(-input_shape[2] // self.radial_stride)
        return (input_shape[0], input_shape[1], radii, self.filters)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        names = ("filters", "kernel_size", "radial_stride", "collapse")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

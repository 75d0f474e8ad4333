"""Layers written plainly, each convolution and blur as TensorFlow's own.

The layers themselves reach the same numbers faster, by products with matrices that hold zeros, too. The FLOPs here are
those that the maths needs, which the benchmark counts, and the results are what tests compare the layers with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

import numpy as np
import tensorflow as tf

from etvae_tf.layers import CanonicalResampling, CyclicConv2D, strided

__all__ = ["plain_layers"]


@contextlib.contextmanager
def plain_layers() -> Iterator[None]:
    """Whatever is called or traced inside takes cyclic and strided convolutions, and the blur, for convolutions."""
    with (
        mock.patch.object(CyclicConv2D, "call", _cyclic_convolution),
        mock.patch.object(CanonicalResampling, "blurred", _depthwise_blur),
        mock.patch.object(strided, "convolve", _strided_convolution),
        mock.patch.object(strided, "convolve_back", _strided_transposed_convolution),
    ):
        yield


def _cyclic_convolution(self: CyclicConv2D, inputs: tf.Tensor) -> tf.Tensor:
    """Wraps around along angle, and lets TensorFlow pad along radius."""
    reach = self.kernel_size // 2
    wrapped = tf.concat([inputs[:, -reach:], inputs, inputs[:, :reach]], axis=1)
    outputs = -(-inputs.shape[2] // self.radial_stride)
    total = 0 if self.collapse else max((outputs - 1) * self.radial_stride + self.kernel_size - inputs.shape[2], 0)
    padding = [[0, 0], [0, 0], [total // 2, total - total // 2], [0, 0]]
    kernel = tf.convert_to_tensor(self.kernel)
    return tf.nn.conv2d(wrapped, kernel, [1, 1, self.radial_stride, 1], padding) + self.bias


def _depthwise_blur(self: CanonicalResampling, pictures: tf.Tensor) -> tf.Tensor:
    """Convolves (H, W, B, C) with a sampled Gaussian, along rows and along columns."""
    sigma = self.blur * pictures.shape[0]
    reach = int(np.ceil(3 * sigma))
    samples = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    samples = tf.constant(samples / samples.sum(), pictures.dtype)
    images = tf.transpose(pictures, [2, 0, 1, 3])
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        filters = tf.tile(tf.reshape(samples, shape), [1, 1, images.shape[3], 1])
        images = tf.nn.depthwise_conv2d(images, filters, [1, 1, 1, 1], "SAME")
    return tf.transpose(images, [1, 2, 0, 3])


def _strided_convolution(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(images, kernel, 2, "SAME")


def _strided_transposed_convolution(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    count, height, width = tf.unstack(tf.shape(features)[:3])
    count = features.shape[0] or count
    height, width = features.shape[1] or height, features.shape[2] or width
    return tf.nn.conv2d_transpose(features, kernel, [count, 2 * height, 2 * width, kernel.shape[2]], 2, "SAME")

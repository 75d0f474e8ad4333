"""Convolutions of stride 2 between a picture, which has few channels, and features.

Weights and results are those of Keras's layers. Only the way towards the picture differs: a 3x3 convolution whose
outputs are the four pixels of a place (Shi et al. 2016). TensorFlow's own takes two to three times as long on CPUs.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from etvae_tf.layers.precision import refuse_precision

__all__ = ["PictureConv2D", "PictureConv2DTranspose"]

_FIXED = ("kernel_size", "strides", "padding", "data_format")
_WHOLE = 6  # places of a kernel of stride 2 that reads three of each phase


def _to_picture(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """y[2 i + k - 2] += x[i] W[k] along both axes: (B, H, W, F) and (6, 6, C, F) to (B, 2 H, 2 W, C)."""
    channels, count = kernel.shape[2:]
    places = tf.reshape(kernel, [3, 2, 3, 2, channels, count])[::-1, :, ::-1]  # k = 2 place + phase
    phases = tf.reshape(tf.transpose(places, [0, 2, 5, 1, 3, 4]), [3, 3, count, 4 * channels])
    return tf.nn.depth_to_space(tf.nn.conv2d(features, phases, 1, "SAME"), 2)


def _to_kernel(pictures: tf.Tensor, features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The gradient to W, as TensorFlow's: features is upstream of a convolution, or input of a transposed one."""
    return tf.raw_ops.Conv2DBackpropFilter(
        input=pictures, filter_sizes=kernel.shape, out_backprop=features, strides=[1, 2, 2, 1], padding="SAME"
    )


@tf.custom_gradient
def convolve(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """(B, 2 H, 2 W, C) and (K, K, C, F), K = 5 or 6, to (B, H, W, F)."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        before = _WHOLE - kernel.shape[0]  # zeros, since "SAME" pads one pixel less there for K = 5
        to_images = _to_picture(upstream, tf.pad(kernel, [[before, 0], [before, 0], [0, 0], [0, 0]]))
        with tf.control_dependencies([to_images]):  # the whole pose waits for that, and nothing for the kernel's
            return to_images, _to_kernel(images, upstream, kernel)

    return tf.nn.conv2d(images, kernel, 2, "SAME"), gradient


@tf.custom_gradient
def convolve_back(features: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """(B, H, W, F) and (6, 6, C, F) to (B, 2 H, 2 W, C)."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.nn.conv2d(upstream, kernel, 2, "SAME"), _to_kernel(upstream, features, kernel)

    return _to_picture(features, kernel), gradient


def _without_fixed(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in _FIXED}


@keras.saving.register_keras_serializable("etvae_tf")
class PictureConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` of kernel 5, stride 2 and padding "same", whose gradient to its input is cheap.

    Input (B, H, W, C), H and W even; output (B, H / 2, W / 2, F).

    Args:
        filters: F.
        **kwargs: of `keras.layers.Conv2D`.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(filters, 5, strides=2, padding="same", data_format="channels_last", **kwargs)
        refuse_precision(self)

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """The convolution without bias and activation."""
        return convolve(inputs, tf.convert_to_tensor(kernel))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return _without_fixed(super().get_config())


@keras.saving.register_keras_serializable("etvae_tf")
class PictureConv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` of kernel 6, stride 2 and padding "same", cheap to few channels.

    Input (B, H, W, F); output (B, 2 H, 2 W, C).

    Args:
        filters: C.
        **kwargs: of `keras.layers.Conv2DTranspose`.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(filters, 6, strides=2, padding="same", data_format="channels_last", **kwargs)
        refuse_precision(self)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Features (B, H, W, F) to pictures (B, 2 H, 2 W, C)."""
        outputs = convolve_back(inputs, tf.convert_to_tensor(self.kernel))
        return self.activation(tf.nn.bias_add(outputs, self.bias) if self.use_bias else outputs)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return _without_fixed(super().get_config())

"""Decoder: from the latent to the canonical picture."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from etvae_tf.layers import PictureConv2DTranspose
from etvae_tf.layers.precision import refuse_precision

__all__ = ["Decoder"]

_SKY = -2.0  # logit of 0.12, the usual grey level of the sky: the first reconstructions are then about right


@keras.saving.register_keras_serializable("etvae_tf")
class Decoder(keras.layers.Layer):
    """Draws the canonical view of a galaxy from its latent.

    Input (B, Z); output (B, H, W, C), in (0, 1). H = W divisible by 2 ** len(filters).

    Args:
        image_size: H = W, in pixels.
        channels: C, 1 (grey) or 3 (colour).
        filters: of the stages from coarse to fine; each ends in a doubling of the picture.
    """

    def __init__(self, image_size: int, channels: int, filters: tuple[int, ...], **kwargs):
        super().__init__(**kwargs)
        refuse_precision(self)
        self.image_size = image_size
        self.channels = channels
        self.filters = tuple(filters)
        self.coarse_size = image_size // 2 ** len(self.filters)
        self.dense = keras.layers.Dense(
            self.coarse_size**2 * self.filters[0], activation="relu", kernel_initializer="he_normal", name="dense"
        )
        self.upsamplings = [
            keras.layers.Conv2DTranspose(
                count, 4, strides=2, padding="same", data_format="channels_last", activation="relu",
                kernel_initializer="he_normal", name=f"upsampling_{index}",
            )
            for index, count in enumerate(self.filters[1:])
        ]  # fmt: skip
        self.pixels = PictureConv2DTranspose(
            channels, activation="sigmoid", bias_initializer=keras.initializers.Constant(_SKY), name="pixels"
        )

    def build(self, input_shape: tuple) -> None:
        """Builds all parts for (B, Z)."""
        self.dense.build(input_shape)
        shape = (None, self.coarse_size, self.coarse_size, self.filters[0])
        for layer in [*self.upsamplings, self.pixels]:
            layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))
        self.built = True

    def call(self, latent: tf.Tensor) -> tf.Tensor:
        """Latents (B, Z) to canonical pictures (B, H, W, C)."""
        features = tf.reshape(self.dense(latent), [-1, self.coarse_size, self.coarse_size, self.filters[0]])
        for layer in self.upsamplings:
            features = layer(features)
        return self.pixels(features)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, Z) to (B, H, W, C)."""
        return (input_shape[0], self.image_size, self.image_size, self.channels)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        own = {"image_size": self.image_size, "channels": self.channels, "filters": list(self.filters)}
        return {**super().get_config(), **own}

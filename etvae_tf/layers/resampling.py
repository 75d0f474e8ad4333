"""From the picture to the canonical coordinates of a group (Eq. 3), without aliasing."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.geometry import SAMPLERS, PoseGroup, points_to_pixels
from etvae_tf.geometry.grids import inscribed_radius

__all__ = ["CanonicalResampling"]


def _gaussian_kernel(sigma: float) -> np.ndarray:
    """Normalised samples of exp(-t^2 / 2 sigma^2) to three sigma: float32 array (2 * ceil(3 sigma) + 1,)."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return (kernel / kernel.sum()).astype(np.float32)


@keras.saving.register_keras_serializable("etvae_tf")
class CanonicalResampling(keras.layers.Layer):
    """Blurs a picture isotropically and samples it on the group's canonical grid.

    A grid of A directions cannot carry detail finer than 2 pi / A at the rim; a Gaussian blur, which commutes with
    rotations, removes it first, so that a rotation by *any* angle is a shift to interpolation accuracy.

    Input (B, H, W, C); output (B, A, R, C).
    """

    def __init__(
        self, group: PoseGroup, angles: int = 64, radii: int = 16, blur: float = 0.04, sampler: str = "gather", **kwargs
    ):
        """Args:
        group: whose canonical coordinates are sampled.
        angles: A, directions.
        radii: R, rings.
        blur: standard deviation of the blur as a fraction of the picture's height; 0 for none.
        sampler: "gather" or "addons", see `geometry.SAMPLERS`.
        """
        super().__init__(**kwargs)
        self.group = group
        self.angles = angles
        self.radii = radii
        self.blur = blur
        self.sampler = sampler

    def _blurred(self, images: tf.Tensor) -> tf.Tensor:
        channels = images.shape[-1]
        kernel = _gaussian_kernel(self.blur * images.shape[1])
        for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
            filters = tf.tile(tf.reshape(kernel, shape), [1, 1, channels, 1])
            images = tf.nn.depthwise_conv2d(images, filters, [1, 1, 1, 1], "SAME")
        return images

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Images (B, H, W, C) to canonical maps (B, A, R, C)."""
        height, width, channels = images.shape[1:]
        if self.blur:
            images = self._blurred(images)
        points = self.group.canonical_points(self.angles, self.radii, inscribed_radius(height, width))
        pixels = points_to_pixels(tf.constant(points.reshape(1, -1, 2)), height, width)
        pixels = tf.repeat(pixels, tf.shape(images)[0], axis=0)
        values = SAMPLERS[self.sampler](images, pixels)
        return tf.reshape(values, [-1, self.angles, self.radii, channels])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, H, W, C) to (B, A, R, C)."""
        return (input_shape[0], self.angles, self.radii, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        own = {name: getattr(self, name) for name in ("angles", "radii", "blur", "sampler")}
        group = keras.saving.serialize_keras_object(self.group)
        return {**super().get_config(), "group": group, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CanonicalResampling:
        """The inverse of `get_config`."""
        return cls(**{**config, "group": keras.saving.deserialize_keras_object(config["group"])})

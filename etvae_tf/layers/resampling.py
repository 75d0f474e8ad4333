"""From the picture to the canonical coordinates of a group (Eq. 3), without aliasing."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.geometry import PoseGroup, bilinear_sample, points_to_pixels
from etvae_tf.geometry.grids import inscribed_radius
from etvae_tf.layers.precision import refuse_precision

__all__ = ["CanonicalResampling"]


def _blur_matrix(sigma: float, size: int) -> np.ndarray:
    """What blurs along one axis, zeros beyond the picture: float32 array (size, size).

    Each row holds normalised samples of exp(-t^2 / 2 sigma^2), to three sigma.
    """
    reach = int(np.ceil(3 * sigma))
    distance = np.arange(size)[:, None] - np.arange(size)
    samples = np.exp(-0.5 * (distance / sigma) ** 2) * (np.abs(distance) <= reach)
    return (samples / np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).sum()).astype(np.float32)


@keras.saving.register_keras_serializable("etvae_tf")
class CanonicalResampling(keras.layers.Layer):
    """Blurs a picture isotropically and samples it on the group's canonical grid.

    A grid of A directions cannot carry detail finer than 2 pi / A at the rim; a Gaussian blur, which commutes with
    rotations, removes it first, so that a rotation by *any* angle is a shift to interpolation accuracy.

    Input (B, H, W, C); output (B, A, R, C).

    Args:
        group: whose canonical coordinates are sampled.
        angles: A, directions.
        radii: R, rings.
        blur: standard deviation of the blur as a fraction of the picture's height; 0 for none.

    Raises:
        InputError: the group needs more rings.
    """

    def __init__(self, group: PoseGroup, angles: int = 64, radii: int = 16, blur: float = 0.04, **kwargs):
        super().__init__(**kwargs)
        refuse_precision(self)
        self.built = True  # it has no weights
        if radii < group.fewest_radii:
            raise InputError(
                f"{radii} radii came, but {type(group).__name__} needs at least {group.fewest_radii}; raise "
                "model.pose.radii."
            )
        self.group = group
        self.angles = angles
        self.radii = radii
        self.blur = blur

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Images (B, H, W, C) to canonical maps (B, A, R, C)."""
        height, width, channels = images.shape[1:]
        pictures = tf.transpose(images, [1, 2, 0, 3])  # all are treated alike: channels of one large picture
        if self.blur:
            pictures = self.blurred(pictures)
        points = self.group.canonical_points(self.angles, self.radii, inscribed_radius(height, width))
        positions = points_to_pixels(tf.constant(points.reshape(-1, 2)), height, width)
        values = bilinear_sample(tf.reshape(pictures, [1, height, width, -1]), tf.transpose(positions)[None])
        values = tf.reshape(values, [self.angles, self.radii, -1, channels])
        return tf.transpose(values, [2, 0, 1, 3])

    def blurred(self, pictures: tf.Tensor) -> tf.Tensor:
        """Blurs (H, W, B, C), one matrix product for each axis."""
        height, width, _, channels = pictures.shape
        sigma = self.blur * height
        rows = tf.matmul(_blur_matrix(sigma, height), tf.reshape(pictures, [height, -1]))
        columns = tf.matmul(_blur_matrix(sigma, width), tf.reshape(rows, [height, width, -1]))
        return tf.reshape(columns, [height, width, -1, channels])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, H, W, C) to (B, A, R, C)."""
        return (input_shape[0], self.angles, self.radii, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        own = {name: getattr(self, name) for name in ("angles", "radii", "blur")}
        group = keras.saving.serialize_keras_object(self.group)
        return {**super().get_config(), "group": group, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CanonicalResampling:
        """The inverse of `get_config`."""
        return cls(**{**config, "group": keras.saving.deserialize_keras_object(config["group"])})

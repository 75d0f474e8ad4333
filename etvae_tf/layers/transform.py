"""Moving pictures by predicted poses: to the canonical view, and back."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from etvae_tf.geometry import SAMPLERS, PoseGroup, RotationGroup, disc_mask, transform
from etvae_tf.layers.precision import refuse_precision

__all__ = ["Rotation", "Transform"]


@keras.saving.register_keras_serializable("etvae_tf")
class Transform(keras.layers.Layer):
    """T_pose of a picture, or its inverse; outside the inscribed disc, where a turned picture has no data, 0.

    Input images (B, H, W, C) and pose (B, P); output (B, H, W, C). Gradients reach both.

    Args:
        group: how a pose moves points.
        inverse: apply T_pose^-1, which brings a picture of that pose to the canonical view.
        sampler: "gather" or "addons", see `geometry.SAMPLERS`.
    """

    def __init__(self, group: PoseGroup, inverse: bool = False, sampler: str = "gather", **kwargs):
        super().__init__(**kwargs)
        refuse_precision(self)
        self.built = True  # it has no weights
        self.group = group
        self.inverse = inverse
        self.sampler = sampler

    def call(self, images: tf.Tensor, pose: tf.Tensor) -> tf.Tensor:
        """Moves images (B, H, W, C) by pose (B, P)."""
        moved = transform(images, -pose if self.inverse else pose, self.group, SAMPLERS[self.sampler])
        return moved * disc_mask(images.shape[1], images.shape[2])

    def compute_output_shape(self, images_shape: tuple, pose_shape: tuple | None = None) -> tuple:
        """As the images'."""
        return tuple(images_shape)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        group = keras.saving.serialize_keras_object(self.group)
        return {**super().get_config(), "group": group, "inverse": self.inverse, "sampler": self.sampler}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Transform:
        """The inverse of `get_config`."""
        return cls(**{**config, "group": keras.saving.deserialize_keras_object(config["group"])})


@keras.saving.register_keras_serializable("etvae_tf")
class Rotation(Transform):
    """`Transform` of the rotation group: pose (B, 1) is an angle in radians, counter-clockwise.

    Args:
        inverse: turn clockwise instead.
        group: set only when rebuilt from a config.
    """

    def __init__(self, inverse: bool = False, group: PoseGroup | None = None, **kwargs):
        super().__init__(group or RotationGroup(), inverse, **kwargs)

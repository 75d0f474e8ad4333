"""Pose prediction of the Equivariant Transformer (Eq. 3; Tai et al. 2019)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.geometry import SAMPLERS, PoseGroup, RotationGroup, angular_moments, disc_mask, transform
from etvae_tf.geometry.grids import inscribed_radius
from etvae_tf.layers.cyclic import CyclicConv2D
from etvae_tf.layers.precision import refuse_precision
from etvae_tf.layers.resampling import CanonicalResampling

__all__ = ["Pose", "RotationPose"]

_FLAT = 1e-6  # logits; below this spread a map counts as flat and its pose is the group's zero


@keras.saving.register_keras_serializable("etvae_tf")
class Pose(keras.layers.Layer):
    """Predicts a pose that moves with the picture: pose(T_theta x) = pose(x) + theta.

    Picture -> inscribed disc -> canonical coordinates -> cyclic convolutions -> one logit per direction, standardised
    per picture -> softmax -> the group's mean, from `zero` on: a constant, and any choice of it obeys the law.
    Activations are smooth (SiLU), since a kink makes frequencies that the angular grid folds back, and that breaks it.

    Input (B, H, W, C) in [0, 1]; output (B, P) in the group's units.

    Args:
        group: which transformations.
        filters: of the cyclic convolutions.
        angles, radii, blur: of the canonical grid, see `CanonicalResampling`.
        sampler: of turned pictures, "gather" or "addons", see `geometry.SAMPLERS`.
    """

    def __init__(
        self,
        group: PoseGroup,
        filters: tuple[int, ...] = (16, 16, 16),
        angles: int = 64,
        radii: int = 16,
        blur: float = 0.04,
        sampler: str = "gather",
        **kwargs,
    ):
        super().__init__(**kwargs)
        refuse_precision(self)
        self.group = group
        self.filters = tuple(filters)
        self.angles = angles
        self.radii = radii
        self.blur = blur
        self.sampler = sampler
        self.resampling = CanonicalResampling(group, angles, radii, blur, name="canonical_resampling")
        one_axis = group.equivariant_axes == 1  # radius is then free to be reduced
        stride = 2 if one_axis else 1
        self.convolutions = [
            CyclicConv2D(count, radial_stride=stride, name=f"cyclic_{index}")
            for index, count in enumerate(self.filters)
        ]
        self.logits = CyclicConv2D(1, collapse=one_axis, name="logits")

    def build(self, input_shape: tuple) -> None:
        """Builds the convolutions for (B, H, W, C)."""
        shape = self.resampling.compute_output_shape(input_shape)
        for layer in [*self.convolutions, self.logits]:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.sharpness = self.add_weight(name="sharpness", shape=(), initializer="ones")
        zero_shape = (len(self.group.parameters),)
        self.zero = self.add_weight(name="zero", shape=zero_shape, initializer="zeros", trainable=False)
        self.built = True

    @property
    def same_after_half_turn(self) -> bool:
        """Whether a picture turned by pi has the picture's pose, to rounding.

        It does in a group of rotations where pi is a multiple of 2 pi / m, and where every direction of the canonical
        grid has an opposite one.
        """
        return self.group.rotates and self.group.order % 2 == 0 and self.angles % 2 == 0

    def canonical_logits(self, images: tf.Tensor) -> tf.Tensor:
        """The standardised map that the pose is read from: (B, A, R')."""
        height, width = images.shape[1:3]
        maps = self.resampling(images * disc_mask(height, width))
        for layer in self.convolutions:
            maps = tf.nn.silu(layer(maps))
        logits = self.logits(maps)[..., 0]
        mean, variance = tf.nn.moments(logits, [1, 2], keepdims=True)
        return self.sharpness * (logits - mean) * tf.math.rsqrt(variance + _FLAT**2)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Images (B, H, W, C) to poses (B, P)."""
        radius = inscribed_radius(images.shape[1], images.shape[2])
        pose = self.group.read_pose(self.canonical_logits(images), radius)
        return self.group.difference(pose, tf.convert_to_tensor(self.zero)[None])

    def make_upright(self, images: tf.Tensor) -> None:
        """Moves `zero` so that canonical views stand upright: their common major axis becomes vertical.

        A pose of order m > 2 is known modulo 2 pi / m only, so canonical views share no axis; what they share is where
        their light lies modulo 2 pi / m, and that is turned upwards. Which way canonical views face is arbitrary, and
        training turns it slowly.

        Args:
            images: float tensor (B, H, W, C), in [0, 1]; enough that round galaxies do not decide.
        """
        order = max(self.group.order, 2)
        turned_back = angular_moments(images, order) * np.exp(-1j * order * self(images)[:, 0].numpy())
        axis = np.angle(turned_back.sum()) / order  # counter-clockwise from the right; canonical views turn with zero
        zero = self.zero.numpy()
        zero[0] += np.pi / 2 - axis
        self.zero.assign(zero)

    def check_equivariance(self, images: tf.Tensor, seed: int = 0) -> np.ndarray:
        """How far pose(T_a x) is from pose(x) + a for random a.

        Args:
            images: float tensor (B, H, W, C), in [0, 1].
            seed: of the random transformations, one per picture.

        Returns:
            float array (B, P), absolute errors in the group's units (radians; log scale); the angle modulo 2 pi / m.
        """
        images = tf.convert_to_tensor(images)
        elements = self.group.sample(images.shape[0], seed)
        moved = transform(images, elements, self.group, SAMPLERS[self.sampler])
        error = self.group.difference(self(moved), self(images) + elements)
        return np.abs(error.numpy())

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, H, W, C) to (B, P)."""
        return (input_shape[0], len(self.group.parameters))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        own = {name: getattr(self, name) for name in ("angles", "radii", "blur", "sampler")}
        group = keras.saving.serialize_keras_object(self.group)
        return {**super().get_config(), "group": group, "filters": list(self.filters), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Pose:
        """The inverse of `get_config`."""
        return cls(**{**config, "group": keras.saving.deserialize_keras_object(config["group"])})


@keras.saving.register_keras_serializable("etvae_tf")
class RotationPose(Pose):
    """`Pose` of the rotation group: output (B, 1), an angle in radians in [-pi / m, pi / m].

    Args:
        order: m of the circular mean; 1 is the paper's, 2 suits two-fold symmetric galaxies.
        group: set only when rebuilt from a config.
    """

    def __init__(self, order: int = 2, group: PoseGroup | None = None, **kwargs):
        super().__init__(group or RotationGroup(order), **kwargs)

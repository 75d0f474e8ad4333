"""Groups of transformations with their canonical coordinates (Eq. 3): rho(T_theta x) = rho(x) + theta.

A group says where the canonical coordinates lie, how a pose is read off a feature map over them, and how a pose moves
points. A new one (translation, say) is a new class here; layers and model stay as they are.
"""

from __future__ import annotations

import abc
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.geometry.angles import angle_difference, circular_mean, rotation
from etvae_tf.geometry.grids import log_polar_points, polar_points

__all__ = ["GROUPS", "PoseGroup", "RotationGroup", "RotationScaleGroup"]


class PoseGroup(abc.ABC):
    """A commutative group of transformations of the plane with P parameters; poses add, and -pose is the inverse.

    Attributes:
        parameters: names of the P parameters.
        equivariant_axes: how many of the two canonical axes are shifted by the group (the first, or both).
        fewest_radii: that its canonical grid can have.
        rotates: whether it has all rotations about the middle, by parameter 0.

    Args:
        order: m of the circular mean, >= 1; angles are determined modulo 2 pi / m.
    """

    parameters: tuple[str, ...]
    equivariant_axes: int
    fewest_radii = 1
    rotates = False

    def __init__(self, order: int = 2):
        if order < 1:
            raise InputError(f"pose order {order} came, but a whole number >= 1 was expected; 1 is the paper's.")
        self.order = order

    @property
    def angle_period(self) -> float:
        """2 pi / m, in radians."""
        return 2 * math.pi / self.order

    @abc.abstractmethod
    def canonical_points(self, angles: int, radii: int, radius: float) -> np.ndarray:
        """Where the canonical coordinates lie in the picture: float32 array (A, R, 2) of (x, y) in pixels."""

    @abc.abstractmethod
    def read_pose(self, logits: tf.Tensor, radius: float) -> tf.Tensor:
        """Pose (B, P) from an equivariant map of logits (B, A, R) over a disc of `radius` pixels."""

    @abc.abstractmethod
    def affine(self, pose: tf.Tensor) -> tf.Tensor:
        """How each pose (B, P) moves points (x, y, 1): float tensor (B, 2, 3)."""

    @abc.abstractmethod
    def sample(self, count: int, seed: int) -> tf.Tensor:
        """Random poses (count, P) as a function of `seed`."""

    def difference(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        """first - second, (B, P); the angle (parameter 0) modulo 2 pi / m."""
        angle = angle_difference(first[:, :1], second[:, :1], self.angle_period)
        return tf.concat([angle, first[:, 1:] - second[:, 1:]], axis=1)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the group."""
        return {"order": self.order}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PoseGroup:
        """The inverse of `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable("etvae_tf")
class RotationGroup(PoseGroup):
    """Rotations about the middle: pose (B, 1) = angle in radians; canonical coordinates are polar."""

    parameters = ("angle",)
    equivariant_axes = 1
    rotates = True

    def canonical_points(self, angles: int, radii: int, radius: float) -> np.ndarray:
        """Polar grid (A, R, 2)."""
        return polar_points(angles, radii, radius)

    def read_pose(self, logits: tf.Tensor, radius: float) -> tf.Tensor:
        """Circular mean of the softmax profile over directions: (B, 1), in [-pi / m, pi / m]."""
        weights = tf.nn.softmax(tf.reduce_mean(logits, axis=2), axis=-1)
        return circular_mean(weights, self.order)[:, None]

    def affine(self, pose: tf.Tensor) -> tf.Tensor:
        """Turns by each angle (B, 1): (B, 2, 3)."""
        return rotation(pose[:, 0])

    def sample(self, count: int, seed: int) -> tf.Tensor:
        """Angles (count, 1), uniform in [-pi, pi)."""
        return tf.random.stateless_uniform([count, 1], [seed, 0], -math.pi, math.pi)


@keras.saving.register_keras_serializable("etvae_tf")
class RotationScaleGroup(PoseGroup):
    """Rotation and magnification: pose (B, 2) = (angle in radians, log scale); coordinates are log-polar.

    Log scale is relative to a galaxy whose weight lies at the geometric mean radius; the log-radius axis ends at the
    picture's edge, so equivariance to scale holds only as far as the galaxy stays inside.
    """

    parameters = ("angle", "log_scale")
    equivariant_axes = 2
    fewest_radii = 2
    rotates = True

    def canonical_points(self, angles: int, radii: int, radius: float) -> np.ndarray:
        """Log-polar grid (A, R, 2)."""
        return log_polar_points(angles, radii, radius)

    def read_pose(self, logits: tf.Tensor, radius: float) -> tf.Tensor:
        """Circular mean over directions and plain mean over log radius of one joint softmax: (B, 2)."""
        angles, radii = logits.shape[1:]
        joint = tf.reshape(tf.nn.softmax(tf.reshape(logits, [-1, angles * radii])), [-1, angles, radii])
        log_radius = math.log(radius) * (tf.range(radii, dtype=logits.dtype) / (radii - 1) - 0.5)
        angle = circular_mean(tf.reduce_sum(joint, axis=2), self.order)
        return tf.stack([angle, tf.linalg.matvec(tf.reduce_sum(joint, axis=1), log_radius)], axis=1)

    def affine(self, pose: tf.Tensor) -> tf.Tensor:
        """Turns and multiplies by exp(log scale): (B, 2, 3)."""
        return rotation(pose[:, 0]) * tf.exp(pose[:, 1])[:, None, None]

    def sample(self, count: int, seed: int) -> tf.Tensor:
        """Angles uniform in [-pi, pi), log scales uniform in [-0.2, 0.2): (count, 2)."""
        unit = tf.random.stateless_uniform([count, 2], [seed, 0], -1.0, 1.0)
        return unit * [math.pi, 0.2]


GROUPS = {"rotation": RotationGroup, "rotation_scale": RotationScaleGroup}

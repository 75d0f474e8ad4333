"""Angles: rotations, averages and differences on the circle. The direction of a rotation is said here only."""

from __future__ import annotations

import math

import tensorflow as tf

__all__ = ["angle_difference", "circular_mean", "rotation"]

_FLAT = 1e-7  # keeps atan2 differentiable for a perfectly flat profile, whose angle is then 0


def rotation(angles: tf.Tensor) -> tf.Tensor:
    """Affine maps of points (x, y, 1) that turn them counter-clockwise about the origin.

    Args:
        angles: float tensor (B,), in radians.

    Returns:
        float tensor (B, 2, 3).
    """
    cosine, sine, zero = tf.cos(angles), tf.sin(angles), tf.zeros_like(angles)
    return tf.stack([tf.stack([cosine, -sine, zero], axis=-1), tf.stack([sine, cosine, zero], axis=-1)], axis=-2)


def angle_difference(first: tf.Tensor, second: tf.Tensor, period: float = 2 * math.pi) -> tf.Tensor:
    """first - second modulo `period`, nearest to zero: in [-period / 2, period / 2]; all in radians."""
    difference = tf.convert_to_tensor(first) - second
    return difference - period * tf.round(difference / period)


def circular_mean(weights: tf.Tensor, order: int = 1) -> tf.Tensor:
    """Circular mean of harmonic order m over A directions t_k = 2 pi k / A.

        angle = atan2(sum_k w_k sin(m t_k), sum_k w_k cos(m t_k)) / m

    Args:
        weights: float tensor (B, A), >= 0.
        order: m; 1 is the paper's, 2 gives the axis of two-fold symmetric profiles.

    Returns:
        float tensor (B,), in [-pi / m, pi / m] radians; 0 for a flat profile.
    """
    count = weights.shape[-1]
    phase = order * 2 * math.pi * tf.range(count, dtype=weights.dtype) / count
    sine = tf.reduce_sum(weights * tf.sin(phase), axis=-1)
    cosine = tf.reduce_sum(weights * tf.cos(phase), axis=-1)
    return tf.atan2(sine, cosine + _FLAT) / order

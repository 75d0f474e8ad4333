"""Moving pictures: every pixel of the result is sampled once from the original (Eq. 3's T_theta)."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from etvae_tf.geometry.grids import pixel_points, points_to_pixels
from etvae_tf.geometry.groups import PoseGroup, RotationGroup
from etvae_tf.geometry.sampling import bilinear_sample

__all__ = ["rotate", "transform"]


def transform(
    images: tf.Tensor, pose: tf.Tensor, group: PoseGroup, sampler: Callable[..., tf.Tensor] = bilinear_sample
) -> tf.Tensor:
    """T_pose of each picture: out(p) = in(T_pose^-1 p).

    Args:
        images: float tensor (B, H, W, C).
        pose: float tensor (B, P), in the group's units.
        group: how a pose moves points.
        sampler: bilinear sampling of (B, H, W, C) at (B, N, 2).

    Returns:
        float tensor (B, H, W, C); where the moved picture has no data, the nearest edge.
    """
    height, width = images.shape[1:3]
    sources = group.act(tf.constant(pixel_points(height, width)), -pose)
    values = sampler(images, points_to_pixels(sources, height, width))
    return tf.reshape(values, [-1, height, width, images.shape[3]])


def rotate(images: tf.Tensor, angles: tf.Tensor, sampler: Callable[..., tf.Tensor] = bilinear_sample) -> tf.Tensor:
    """Turns each picture counter-clockwise about its middle; pi / 2 equals `np.rot90`.

    Args:
        images: float tensor (B, H, W, C), square.
        angles: float tensor (B,), in radians.
        sampler: as in `transform`.

    Returns:
        float tensor (B, H, W, C); corners without data repeat the nearest edge (see `disc_mask`).
    """
    return transform(images, angles[:, None], RotationGroup(), sampler)

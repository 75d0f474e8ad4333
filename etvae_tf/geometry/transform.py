"""Moving pictures: every pixel of the result is sampled once from the original (Eq. 3's T_theta)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from etvae_tf.geometry.angles import rotation
from etvae_tf.geometry.grids import pixel_points
from etvae_tf.geometry.groups import PoseGroup
from etvae_tf.geometry.sampling import bilinear_sample

__all__ = ["rotate", "transform", "warp"]


def warp(images: tf.Tensor, affine: tf.Tensor, sampler: Callable[..., tf.Tensor] = bilinear_sample) -> tf.Tensor:
    """Samples each picture where an affine map sends its pixels: out(p) = in(A p).

    Args:
        images: float tensor (B, H, W, C).
        affine: float tensor (B, 2, 3), A: maps (x, y, 1), in pixels from the middle.
        sampler: bilinear sampling of (B, H, W, C) at (B, 2, N).

    Returns:
        float tensor (B, H, W, C); where A p lies outside the picture, the nearest edge.
    """
    height, width = images.shape[1:3]
    points = np.concatenate([pixel_points(height, width).T, np.ones([1, height * width], np.float32)])
    middle = np.array([[0, 0, (height - 1) / 2], [0, 0, (width - 1) / 2]], np.float32)
    to_pixels = middle + tf.stack([-affine[:, 1], affine[:, 0]], axis=1)  # (x, y, 1) to (row, column)
    positions = tf.matmul(tf.reshape(to_pixels, [-1, 3]), points)  # one product, not one a picture
    positions = tf.reshape(positions, [-1, 2, height * width])
    return tf.reshape(sampler(images, positions), [-1, height, width, images.shape[3]])


def transform(
    images: tf.Tensor, pose: tf.Tensor, group: PoseGroup, sampler: Callable[..., tf.Tensor] = bilinear_sample
) -> tf.Tensor:
    """T_pose of each picture: out(p) = in(T_pose^-1 p).

    Args:
        images: float tensor (B, H, W, C).
        pose: float tensor (B, P), in the group's units.
        group: how a pose moves points.
        sampler: as in `warp`.

    Returns:
        float tensor (B, H, W, C); where the moved picture has no data, the nearest edge.
    """
    return warp(images, group.affine(-pose), sampler)


def rotate(images: tf.Tensor, angles: tf.Tensor, sampler: Callable[..., tf.Tensor] = bilinear_sample) -> tf.Tensor:
    """Turns each picture counter-clockwise about its middle; pi / 2 equals `np.rot90`.

    Args:
        images: float tensor (B, H, W, C), square.
        angles: float tensor (B,), in radians.
        sampler: as in `warp`.

    Returns:
        float tensor (B, H, W, C); corners without data repeat the nearest edge (see `disc_mask`).
    """
    return warp(images, rotation(-angles), sampler)

"""Grids of points in the plane, in pixels from the middle of the picture (x right, y up)."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

__all__ = ["disc_mask", "log_polar_points", "pixel_points", "points_to_pixels", "polar_points"]


def pixel_points(height: int, width: int) -> np.ndarray:
    """The centres of all pixels, row by row: float32 array (H * W, 2) of (x, y)."""
    y = (height - 1) / 2 - np.arange(height)
    x = np.arange(width) - (width - 1) / 2
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    return grid.reshape(-1, 2).astype(np.float32)


def points_to_pixels(points: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Turns (x, y) from the middle into (row, column) from the top left corner.

    Args:
        points: float tensor (..., 2), in pixels.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        float tensor (..., 2); whole numbers are pixel centres.
    """
    x, y = tf.unstack(points, axis=-1)
    return tf.stack([(height - 1) / 2 - y, x + (width - 1) / 2], axis=-1)


def inscribed_radius(height: int, width: int) -> float:
    """Radius in pixels up to which every rotated picture has data: the outermost pixel *centres*."""
    return (min(height, width) - 1) / 2


def disc_mask(height: int, width: int) -> np.ndarray:
    """1 inside the inscribed disc and 0 outside: float32 array (H, W, 1)."""
    squared = np.sum(pixel_points(height, width) ** 2, axis=-1)
    inside = squared <= inscribed_radius(height, width) ** 2 + 1e-3  # rounding of half-integers squared
    return inside.reshape(height, width, 1).astype(np.float32)


def _at_radii(angles: int, radii: np.ndarray) -> np.ndarray:
    """Points at t_k = 2 pi k / A on each radius: no end point is repeated, so the grid is exactly periodic."""
    angle = 2 * math.pi * np.arange(angles) / angles
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return (direction[:, None, :] * radii[None, :, None]).astype(np.float32)


def polar_points(angles: int, radii: int, radius: float) -> np.ndarray:
    """Polar grid (Eq. 3 for rotations): turning the picture is a cyclic shift along the first axis.

    Args:
        angles: A, number of directions t_k = 2 pi k / A.
        radii: R, number of equidistant rings, at (j + 1/2) / R of `radius`.
        radius: of the whole disc, in pixels.

    Returns:
        float32 array (A, R, 2) of (x, y).
    """
    return _at_radii(angles, radius * (np.arange(radii) + 0.5) / radii)


def log_polar_points(angles: int, radii: int, radius: float) -> np.ndarray:
    """Log-polar grid (Eq. 3 for rotation and scale): magnifying is a shift along the second axis.

    Args:
        angles: A, number of directions t_k = 2 pi k / A.
        radii: R >= 2, number of rings, equidistant in log radius from 1 pixel to `radius`.
        radius: of the outermost ring, in pixels.

    Returns:
        float32 array (A, R, 2) of (x, y).
    """
    return _at_radii(angles, np.geomspace(1.0, radius, radii))

"""Second moments of light: which way a picture is elongated."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from etvae_tf.geometry.grids import disc_mask, pixel_points

__all__ = ["major_axis_moments"]


def major_axis_moments(images: tf.Tensor) -> np.ndarray:
    """Sum of light times (x + i y)^2 inside the inscribed disc, above the picture's median (the sky).

    Args:
        images: float tensor (B, H, W, C).

    Returns:
        complex array (B,): half its argument is the major axis, in radians counter-clockwise from the right; its
        modulus is small for round and for faint pictures.
    """
    light = np.mean(images, axis=-1).reshape(images.shape[0], -1)
    height, width = images.shape[1:3]
    inside = disc_mask(height, width).ravel() > 0
    above = np.maximum(light - np.median(light[:, inside], axis=1, keepdims=True), 0)[:, inside]
    x, y = pixel_points(height, width)[inside].T
    return above @ (x + 1j * y) ** 2

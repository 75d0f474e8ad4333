"""Angular moments of light: which way a picture is elongated, or where its arms point."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from etvae_tf.geometry.grids import disc_mask, pixel_points

__all__ = ["angular_moments"]


def angular_moments(images: tf.Tensor, order: int = 2) -> np.ndarray:
    """Sum of light times r^2 exp(i m angle) inside the inscribed disc, above the picture's median (the sky).

    Args:
        images: float tensor (B, H, W, C).
        order: m >= 2; 2 gives second moments, the major axis.

    Returns:
        complex array (B,): its argument divided by m is where the light lies, modulo 2 pi / m, in radians
        counter-clockwise from the right; its modulus is small for round and for faint pictures.
    """
    light = np.mean(images, axis=-1).reshape(images.shape[0], -1)
    height, width = images.shape[1:3]
    inside = disc_mask(height, width).ravel() > 0
    above = np.maximum(light - np.median(light[:, inside], axis=1, keepdims=True), 0)[:, inside]
    x, y = pixel_points(height, width)[inside].T
    place = x + 1j * y
    return above @ (place**2 * np.exp(1j * (order - 2) * np.angle(place)))

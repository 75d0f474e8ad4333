"""Bilinear sampling of a batch of pictures at real-valued pixel positions, with gradients to both."""

from __future__ import annotations

import tensorflow as tf

from etvae_tf import compat

__all__ = ["SAMPLERS", "bilinear_sample"]


def _corner(position: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The lower of the two neighbours, and how far on to the next: both clamped to the picture.

    The neighbour is clamped as a whole number, so that a NaN position gives a NaN and not a place outside memory.
    """
    lower = tf.clip_by_value(tf.cast(tf.floor(position), tf.int32), 0, size - 2)
    return lower, tf.clip_by_value(position - tf.cast(lower, position.dtype), 0.0, 1.0)


def bilinear_sample(images: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Samples each picture at its own positions.

        s(r, c) = sum over the four neighbours of (1 - |r - r_i|) (1 - |c - c_i|) image[r_i, c_i]

    Positions outside the picture take the value of the nearest edge; their gradient is zero.

    Args:
        images: float tensor (B, H, W, C); H, W >= 2.
        pixels: float tensor (B, N, 2) of (row, column).

    Returns:
        float tensor (B, N, C). Gradients reach `images` and `pixels`.
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    channels = images.shape[-1]
    row, row_step = _corner(pixels[..., 0], height)
    column, column_step = _corner(pixels[..., 1], width)
    index = (tf.range(batch)[:, None] * height + row) * width + column
    flat = tf.reshape(images, [-1, channels])
    row_step, column_step = row_step[..., None], column_step[..., None]
    top_left, top_right = tf.gather(flat, index), tf.gather(flat, index + 1)
    low_left, low_right = tf.gather(flat, index + width), tf.gather(flat, index + width + 1)
    top = top_left + column_step * (top_right - top_left)
    low = low_left + column_step * (low_right - low_left)
    return top + row_step * (low - top)


SAMPLERS = {"gather": bilinear_sample, "addons": compat.addons_bilinear_sample}

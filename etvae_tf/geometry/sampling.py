"""Bilinear sampling of a batch of pictures at real-valued pixel positions, with gradients to both."""

from __future__ import annotations

import tensorflow as tf

from etvae_tf import compat

__all__ = ["SAMPLERS", "bilinear_sample"]


def _corner(positions: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The lower of the two neighbours, and how far on to the next: both clamped to the picture.

    The neighbour is clamped as a whole number, so that a NaN position gives a NaN and not a place outside memory.
    """
    lower = tf.clip_by_value(tf.cast(tf.floor(positions), tf.int32), 0, size - 2)
    return lower, tf.clip_by_value(positions - tf.cast(lower, positions.dtype), 0.0, 1.0)


@tf.custom_gradient
def bilinear_sample(images: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Samples each picture at its own positions.

        s(r, c) = sum over the four neighbours of (1 - |r - r_i|) (1 - |c - c_i|) image[r_i, c_i]

    Positions outside the picture take the value of the nearest edge; their gradient is zero.

    The gradient is written out, since TensorFlow's own takes longer: it follows every clamp and slice backwards.

    Args:
        images: float tensor (B, H, W, C); H, W >= 2.
        positions: float tensor (B, 2, N), rows and columns.

    Returns:
        float tensor (B, N, C). Gradients reach `images` and `positions`.
    """
    batch, height, width, channels = tf.unstack(tf.shape(images))
    row, row_step = _corner(positions[:, 0], height)
    column, column_step = _corner(positions[:, 1], width)
    upper = (tf.range(batch)[:, None] * height + row) * width + column
    row_step, column_step = row_step[..., None], column_step[..., None]
    neighbours = [upper, upper + 1, upper + width, upper + width + 1]
    flat = tf.reshape(images, [-1, channels])
    top_left, top_right, low_left, low_right = (tf.gather_nd(flat, place[..., None]) for place in neighbours)
    along_top, along_low = top_right - top_left, low_right - low_left
    top = top_left + column_step * along_top
    down = low_left + column_step * along_low - top

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        across = along_top + row_step * (along_low - along_top)
        slopes = tf.stack([tf.reduce_sum(upstream * slope, axis=-1) for slope in (down, across)], axis=1)
        last = tf.cast(tf.stack([height, width])[:, None] - 1, positions.dtype)
        inside = tf.cast((positions >= 0) & (positions <= last), positions.dtype)
        return _gradient_to_images(upstream, upper, row_step, column_step, tf.shape(images)), slopes * inside

    return top + row_step * down, gradient


def _gradient_to_images(
    upstream: tf.Tensor, upper: tf.Tensor, row_step: tf.Tensor, column_step: tf.Tensor, shape: tf.Tensor
) -> tf.Tensor:
    """What flows back to (B, H, W, C) from (B, N, C).

    Channel by channel, since sums of single numbers are faster, and two neighbours in a row as one complex number.
    """
    batch, height, width, channels = tf.unstack(shape)
    size = batch * height * width
    shares = tf.transpose(upstream, [2, 0, 1])
    row_step, column_step = row_step[..., 0], column_step[..., 0]
    low = shares * row_step
    place = upper + tf.range(channels)[:, None, None] * size
    sums = []
    for share, there in ((shares - low, place), (low, place + width)):
        right = share * column_step
        sums.append(tf.math.unsorted_segment_sum(tf.complex(share - right, right), there, channels * size))
    pairs = tf.add_n(sums)
    planes = tf.math.real(pairs) + tf.roll(tf.math.imag(pairs), 1, axis=0)
    return tf.transpose(tf.reshape(planes, [channels, batch, height, width]), [1, 2, 3, 0])


SAMPLERS = {"gather": bilinear_sample, "addons": compat.addons_bilinear_sample}

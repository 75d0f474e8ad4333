"""Views of a galaxy: they shall lie closer than views of different galaxies."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["view_contrast"]

_TEMPERATURE = 0.2


def view_contrast(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Normalised temperature-scaled cross entropy (Chen et al. 2020, Eq. 1; for galaxies Hayat et al. 2021).

    Each view of a galaxy has to find the other one among the 2 B - 1 other views of the batch, by cosine similarity.

    Args:
        first: float tensor (B, D), one view of each galaxy; B > 1.
        second: float tensor (B, D), another view of the same galaxies.

    Returns:
        float tensor (B,), in nats: the mean over both views of a galaxy; log(2 B - 1) when similarities say nothing.
    """
    count = tf.shape(first)[0]
    views = tf.math.l2_normalize(tf.concat([first, second], axis=0), axis=-1)
    similarity = tf.matmul(views, views, transpose_b=True) / _TEMPERATURE
    similarity = tf.linalg.set_diag(similarity, tf.fill([2 * count], similarity.dtype.min))  # no view finds itself
    partner = tf.concat([tf.range(count) + count, tf.range(count)], axis=0)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(partner, similarity)
    return (losses[:count] + losses[count:]) / 2

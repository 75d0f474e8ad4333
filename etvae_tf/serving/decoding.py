"""Predictions of picture files: every file gets a row, and one that is no picture harms no other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from etvae_tf.data.images import preprocess, to_float

__all__ = ["decode_files", "predict_decoded", "predict_files"]


def predict_files(
    predict: Callable[..., dict[str, tf.Tensor]],
    image_bytes: tf.Tensor,
    image_size: int,
    channels: int,
    crop_fraction: float = 1.0,
) -> dict[str, tf.Tensor]:
    """What `predict` says of picture files.

    Args:
        predict: takes `images`, float32 (B, H, W, C) in [0, 1], and gives float tensors (B,) or (B, D).
        image_bytes: string (B,), picture files.
        image_size: H = W, in pixels.
        channels: C, 1 or 3.
        crop_fraction: central part of a picture that is kept, in (0, 1].

    Returns:
        The outputs of `predict`, and ok, bool (B,); NaN and ok = false in the rows that cannot be decoded.
    """
    return predict_decoded(predict, *decode_files(image_bytes, image_size, channels, crop_fraction))


def predict_decoded(
    predict: Callable[..., dict[str, tf.Tensor]], pictures: tf.Tensor, ok: tf.Tensor
) -> dict[str, tf.Tensor]:
    """As `predict_files`, of what `decode_files` gives."""
    outputs = predict(images=to_float(pictures))
    rows = {1: ok, 2: ok[:, None]}
    nan = tf.constant(np.nan, tf.float32)
    return {name: tf.where(rows[len(values.shape)], values, nan) for name, values in outputs.items()} | {"ok": ok}


def decode_files(
    image_bytes: tf.Tensor, image_size: int, channels: int, crop_fraction: float = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pictures as training sees them, uint8 (B, H, W, C), and which (B,) could be decoded; the others are black.

    A decoder's error would end the whole call; only a dataset passes over it. A black picture follows the decoded
    ones, since there must be one, and stands in for those that are missing.
    """
    count = tf.size(image_bytes)
    shape = (image_size, image_size, channels)

    def decode(row: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return row, preprocess(encoded, image_size, channels, crop_fraction)

    files = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
    decoded = files.map(decode, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors(log_warning=False)
    black = tf.data.Dataset.from_tensors((count, tf.zeros(shape, tf.uint8)))
    everything = decoded.concatenate(black).batch(tf.cast(count, tf.int64) + 1)
    rows, pictures = everything.get_single_element()
    last = tf.size(rows) - 1
    places = tf.tensor_scatter_nd_update(tf.fill([count + 1], last), rows[:, None], tf.range(last + 1))[:-1]
    return tf.ensure_shape(tf.gather(pictures, places), (None, *shape)), places < last

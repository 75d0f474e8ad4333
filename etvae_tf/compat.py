"""All that differs between the two stacks, TensorFlow 2.15 with Keras 2 and TensorFlow 2.21 with Keras 3."""

from __future__ import annotations

import tensorflow as tf

from etvae_tf.errors import InputError

__all__ = ["addons_bilinear_sample"]


def addons_bilinear_sample(images: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """`tfa.image.interpolate_bilinear` behind the signature of `geometry.bilinear_sample`.

    Args:
        images: float tensor (B, H, W, C).
        positions: float tensor (B, 2, N), rows and columns.

    Returns:
        float tensor (B, N, C).

    Raises:
        InputError: tensorflow-addons is not installed (it does not import after TensorFlow 2.15).
    """
    try:
        import tensorflow_addons as tfa
    except ImportError as error:
        raise InputError(
            "sampler='addons' needs tensorflow-addons, which is not installed; use sampler='gather', or install "
            "the extra '.[addons]' on Python 3.10 or 3.11."
        ) from error
    return tfa.image.interpolate_bilinear(images, tf.linalg.matrix_transpose(positions), indexing="ij")

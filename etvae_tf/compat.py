"""All that differs between the two stacks, TensorFlow 2.15 with Keras 2 and TensorFlow 2.21 with Keras 3."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from etvae_tf.errors import InputError

__all__ = ["addons_bilinear_sample", "allow_saving", "require_tensorflow_backend"]


def require_tensorflow_backend() -> None:
    """Raises an ImportError where Keras 3 is set to another backend, installed or not."""
    try:
        import keras

        backend = keras.backend.backend()
    except ModuleNotFoundError as error:
        if error.name not in ("jax", "torch", "openvino"):
            raise
        backend = error.name
    if backend != "tensorflow":
        raise ImportError(
            f"Keras has the backend {backend}, but etvae_tf is written for TensorFlow; set KERAS_BACKEND=tensorflow in "
            "the environment before Keras is imported."
        ) from None


def allow_saving(model: Any, input_shape: tuple) -> None:
    """Lets `tf.saved_model.save` take a model that was never called, which Keras 2 refuses.

    Args:
        model: of Keras.
        input_shape: of its pictures, (B, H, W, C).
    """
    if hasattr(model, "_set_save_spec"):  # there is no public way to say it
        model._set_save_spec(tf.TensorSpec(input_shape, tf.float32), [], {})


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

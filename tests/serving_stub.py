"""A model with the signatures of an exported one and arithmetic that a test can repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from etvae_tf.serving.warmup import write_warmup

SIZE, CHANNELS = 8, 1


def stub_outputs(values: tf.Tensor, scale: float) -> dict[str, tf.Tensor]:
    """Fractions of two answers from one value (B,) in [0, 1]."""
    first = values * scale
    return {
        "vote_fractions": tf.stack([first, 1.0 - first], axis=-1),
        "vote_concentration": 4.0 * tf.stack([first, 1.0 - first], axis=-1),
        "n_votes": 20.0 * tf.ones_like(tf.stack([first, first], axis=-1)),
        "pose_angle": first - 1.0,
    }


class StubServable(tf.Module):
    """`scale` tells the versions apart."""

    def __init__(self, scale: float):
        super().__init__()
        self.scale = scale

    @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, CHANNELS), tf.float32, "images")])
    def predict(self, images):
        return stub_outputs(tf.reduce_mean(images, axis=(1, 2, 3)), self.scale)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "image_bytes")])
    def predict_bytes(self, image_bytes):
        ok = tf.equal(tf.strings.substr(image_bytes, 0, 2), b"\xff\xd8")
        values = tf.cast(tf.strings.length(image_bytes) % 1000, tf.float32) / 1000.0
        outputs = stub_outputs(tf.where(ok, values, np.float32(np.nan)), self.scale)
        return {**outputs, "ok": ok}

    @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, CHANNELS), tf.float32, "images")])
    def canonicalise(self, images):
        return {"canonical": tf.image.rot90(images), "pose_angle": tf.zeros(tf.shape(images)[:1])}

    @tf.function(input_signature=[tf.TensorSpec((None, SIZE, SIZE, CHANNELS), tf.float32, "images")])
    def reconstruct(self, images):
        return {"reconstruction": images / 2.0, "elbo": -tf.reduce_sum(images, axis=(1, 2, 3))}


def write_version(folder: Path, scale: float) -> None:
    stub = StubServable(scale)
    signatures = {
        "serving_default": stub.predict,
        "predict_bytes": stub.predict_bytes,
        "canonicalise": stub.canonicalise,
        "reconstruct": stub.reconstruct,
    }
    tf.saved_model.save(stub, str(folder), signatures=signatures)
    write_warmup(folder)


def expected_fractions(pictures: list[bytes], scale: float) -> np.ndarray:
    """What the stub answers for pictures."""
    first = np.array([len(picture) % 1000 / 1000 if picture[:2] == b"\xff\xd8" else np.nan for picture in pictures])
    return np.stack([first * scale, 1 - first * scale], axis=-1)

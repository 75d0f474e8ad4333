"""Warm-up requests: TensorFlow Serving replays them when it loads a version, so that the first caller need not wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from etvae_tf.files import write_atomically
from etvae_tf.serving.messages import predict_request, require_serving

__all__ = ["WARMUP_FILE", "read_warmup", "write_warmup"]

WARMUP_FILE = "tf_serving_warmup_requests"  # in assets.extra; the name that TensorFlow Serving looks for


def write_warmup(assets_extra: str | Path, image_size: int, channels: int) -> Path:
    """Writes one request for each signature, of one picture.

    Args:
        assets_extra: folder assets.extra of a version; made when missing.
        image_size: H = W of the images, in pixels.
        channels: C of the images.

    Returns:
        The file, a TFRecord of `PredictionLog`.

    Raises:
        InputError: tensorflow-serving-api is not installed.
    """
    require_serving()
    from tensorflow_serving.apis import prediction_log_pb2

    radius = np.linalg.norm(np.indices((image_size, image_size)) - image_size / 2, axis=0)
    galaxy = np.exp(-radius / (image_size / 8)).astype(np.float32)  # an exponential disc
    image = np.repeat(galaxy[None, :, :, None], channels, axis=-1)
    jpeg = tf.io.encode_jpeg(tf.cast(255 * np.repeat(galaxy[:, :, None], 3, axis=-1), tf.uint8)).numpy()
    requests = [
        predict_request("serving_default", {"images": image}),
        predict_request("predict_bytes", {"image_bytes": [jpeg]}),
        predict_request("canonicalise", {"images": image}),
        predict_request("reconstruct", {"images": image}),
    ]

    def write(path: Path) -> None:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for request in requests:
                log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
                writer.write(log.SerializeToString())

    path = Path(assets_extra) / WARMUP_FILE
    write_atomically(path, write)
    return path


def read_warmup(version: str | Path) -> list[Any]:
    """The `PredictRequest`s that a version folder brings along; none where it has no warm-up file."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = Path(version) / "assets.extra" / WARMUP_FILE
    if not path.exists():
        return []
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]

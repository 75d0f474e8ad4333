"""Warm-up requests: TensorFlow Serving replays them when it loads a version, so that the first caller need not wait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from etvae_tf.files import write_atomically
from etvae_tf.serving.messages import predict_request, require_serving

__all__ = ["WARMUP_FILE", "read_signatures", "write_warmup"]

WARMUP_FILE = "tf_serving_warmup_requests"  # in assets.extra; the name that TensorFlow Serving looks for


def write_warmup(version: str | Path) -> Path:
    """Writes one request of one picture for each signature of a SavedModel into its assets.extra.

    Args:
        version: folder of the SavedModel. An input of strings is taken for encoded pictures, any other for images
            (B, H, W, C) in [0, 1].

    Returns:
        The file, a TFRecord of `PredictionLog`.

    Raises:
        InputError: tensorflow-serving-api is not installed.
    """
    require_serving()
    from tensorflow_serving.apis import prediction_log_pb2

    logs = []
    for name, signature in read_signatures(version).items():
        inputs = {key: _example(info) for key, info in signature.inputs.items()}
        if inputs:  # TensorFlow's own initialisation has none
            request = prediction_log_pb2.PredictLog(request=predict_request(name, inputs))
            logs.append(prediction_log_pb2.PredictionLog(predict_log=request))

    def write(path: Path) -> None:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for log in logs:
                writer.write(log.SerializeToString())

    path = Path(version) / "assets.extra" / WARMUP_FILE
    write_atomically(path, write)
    return path


def read_signatures(version: str | Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    """The `SignatureDef`s of a SavedModel by name, in the order of their names."""
    saved = saved_model_pb2.SavedModel.FromString((Path(version) / "saved_model.pb").read_bytes())
    (graph,) = (graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags)
    return dict(sorted(graph.signature_def.items()))


def _example(info: meta_graph_pb2.TensorInfo) -> np.ndarray | list[bytes]:
    """A batch of one exponential disc, as an image of the input's shape or as a JPEG."""
    encoded = tf.dtypes.as_dtype(info.dtype) == tf.string
    _, size, _, channels = (None, 64, 64, 3) if encoded else tf.TensorShape(info.tensor_shape)
    radius = np.linalg.norm(np.indices((size, size)) - size / 2, axis=0)
    image = np.repeat(np.exp(-radius / (size / 8))[:, :, None], channels, axis=-1)
    return [tf.io.encode_jpeg(tf.cast(255 * image, tf.uint8)).numpy()] if encoded else image[None].astype(np.float32)

"""TensorFlow Serving's predict requests; tensorflow-serving-api comes with the extra `.[serving]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from etvae_tf.errors import InputError

try:
    from tensorflow_serving.apis import predict_pb2
except ImportError:
    predict_pb2 = None

__all__ = ["MODEL_NAME", "has_serving", "predict_request", "require_serving"]

MODEL_NAME = "etvae"  # under which the model is served


def has_serving() -> bool:
    """Whether tensorflow-serving-api is installed."""
    return predict_pb2 is not None


def require_serving() -> None:
    """Refuses to go on without tensorflow-serving-api.

    Raises:
        InputError: it is not installed.
    """
    if not has_serving():
        raise InputError("this needs tensorflow-serving-api, which is not installed; install the extra '.[serving]'.")


def predict_request(
    signature: str,
    inputs: dict[str, np.ndarray | Sequence[bytes]],
    model: str = MODEL_NAME,
) -> Any:
    """A `PredictRequest` of TensorFlow Serving.

    Args:
        signature: name of the signature.
        inputs: values by input name; float arrays, or encoded pictures.
        model: name the model is served under.

    Raises:
        InputError: tensorflow-serving-api is not installed.
    """
    require_serving()
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return request

"""The gRPC services of TensorFlow Serving: predictions, signatures and the state of versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from etvae_tf.serving.local.errors import ServingError, invalid, not_found
from etvae_tf.serving.local.models import DEFAULT_SIGNATURE, Model

__all__ = ["MAX_BYTES", "ModelService", "PredictionService", "answer_metadata", "answer_predict", "answer_status"]

MAX_BYTES = 2**31 - 1  # the largest message that TensorFlow Serving takes


def answer_predict(model: Model, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
    """Calls the signature that is asked for.

    Raises:
        ServingError: the request is wrong.
    """
    version = model.find(request.model_spec)
    inputs = {name: _to_array(name, tensor) for name, tensor in request.inputs.items()}
    outputs = version.run(request.model_spec.signature_name, inputs, request.output_filter)
    response = predict_pb2.PredictResponse()
    response.model_spec.name = model.name
    response.model_spec.version.value = version.number
    response.model_spec.signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    for name, values in outputs.items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
    return response


def answer_metadata(
    model: Model, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The signatures of a version.

    Raises:
        ServingError: the request is wrong.
    """
    if list(request.metadata_field) != ["signature_def"]:
        raise invalid(f"Metadata fields {list(request.metadata_field)} are not supported; ask for 'signature_def'.")
    version = model.find(request.model_spec)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = model.name
    response.model_spec.version.value = version.number
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=version.signature_defs)
    response.metadata["signature_def"].Pack(signatures)
    return response


def answer_status(
    model: Model, request: get_model_status_pb2.GetModelStatusRequest
) -> get_model_status_pb2.GetModelStatusResponse:
    """The state of one version, or of all where the request names none.

    Raises:
        ServingError: no such model, version or label.
    """
    spec = request.model_spec
    number = model.number(spec)
    if spec.name != model.name:
        raise not_found(f"Could not find any versions of model {spec.name}")
    if number is not None and number not in model.versions:
        raise not_found(f"Could not find version {number} of model {spec.name}")
    response = get_model_status_pb2.GetModelStatusResponse()
    for version in sorted(model.versions, reverse=True) if number is None else [number]:
        state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        response.model_version_status.add(version=version, state=state, status={})
    return response


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`Predict` and `GetModelMetadata`; the other methods are unimplemented, for no signature is of their kind."""

    def __init__(self, model: Model):
        self._model = model

    def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """See `answer_predict`."""
        return _answer(answer_predict, self._model, request, context)

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """See `answer_metadata`."""
        return _answer(answer_metadata, self._model, request, context)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """`GetModelStatus`; a new configuration takes a restart."""

    def __init__(self, model: Model):
        self._model = model

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """See `answer_status`."""
        return _answer(answer_status, self._model, request, context)


def _answer(handler: Callable, model: Model, request: Any, context: grpc.ServicerContext) -> Any:
    try:
        return handler(model, request)
    except ServingError as error:
        context.abort(error.code, str(error))


def _to_array(name: str, tensor: tensor_pb2.TensorProto) -> np.ndarray:
    dimensions = [dimension.size for dimension in tensor.tensor_shape.dim]
    try:
        size = tf.dtypes.as_dtype(tensor.dtype).size or 1
        # A few bytes can declare a huge tensor, filled with one value.
        if min(dimensions, default=0) < 0 or size * float(np.prod(dimensions, dtype=np.float64)) > MAX_BYTES:
            raise ValueError(f"impossible shape {dimensions}")
        return tf.make_ndarray(tensor)
    except (TypeError, ValueError) as error:
        raise invalid(f"Input {name} is no valid tensor: {error}") from error

"""The local server's gRPC interface, called through the stubs of tensorflow-serving-api."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_stub import CHANNELS, SIZE, expected_fractions
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from etvae_tf.serving.messages import predict_request

FLOAT_ATOL = 1e-6  # float32 against float64 arithmetic
SECONDS = 30
IMAGES = np.full((2, SIZE, SIZE, CHANNELS), 0.25, np.float32)


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


@pytest.fixture
def predictions(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    yield stub
    stub.Predict(predict_request("serving_default", {"images": IMAGES}), timeout=SECONDS)  # the server lives on


@pytest.fixture
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def outputs_of(response) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def refused(call, request) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=SECONDS)
    return caught.value


def test_the_newest_version_answers_and_says_so(predictions):
    response = predictions.Predict(predict_request("", {"images": IMAGES}), timeout=SECONDS)
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("etvae", 2, "serving_default")
    np.testing.assert_allclose(outputs_of(response)["vote_fractions"], [[0.125, 0.875]] * 2, atol=FLOAT_ATOL)


def test_only_the_outputs_that_are_asked_for(predictions, pictures):
    request = predict_request("predict_bytes", {"image_bytes": pictures}, ["ok", "vote_fractions"])
    request.model_spec.version_label = "stable"
    outputs = outputs_of(predictions.Predict(request, timeout=SECONDS))
    assert set(outputs) == {"ok", "vote_fractions"}
    assert outputs["ok"].tolist() == [True] * 5 + [False, True]
    np.testing.assert_allclose(outputs["vote_fractions"], expected_fractions(pictures, 1.0), atol=FLOAT_ATOL)


def test_a_batch_of_none(predictions):
    response = predictions.Predict(predict_request("", {"images": IMAGES[:0]}), timeout=SECONDS)
    assert outputs_of(response)["vote_fractions"].shape == (0, 2)


def test_many_callers_at_once_get_their_own_answers(predictions):
    def ask(value: float) -> float:
        request = predict_request("serving_default", {"images": np.full_like(IMAGES, value)})
        request.model_spec.version.value = 1
        return outputs_of(predictions.Predict(request, timeout=SECONDS))["vote_fractions"][0, 0]

    values = np.linspace(0, 1, 64)
    with ThreadPoolExecutor(16) as pool:
        np.testing.assert_allclose(list(pool.map(ask, values)), values, atol=FLOAT_ATOL)


def test_a_tensor_of_one_repeated_value_is_filled(predictions):
    request = predict_request("serving_default", {"images": IMAGES})
    tensor = request.inputs["images"]
    tensor.ClearField("tensor_content")
    tensor.float_val.append(0.25)
    response = predictions.Predict(request, timeout=SECONDS)
    np.testing.assert_allclose(outputs_of(response)["vote_fractions"], [[0.125, 0.875]] * 2, atol=FLOAT_ATOL)


def wrong(change) -> object:
    request = predict_request("serving_default", {"images": IMAGES})
    change(request)
    return request


def broken_tensor(request) -> None:
    request.inputs["images"].tensor_content = b"123"


def huge_tensor(request) -> None:
    request.inputs["images"].CopyFrom(tf.make_tensor_proto(np.float32(0), shape=(1,)))
    request.inputs["images"].tensor_shape.dim[0].size = 2**40


def set_version(request) -> None:
    request.model_spec.version.value = 9


WRONG_REQUESTS = {
    "no model": (lambda request: request.ClearField("model_spec"), "INVALID_ARGUMENT", "names no model"),
    "model": (lambda request: setattr(request.model_spec, "name", "other"), "NOT_FOUND", "Latest(other)"),
    "version": (set_version, "NOT_FOUND", "Specific(etvae, 9)"),
    "label": (lambda request: setattr(request.model_spec, "version_label", "beta"), "INVALID_ARGUMENT", "label: beta"),
    "signature": (
        lambda request: setattr(request.model_spec, "signature_name", "other"), "FAILED_PRECONDITION", "not found"
    ),
    "no input": (lambda request: request.inputs.clear(), "INVALID_ARGUMENT", "Missing but required: {images}"),
    "extra input": (
        lambda request: request.inputs["masks"].CopyFrom(request.inputs["images"]), "INVALID_ARGUMENT", "extra: {masks}"
    ),
    "shape": (
        lambda request: request.inputs["images"].CopyFrom(tf.make_tensor_proto(IMAGES[:, 1:])),
        "INVALID_ARGUMENT", "(None, 8, 8, 1) but [2, 7, 8, 1]",
    ),
    "dtype": (
        lambda request: request.inputs["images"].CopyFrom(tf.make_tensor_proto(IMAGES.astype(np.float64))),
        "INVALID_ARGUMENT", "to be float32 but float64",
    ),
    "output": (lambda request: request.output_filter.append("mass"), "INVALID_ARGUMENT", "in signature: mass"),
    "broken tensor": (broken_tensor, "INVALID_ARGUMENT", "no valid tensor"),
    "huge tensor": (huge_tensor, "INVALID_ARGUMENT", "impossible shape"),
}  # fmt: skip


@pytest.mark.parametrize("change, code, message", WRONG_REQUESTS.values(), ids=WRONG_REQUESTS)
def test_wrong_requests_get_the_code_of_tensorflow_serving(predictions, change, code, message):
    error = refused(predictions.Predict, wrong(change))
    assert error.code().name == code
    assert message in error.details()


def test_100_megabytes_are_read_and_judged(predictions):
    images = np.zeros((100_000_000 // (4 * 9), 9), np.float32)
    error = refused(predictions.Predict, predict_request("serving_default", {"images": images}))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT and "of shape" in error.details()
    response = predictions.Predict(predict_request("predict_bytes", {"image_bytes": [b"x" * 100_000_000]}), timeout=60)
    assert outputs_of(response)["ok"].tolist() == [False]


def test_metadata_holds_the_signatures_of_the_version(predictions):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name, request.model_spec.version_label = "etvae", "stable"
    response = predictions.GetModelMetadata(request, timeout=SECONDS)
    assert response.model_spec.version.value == 1
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    outputs = signatures.signature_def["predict_bytes"].outputs
    assert set(outputs) == {"vote_fractions", "vote_fractions_std", "pose_angle", "ok"}
    error = refused(predictions.GetModelMetadata, get_model_metadata_pb2.GetModelMetadataRequest())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT and "signature_def" in error.details()


def test_status(models):
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_pb2.ModelSpec(name="etvae"))
    states = models.GetModelStatus(request, timeout=SECONDS).model_version_status
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(state.version, state.state) for state in states] == [(2, available), (1, available)]
    request.model_spec.name = "other"
    assert refused(models.GetModelStatus, request).code() is grpc.StatusCode.NOT_FOUND


def test_methods_without_a_signature_of_their_kind_are_unimplemented(predictions):
    error = refused(predictions.Classify, classification_pb2.ClassificationRequest())
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED

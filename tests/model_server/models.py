"""The versions of a model, how a request finds one, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from etvae_tf.errors import InputError
from etvae_tf.serving.messages import MODEL_NAME
from etvae_tf.serving.warmup import WARMUP_FILE, read_signatures

_DEFAULT_SIGNATURE = "serving_default"
_STATUS = {code.value[0]: code for code in grpc.StatusCode}  # TensorFlow counts its errors as gRPC does


class ServingError(Exception):
    """A request that cannot be served: TensorFlow Serving's status code, and its words."""

    def __init__(self, code: grpc.StatusCode, message: str):
        super().__init__(message)
        self.code = code


def invalid(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


class Version:
    """One version, loaded and warmed up; its folder's name is its number."""

    def __init__(self, folder: Path):
        self.number = int(folder.name)
        self.signature_defs = read_signatures(folder)
        self._loaded = tf.saved_model.load(str(folder), tags=["serve"])
        for request in read_warmup(folder):
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            self.run(request.model_spec.signature_name, inputs)

    def signature(self, name: str) -> Any:
        """The `SignatureDef` of a name, of the default one for an empty name."""
        if (name or _DEFAULT_SIGNATURE) not in self._loaded.signatures:
            message = f'Serving signature key "{name}" not found.'
            raise ServingError(grpc.StatusCode.FAILED_PRECONDITION, message)
        return self.signature_defs[name or _DEFAULT_SIGNATURE]

    def run(self, name: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Calls a signature; gives all outputs where none is named."""
        signature = self.signature(name)
        if not set(outputs) <= set(signature.outputs):
            raise invalid(f"output tensor alias not found in signature: {', '.join(outputs)}")
        _check_inputs(signature, inputs)
        try:
            tensors = {key: tf.constant(value) for key, value in inputs.items()}
            results = self._loaded.signatures[name or _DEFAULT_SIGNATURE](**tensors)
        except tf.errors.OpError as error:
            raise ServingError(_STATUS[error.error_code], error.message) from error
        return {key: results[key].numpy() for key in outputs or results}


class Model:
    """All versions of a folder, and the labels that a models.config gives them."""

    def __init__(self, base_path: str | Path, config_file: str | Path | None = None):
        folders = [path.parent for path in Path(base_path).glob("*/saved_model.pb") if path.parent.name.isdigit()]
        if not folders:
            raise InputError(f"{base_path} holds no version of a model; name a folder that holds 1/saved_model.pb.")
        self.versions = {version.number: version for version in map(Version, folders)}
        self.labels = _read_labels(config_file) if config_file else {}

    def find(self, name: str, number: int | None = None, label: str = "") -> Version:
        """The version of a number or a label; the newest where neither is given."""
        if label and label not in self.labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        number = self.labels[label] if label else number
        if name != MODEL_NAME or (number is not None and number not in self.versions):
            wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise ServingError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")
        return self.versions[max(self.versions) if number is None else number]


def read_warmup(version: str | Path) -> list[predict_pb2.PredictRequest]:
    """The requests that a version folder brings along; none where it has no warm-up file."""
    path = Path(version) / "assets.extra" / WARMUP_FILE
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator() if path.exists() else []
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]


def _read_labels(path: str | Path) -> dict[str, int]:
    config = text_format.Parse(Path(path).read_text(), model_server_config_pb2.ModelServerConfig())
    return {
        label: number for model in config.model_config_list.config for label, number in model.version_labels.items()
    }


def _check_inputs(signature: Any, inputs: Mapping[str, np.ndarray]) -> None:
    if set(inputs) != set(signature.inputs):
        raise invalid(f"input size does not match signature: {sorted(inputs)} for {sorted(signature.inputs)}.")
    for key, info in signature.inputs.items():
        dtype, shape = tf.dtypes.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape)
        given = tf.dtypes.as_dtype(inputs[key].dtype)
        if given != dtype or not shape.is_compatible_with(inputs[key].shape):
            found = f"{given.name} {list(inputs[key].shape)}"
            raise invalid(f"Expects input {key} to be {dtype.name} {shape} but {found} is provided.")

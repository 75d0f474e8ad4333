"""The versions of a model: which are loaded, how a request finds one, and what may be asked of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from etvae_tf.errors import InputError
from etvae_tf.serving.local.errors import ServingError, failed_precondition, invalid, not_found
from etvae_tf.serving.warmup import read_signatures, read_warmup

__all__ = ["Model", "Version", "load_model"]

DEFAULT_SIGNATURE = "serving_default"
_STATUS = {code.value[0]: code for code in grpc.StatusCode}  # TensorFlow counts its errors as gRPC does


class Version:
    """One version of a model, loaded and warmed up.

    Attributes:
        number: of the version.
        signature_defs: `SignatureDef` by signature name.
    """

    def __init__(self, folder: Path):
        """`folder` holds the SavedModel; its name is the version's number."""
        self.number = int(folder.name)
        self.signature_defs = read_signatures(folder)
        self._loaded = tf.saved_model.load(str(folder), tags=["serve"])
        for request in read_warmup(folder):
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            self.run(request.model_spec.signature_name, inputs)

    def signature(self, name: str) -> Any:
        """The `SignatureDef` of a signature; of the default one for an empty name.

        Raises:
            ServingError: there is none of this name.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self._loaded.signatures:
            names = ", ".join(self._loaded.signatures)
            raise failed_precondition(f'Serving signature key "{name}" not found. The model has: {names}.')
        return self.signature_defs[name]

    def run(self, name: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
            name: of the signature; empty for the default one.
            inputs: an array for each of its inputs.
            outputs: names of the outputs wanted; all where there are none.

        Returns:
            Arrays by output name.

        Raises:
            ServingError: the inputs or outputs are not those of the signature.
        """
        signature = self.signature(name)
        unknown = set(outputs) - set(signature.outputs)
        if unknown:
            raise invalid(
                f"output tensor alias not found in signature: {', '.join(sorted(unknown))} Outputs expected to be in "
                f"the set {{{','.join(sorted(signature.outputs))}}}."
            )
        _check_inputs(signature, inputs)
        try:
            tensors = {key: tf.constant(value) for key, value in inputs.items()}
            results = self._loaded.signatures[name or DEFAULT_SIGNATURE](**tensors)
        except tf.errors.OpError as error:
            raise ServingError(_STATUS[error.error_code], error.message) from error
        return {key: results[key].numpy() for key in outputs or results}


class Model:
    """The loaded versions of one model, and their labels."""

    def __init__(self, name: str, versions: Sequence[Version], labels: Mapping[str, int]):
        """Args:
        name: under which it is served.
        versions: at least one.
        labels: version number by label.
        """
        self.name = name
        self.versions = {version.number: version for version in versions}
        self._labels = dict(labels)

    def find(self, spec: model_pb2.ModelSpec) -> Version:
        """The version that a request asks for; the newest where it names none.

        Raises:
            ServingError: no name, or no such model, version or label.
        """
        if not spec.name:
            raise invalid("Missing ModelSpec: the request names no model.")
        number = self.number(spec)
        if spec.name != self.name or (number is not None and number not in self.versions):
            wanted = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
            raise not_found(f"Servable not found for request: {wanted}")
        return self.versions[max(self.versions) if number is None else number]

    def number(self, spec: model_pb2.ModelSpec) -> int | None:
        """The version number that a request names, itself or by label; none where it names none.

        Raises:
            ServingError: no such label.
        """
        choice = spec.WhichOneof("version_choice")
        if choice != "version_label":
            return spec.version.value if choice == "version" else None
        if spec.name != self.name or spec.version_label not in self._labels:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        return self._labels[spec.version_label]


def load_model(name: str, base_path: str | Path, config_file: str | Path | None = None) -> Model:
    """Loads a model as TensorFlow Serving would when it starts.

    Args:
        name: under which it is served.
        base_path: folder of the versions 1, 2, ...
        config_file: models.config, whose version policy and labels of the model `name` are kept; its base_path is
            not, for it names a folder of the container. Without it the newest version is loaded and has no label.

    Raises:
        InputError: no version there, or a config that cannot be read.
    """
    folders = {int(path.parent.name): path.parent for path in Path(base_path).glob("*/saved_model.pb")
               if path.parent.name.isdigit()}  # fmt: skip
    if not folders:
        raise InputError(
            f"{base_path} holds no version of a model (a folder 1, 2, ... with saved_model.pb); name their folder."
        )
    config = _read_config(config_file, name) if config_file else model_server_config_pb2.ModelConfig()
    policy = config.model_version_policy
    if policy.HasField("specific"):
        numbers = list(policy.specific.versions)
    else:
        count = len(folders) if policy.HasField("all") else policy.latest.num_versions or 1
        numbers = sorted(folders)[-count:]
    missing = {*numbers, *config.version_labels.values()} - set(folders)
    if missing:
        raise InputError(f"{config_file} asks for version {min(missing)}, but {base_path} has {sorted(folders)}.")
    unlabelled = set(config.version_labels.values()) - set(numbers)
    if unlabelled:
        raise InputError(f"{config_file} labels version {min(unlabelled)}, but its version policy does not load it.")
    return Model(name, [Version(folders[number]) for number in sorted(set(numbers))], config.version_labels)


def _read_config(path: str | Path, name: str) -> model_server_config_pb2.ModelConfig:
    try:
        config = text_format.Parse(Path(path).read_text(), model_server_config_pb2.ModelServerConfig())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise InputError(f"{os.fspath(path)} is no model config file of TensorFlow Serving: {error}.") from error
    for model in config.model_config_list.config:
        if model.name == name:
            return model
    raise InputError(f"{path} has no model named {name}; name one of its models with --model_name.")


def _check_inputs(signature: Any, inputs: Mapping[str, np.ndarray]) -> None:
    wanted = set(signature.inputs)
    if set(inputs) != wanted:
        extra, missing = sorted(set(inputs) - wanted), sorted(wanted - set(inputs))
        raise invalid(
            f"input size does not match signature: {len(inputs)}!={len(wanted)}. Sent extra: {{{','.join(extra)}}}. "
            f"Missing but required: {{{','.join(missing)}}}."
        )
    for key, info in signature.inputs.items():
        dtype, shape = tf.dtypes.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape)
        given = tf.dtypes.as_dtype(inputs[key].dtype)
        if given != dtype:
            raise invalid(f"Expects input {key} to be {dtype.name} but {given.name} is provided.")
        if not shape.is_compatible_with(inputs[key].shape):
            raise invalid(f"Expects input {key} of shape {shape} but {list(inputs[key].shape)} is provided.")

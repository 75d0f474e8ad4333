"""Predict requests and responses as JSON, in the row format (instances) and the columnar format (inputs)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from etvae_tf.serving.local.errors import ServingError, invalid

__all__ = ["PredictCall", "parse_predict", "write_predict"]


class PredictCall(NamedTuple):
    """What a JSON body asks for: a signature (empty for the default one), arrays by input name, and the format."""

    signature_name: str
    inputs: dict[str, np.ndarray]
    by_row: bool


def parse_predict(body: bytes, find_signature: Callable[[str], Any]) -> PredictCall:
    """Reads a JSON body.

    Args:
        body: of the request.
        find_signature: gives the `SignatureDef` of a name.

    Raises:
        ServingError: the JSON, the signature or a value is wrong.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise invalid("JSON Value Is not object; expected {'instances': [...]} or {'inputs': ...}.")
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid("'signature_name' key must be a string value.")
    infos = find_signature(name).inputs
    if ("instances" in document) == ("inputs" in document):
        found = "both" if "inputs" in document else "Missing 'inputs' or 'instances' key: neither"
        raise invalid(f"{found} exist; expecting one of 'inputs' or 'instances'.")
    by_row = "instances" in document
    columns = _columns(document["instances"], infos) if by_row else _by_name(document["inputs"], infos)
    return PredictCall(name, {key: _to_array(key, value, infos[key]) for key, value in columns.items()}, by_row)


def write_predict(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """The JSON body of a response; NaN is written as such, as TensorFlow Serving does."""
    values = {name: array.tolist() for name, array in outputs.items()}
    if not by_row:
        return json.dumps({"outputs": _without_only_name(values)}).encode()
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": [_without_only_name(row) for row in rows]}).encode()


def _without_only_name(values: dict[str, Any]) -> Any:
    return values if len(values) > 1 else next(iter(values.values()))


def _columns(instances: Any, infos: Mapping[str, Any]) -> dict[str, list]:
    """Rows by input name."""
    if not isinstance(instances, list):
        raise invalid("Expecting 'instances' to be a list/array.")
    if not instances:
        raise invalid("No values in 'instances' array.")
    rows = []
    for index, instance in enumerate(instances):
        try:
            rows.append(_by_name(instance, infos))
        except ServingError as error:
            raise invalid(f"Failed to process element: {index} of 'instances' list. {error}") from error
    return {key: [row[key] for row in rows] for key in infos}


def _by_name(value: Any, infos: Mapping[str, Any]) -> dict[str, Any]:
    """Values by input name; a value without a name belongs to the only input."""
    if not isinstance(value, dict) or _is_binary(value):
        if len(infos) != 1:
            raise invalid(f"Expecting an object with the keys {', '.join(sorted(infos))}.")
        return dict.fromkeys(infos, value)
    if set(value) != set(infos):
        raise invalid(f"Keys must be equal to: {', '.join(sorted(infos))}, but got: {_shown(', '.join(value))}.")
    return value


def _is_binary(value: dict) -> bool:
    return set(value) == {"b64"}


def _to_array(key: str, value: Any, info: Any) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(info.dtype)
    if dtype == tf.string:
        return np.array(_to_bytes(value), object)
    try:
        array = np.array(value)
    except ValueError as error:
        raise invalid(f"Input {key} has lists of unequal size: {error}") from error
    if array.dtype.kind not in ("iuf" if dtype.is_floating else "iu") and array.size:
        raise invalid(f"Input {key} has values that are not of expected type: {dtype.name}.")
    with np.errstate(over="ignore"):  # a number beyond the range becomes infinite
        return array.astype(dtype.as_numpy_dtype)


def _to_bytes(value: Any) -> Any:
    """Strings and {"b64": ...} objects as bytes, in lists nested as they were."""
    if isinstance(value, list):
        return [_to_bytes(item) for item in value]
    if isinstance(value, str):
        return value.encode()
    if not (isinstance(value, dict) and _is_binary(value) and isinstance(value["b64"], str)):
        raise invalid(
            f"JSON Value: {_shown(value)} not formatted correctly for base64 data, expecting {{'b64': '...'}}."
        )
    encoded = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"Unable to base64 decode: {error}.") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."

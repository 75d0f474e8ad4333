"""Predict requests and responses as JSON, in the row format (instances) and the columnar format (inputs)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from model_server.models import invalid


class PredictCall(NamedTuple):
    """A signature (empty for the default one), arrays by input name, and the format."""

    signature_name: str
    inputs: dict[str, np.ndarray]
    by_row: bool


def parse_predict(body: bytes, find_signature: Callable[[str], Any]) -> PredictCall:
    """Reads a JSON body; `find_signature` gives the `SignatureDef` of a name."""
    try:
        document = json.loads(body)
        name, by_row = document.get("signature_name", ""), "instances" in document
    except (ValueError, RecursionError, AttributeError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    infos = find_signature(name).inputs
    try:
        if by_row:
            rows = [_by_name(row, infos) for row in document["instances"]]
            columns = {key: [row[key] for row in rows] for key in infos}
        else:
            columns = _by_name(document["inputs"], infos)
        return PredictCall(name, {key: _to_array(columns[key], info) for key, info in infos.items()}, by_row)
    except (KeyError, TypeError, ValueError) as error:
        raise invalid(f"expecting 'inputs' or 'instances' of the signature's inputs: {error!r}") from error


def write_predict(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """The JSON body of a response; NaN is written as such, as TensorFlow Serving does."""
    values = {name: array.tolist() for name, array in outputs.items()}
    if not by_row:
        return json.dumps({"outputs": values}).encode()
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": rows}).encode()


def _by_name(value: Any, infos: Mapping[str, Any]) -> dict[str, Any]:
    """Values by input name; a value without a name belongs to the only input."""
    named = isinstance(value, dict) and set(value) != {"b64"}
    return value if named else dict.fromkeys(infos, value)


def _to_array(value: Any, info: Any) -> np.ndarray:
    dtype = tf.dtypes.as_dtype(info.dtype)
    return np.array(_to_bytes(value), object) if dtype == tf.string else np.array(value, dtype.as_numpy_dtype)


def _to_bytes(value: Any) -> Any:
    """Strings and {"b64": ...} objects as bytes, in lists nested as they were."""
    if isinstance(value, list):
        return [_to_bytes(item) for item in value]
    return value.encode() if isinstance(value, str) else base64.b64decode(value["b64"], validate=True)

"""Runs a signature by TensorFlow's C API, as any C++ server would: no Python of TensorFlow, Keras or etvae_tf.

python c_loader.py LIBRARY VERSION_FOLDER SIGNATURE_JSON OUTPUT.npz FILE...
    SIGNATURE_JSON: {"input": "name:index", "outputs": {key: "name:index"}}; the files are the rows of the string input.
"""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path

import numpy as np

STRING = 7
TYPES = {1: np.float32, 10: np.bool_}  # TF_DataType of the outputs


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def declare(library: ctypes.CDLL) -> None:
    """Restypes of the functions that return something else than a C int."""
    pointers = "NewStatus NewGraph NewSessionOptions LoadSessionFromSavedModel GraphOperationByName AllocateTensor"
    for name in [*pointers.split(), "TensorData"]:
        getattr(library, f"TF_{name}").restype = ctypes.c_void_p
    library.TF_Message.restype = ctypes.c_char_p
    library.TF_Dim.restype = ctypes.c_int64
    library.TF_TensorByteSize.restype = ctypes.c_size_t


def check(library: ctypes.CDLL, status: ctypes.c_void_p) -> None:
    if library.TF_GetCode(status):
        raise RuntimeError(library.TF_Message(status).decode())


def string_tensor(library: ctypes.CDLL, rows: list[bytes]) -> ctypes.c_void_p:
    size = 24  # bytes of a TF_TString
    dimensions = (ctypes.c_int64 * 1)(len(rows))
    tensor = ctypes.c_void_p(library.TF_AllocateTensor(STRING, dimensions, 1, ctypes.c_size_t(size * len(rows))))
    start = library.TF_TensorData(tensor)
    for index, row in enumerate(rows):
        place = ctypes.c_void_p(start + size * index)
        library.TF_StringInit(place)
        library.TF_StringCopy(place, row, ctypes.c_size_t(len(row)))
    return tensor


def to_numpy(library: ctypes.CDLL, tensor: ctypes.c_void_p) -> np.ndarray:
    shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
    content = ctypes.string_at(library.TF_TensorData(tensor), library.TF_TensorByteSize(tensor))
    return np.frombuffer(content, TYPES[library.TF_TensorType(tensor)]).reshape(shape)


def main(library_path: str, folder: str, signature: str, target: str, *files: str) -> None:
    library = ctypes.CDLL(library_path)
    declare(library)
    status, graph = ctypes.c_void_p(library.TF_NewStatus()), ctypes.c_void_p(library.TF_NewGraph())
    tags = (ctypes.c_char_p * 1)(b"serve")
    options = ctypes.c_void_p(library.TF_NewSessionOptions())
    session = ctypes.c_void_p(
        library.TF_LoadSessionFromSavedModel(options, None, folder.encode(), tags, 1, graph, None, status)
    )
    check(library, status)

    def output(name: str) -> Output:
        operation, index = name.split(":")
        return Output(library.TF_GraphOperationByName(graph, operation.encode()), int(index))

    described = json.loads(signature)
    keys = list(described["outputs"])
    fed = (Output * 1)(output(described["input"]))
    given = (ctypes.c_void_p * 1)(string_tensor(library, [Path(file).read_bytes() for file in files]))
    fetched = (Output * len(keys))(*(output(described["outputs"][key]) for key in keys))
    results = (ctypes.c_void_p * len(keys))()
    library.TF_SessionRun(session, None, fed, given, 1, fetched, results, len(keys), None, 0, None, status)
    check(library, status)
    tensors = (ctypes.c_void_p(result) for result in results)
    np.savez(target, **{key: to_numpy(library, tensor) for key, tensor in zip(keys, tensors, strict=True)})
    assert not {"tensorflow", "keras", "etvae_tf"} & set(sys.modules)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The model server of the tests answers as TensorFlow Serving does (https://www.tensorflow.org/tfx/serving/api_rest)."""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from model_server.models import Version
from model_server.server import LocalServer
from serving_stub import CHANNELS, SIZE, expected_fractions
from tensorflow_serving.apis import prediction_service_pb2_grpc

from etvae_tf.errors import InputError
from etvae_tf.serving.messages import predict_request

SECONDS = 300  # until a test gives up: a busy machine takes minutes to start TensorFlow
FLOAT_ATOL = 1e-6  # float32 against float64 arithmetic
ROOT = Path(__file__).resolve().parents[2]
IMAGES = np.full((2, SIZE, SIZE, CHANNELS), 0.25, np.float32)
ROW = IMAGES[0].tolist()


@pytest.fixture(scope="module")
def predict(server):
    """`Predict` over gRPC."""
    with grpc.insecure_channel(server.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        yield lambda request: stub.Predict(request, timeout=SECONDS)


def b64(picture: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(picture).decode()}


def outputs_of(response) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def test_over_grpc_the_newest_version_answers_and_says_so(predict):
    response = predict(predict_request("", {"images": IMAGES}))
    assert (response.model_spec.name, response.model_spec.version.value) == ("etvae", 2)
    np.testing.assert_allclose(outputs_of(response)["vote_fractions"], [[0.125, 0.875]] * 2, atol=FLOAT_ATOL)


def test_over_grpc_a_label_and_the_outputs_that_are_asked_for(predict, pictures):
    request = predict_request("predict_bytes", {"image_bytes": pictures})
    request.output_filter.extend(["ok", "vote_fractions"])
    request.model_spec.version_label = "stable"
    outputs = outputs_of(predict(request))
    assert set(outputs) == {"ok", "vote_fractions"}
    assert outputs["ok"].tolist() == [True] * 5 + [False, True]
    np.testing.assert_allclose(outputs["vote_fractions"], expected_fractions(pictures, 1.0), atol=FLOAT_ATOL)


def set_version(request) -> None:
    request.model_spec.version.value = 9


WRONG_REQUESTS = {
    "model": (lambda request: setattr(request.model_spec, "name", "other"), "NOT_FOUND", "Latest(other)"),
    "version": (set_version, "NOT_FOUND", "Specific(etvae, 9)"),
    "label": (lambda request: setattr(request.model_spec, "version_label", "beta"), "INVALID_ARGUMENT", "label: beta"),
    "signature": (
        lambda request: setattr(request.model_spec, "signature_name", "other"), "FAILED_PRECONDITION", "not found"
    ),
    "no input": (lambda request: request.inputs.clear(), "INVALID_ARGUMENT", "does not match signature"),
    "shape": (
        lambda request: request.inputs["images"].CopyFrom(tf.make_tensor_proto(IMAGES[:, 1:])),
        "INVALID_ARGUMENT", "(None, 8, 8, 1) but float32 [2, 7, 8, 1]",
    ),
    "dtype": (
        lambda request: request.inputs["images"].CopyFrom(tf.make_tensor_proto(IMAGES.astype(np.float64))),
        "INVALID_ARGUMENT", "to be float32 (None, 8, 8, 1) but float64",
    ),
    "output": (lambda request: request.output_filter.append("mass"), "INVALID_ARGUMENT", "in signature: mass"),
}  # fmt: skip


@pytest.mark.parametrize("change, code, message", WRONG_REQUESTS.values(), ids=WRONG_REQUESTS)
def test_wrong_requests_get_the_code_of_tensorflow_serving(predict, change, code, message):
    request = predict_request("serving_default", {"images": IMAGES})
    change(request)
    with pytest.raises(grpc.RpcError) as caught:
        predict(request)
    assert caught.value.code().name == code and message in caught.value.details()


@pytest.mark.parametrize(
    "path, scale", [("", 0.5), ("/versions/1", 1.0), ("/versions/2", 0.5), ("/labels/stable", 1.0)]
)
def test_over_rest_images_in_rows_by_every_way_to_name_a_version(server, path, scale):
    answer = requests.post(f"{server.url}{path}:predict", json={"instances": [ROW, {"images": ROW}]}).json()
    row, same = answer["predictions"]
    assert row == same
    np.testing.assert_allclose(row["vote_fractions"], [0.25 * scale, 1 - 0.25 * scale], atol=FLOAT_ATOL)


@pytest.mark.parametrize("named", [True, False])
def test_over_rest_pictures_in_both_formats(server, pictures, named):
    values = [b64(picture) for picture in pictures]
    rows = {"instances": [{"image_bytes": value} for value in values] if named else values}
    columns = {"inputs": {"image_bytes": values} if named else values}
    expected = expected_fractions(pictures, 0.5)
    for body in (rows, columns):
        response = requests.post(f"{server.url}:predict", json={"signature_name": "predict_bytes", **body})
        answer = json.loads(response.content)  # requests' own reader may take no NaN
        if body is rows:
            outputs = {key: [row[key] for row in answer["predictions"]] for key in ("vote_fractions", "ok")}
        else:
            outputs = answer["outputs"]
        assert outputs["ok"] == [True] * 5 + [False, True]
        np.testing.assert_allclose(outputs["vote_fractions"], expected, atol=FLOAT_ATOL)


def test_many_callers_at_once_get_their_own_answers(server, predict):
    def over_rest(value: float) -> float:
        body = {"instances": [np.full_like(IMAGES[0], value).tolist()]}
        return requests.post(f"{server.url}:predict", json=body).json()["predictions"][0]["vote_fractions"][0]

    def over_grpc(value: float) -> float:
        request = predict_request("serving_default", {"images": np.full_like(IMAGES, value)})
        return outputs_of(predict(request))["vote_fractions"][0, 0]

    values = np.linspace(0, 1, 32)
    with ThreadPoolExecutor(16) as pool:
        for ask in (over_rest, over_grpc):
            np.testing.assert_allclose(list(pool.map(ask, values)), 0.5 * values, atol=FLOAT_ATOL)


def test_status_of_all_versions_of_one_and_of_a_label(server):
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    one, two = {"version": "1", **available}, {"version": "2", **available}
    for path, states in (("", [two, one]), ("/versions/2", [two]), ("/labels/stable", [one])):
        assert requests.get(server.url + path).json() == {"model_version_status": states}


@pytest.mark.parametrize("path, version", [("", "2"), ("/versions/1", "1"), ("/labels/stable", "1")])
def test_metadata(server, path, version):
    answer = requests.get(f"{server.url}{path}/metadata").json()
    assert answer["model_spec"] == {"name": "etvae", "signature_name": "", "version": version}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    images = signatures["serving_default"]["inputs"]["images"]
    assert images["dtype"] == "DT_FLOAT"
    assert [int(dimension["size"]) for dimension in images["tensor_shape"]["dim"]] == [-1, SIZE, SIZE, CHANNELS]


def test_curl_as_in_the_guide(server, pictures, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("no curl on this machine")
    (tmp_path / "galaxy.jpg").write_bytes(pictures[0])
    guide = (ROOT / "docs" / "serving.md").read_text()
    (command,) = re.findall(r"^printf .*\n.*:predict$", guide, re.MULTILINE)
    command = command.replace("http://localhost:8501/v1/models/etvae", server.url)
    finished = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True, timeout=SECONDS)
    (row,) = json.loads(finished.stdout)["predictions"]
    np.testing.assert_allclose(row["vote_fractions"], expected_fractions(pictures[:1], 0.5)[0], atol=FLOAT_ATOL)


WRONG_BODIES = {
    "empty": (b"", "JSON Parse error"),
    "no object": (b"[1, 2]", "JSON Parse error"),
    "no input": (b'{"signature_name": "predict_bytes"}', "'inputs' or 'instances'"),
    "unknown signature": (b'{"signature_name": "classify", "inputs": []}', 'key "classify" not found'),
    "input of another name": (b'{"inputs": {"pixels": []}}', "images"),
    "row of another size": (json.dumps({"instances": [ROW, ROW[1:]]}).encode(), "inhomogeneous"),
    "wrong shape": (json.dumps({"instances": [ROW[1:]]}).encode(), "(None, 8, 8, 1) but float32 [1, 7, 8, 1]"),
    "text for numbers": (b'{"instances": ["bright"]}', "could not convert"),
    "broken base64": (b'{"signature_name": "predict_bytes", "inputs": [{"b64": "*"}]}', "base64"),
}


@pytest.mark.parametrize("body, message", WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_wrong_bodies_get_400_and_say_why(server, body, message):
    response = requests.post(f"{server.url}:predict", data=body, timeout=SECONDS)
    assert response.status_code == 400, response.text
    assert message in response.json()["error"]


@pytest.mark.parametrize(
    "method, path, status, message",
    [
        ("POST", "other:predict", 404, "Servable not found for request: Latest(other)"),
        ("POST", "etvae/versions/9:predict", 404, "Servable not found for request: Specific(etvae, 9)"),
        ("POST", "etvae/labels/canary:predict", 400, "Unrecognized servable version label: canary"),
        ("GET", "etvae/versions/9", 404, "not found"),
        ("GET", "etvae:predict", 400, "Malformed request: GET /v1/models/etvae:predict"),
        ("POST", "etvae", 400, "Malformed request: POST /v1/models/etvae"),
        ("POST", "etvae/versions/one:predict", 400, "Malformed request"),
    ],
)
def test_wrong_addresses_get_the_status_of_tensorflow_serving(server, method, path, status, message):
    url = f"http://{server.rest_address}/v1/models/{path}"
    response = requests.request(method, url, data=json.dumps({"instances": [ROW]}), timeout=SECONDS)
    assert response.status_code == status and message in response.json()["error"]


def test_warmup_runs_while_a_version_loads(versions, monkeypatch):
    called = []
    run = Version.run
    monkeypatch.setattr(Version, "run", lambda self, name, *rest: (called.append(name), run(self, name, *rest))[1])
    Version(versions / "1")
    assert called == ["canonicalise", "predict_bytes", "reconstruct", "serving_default"]


def test_a_folder_without_versions(tmp_path):
    with pytest.raises(InputError, match="holds no version"):
        LocalServer(tmp_path)


def command(port: int) -> list[str]:
    """The words of the command of saved_models/README.md, with other ports."""
    (line,) = re.findall(r"^python tests/model_server .*$", (ROOT / "saved_models/README.md").read_text(), re.MULTILINE)
    return line.replace("--port=8500", f"--port={port}").replace("--rest_api_port=8501", "--rest_api_port=0").split()


@pytest.mark.slow
def test_the_command_serves_until_it_is_told_to_stop():
    started = [sys.executable, *command(port=0)[1:]]
    with subprocess.Popen(started, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            (url,) = re.findall(r"http://127.0.0.1:\d+/v1/models/etvae", process.stdout.readline())
            (state,) = requests.get(f"{url}/labels/stable", timeout=SECONDS).json()["model_version_status"]
            assert state["version"] == "1" and state["state"] == "AVAILABLE"
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()


@pytest.mark.slow
def test_the_command_names_a_port_in_use(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", sys.path.copy())  # the module adds to it
    from model_server.__main__ import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(sys, "argv", command(taken.getsockname()[1])[1:])
        with pytest.raises(SystemExit) as stopped:
            main()
    assert stopped.value.code == 2 and capsys.readouterr().err.splitlines()[-1].startswith("model_server: error:")

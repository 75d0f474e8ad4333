"""The local server's REST interface, and its answers to bad requests (https://www.tensorflow.org/tfx/serving/api_rest)."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from serving_stub import CHANNELS, SIZE, expected_fractions

FLOAT_ATOL = 1e-6  # float32 against float64 arithmetic


@pytest.fixture
def url(server) -> str:
    return f"http://127.0.0.1:{server.rest_port}/v1/models/etvae"


@pytest.fixture(autouse=True)
def _still_alive(server):
    """Whatever a test sends, the server answers the next caller."""
    yield
    assert requests.get(f"http://127.0.0.1:{server.rest_port}/v1/models/etvae", timeout=10).ok


def b64(picture: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(picture).decode()}


IMAGE = np.full((SIZE, SIZE, CHANNELS), 0.25).tolist()


@pytest.mark.parametrize(
    "path, scale", [("", 0.5), ("/versions/1", 1.0), ("/versions/2", 0.5), ("/labels/stable", 1.0)]
)
def test_images_in_rows_by_every_way_to_name_a_version(url, path, scale):
    answer = requests.post(f"{url}{path}:predict", json={"instances": [IMAGE, {"images": IMAGE}]}).json()
    (row, same) = answer["predictions"]
    assert row == same
    np.testing.assert_allclose(row["vote_fractions"], [0.25 * scale, 1 - 0.25 * scale], atol=FLOAT_ATOL)
    np.testing.assert_allclose(row["pose_angle"], 0.25 * scale - 1, atol=FLOAT_ATOL)


@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_encoded_pictures_in_both_formats(url, pictures, by_row, named):
    values = [b64(picture) for picture in pictures]
    if by_row:
        body = {"instances": [{"image_bytes": value} for value in values] if named else values}
    else:
        body = {"inputs": {"image_bytes": values} if named else values}
    response = requests.post(f"{url}:predict", json={"signature_name": "predict_bytes", **body})
    answer = json.loads(response.content)
    if by_row:
        fractions, ok = ([row[key] for row in answer["predictions"]] for key in ("vote_fractions", "ok"))
    else:
        fractions, ok = (answer["outputs"][key] for key in ("vote_fractions", "ok"))
    assert response.headers["Content-Type"] == "application/json"
    assert ok == [True] * 5 + [False, True]
    np.testing.assert_allclose(fractions, expected_fractions(pictures, 0.5), atol=FLOAT_ATOL)


def test_other_signatures(url):
    for signature, key in (("canonicalise", "canonical"), ("reconstruct", "reconstruction")):
        answer = requests.post(f"{url}:predict", json={"signature_name": signature, "inputs": [IMAGE]}).json()
        assert np.shape(answer["outputs"][key]) == (1, SIZE, SIZE, CHANNELS)


def test_many_callers_at_once_get_their_own_answers(url):
    def ask(value: float) -> float:
        body = {"instances": [np.full((SIZE, SIZE, CHANNELS), value).tolist()]}
        return requests.post(f"{url}/versions/1:predict", json=body).json()["predictions"][0]["vote_fractions"][0]

    values = np.linspace(0, 1, 64)
    with ThreadPoolExecutor(16) as pool:
        np.testing.assert_allclose(list(pool.map(ask, values)), values, atol=FLOAT_ATOL)


def test_status_of_all_versions_of_one_and_of_a_label(url):
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    one, two = {"version": "1", **available}, {"version": "2", **available}
    for path, states in (("", [two, one]), ("/versions/2", [two]), ("/labels/stable", [one])):
        assert requests.get(url + path).json() == {"model_version_status": states}


@pytest.mark.parametrize("path, version", [("", "2"), ("/versions/1", "1"), ("/labels/stable", "1")])
def test_metadata(url, path, version):
    answer = requests.get(f"{url}{path}/metadata").json()
    assert answer["model_spec"]["name"] == "etvae" and answer["model_spec"]["version"] == version
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "predict_bytes", "canonicalise", "reconstruct"} <= set(signatures)
    images = signatures["serving_default"]["inputs"]["images"]
    assert images["dtype"] == "DT_FLOAT"
    assert [int(dim["size"]) for dim in images["tensor_shape"]["dim"]] == [-1, SIZE, SIZE, CHANNELS]


def test_curl_as_in_the_readme(url, pictures, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("no curl on this machine")
    body = tmp_path / "request.json"
    body.write_text(json.dumps({"signature_name": "predict_bytes", "instances": [b64(pictures[0])]}))
    command = ["curl", "--silent", "--fail", "--data", f"@{body}", f"{url}:predict"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)
    expected = expected_fractions(pictures[:1], 0.5)[0]
    np.testing.assert_allclose(answer["predictions"][0]["vote_fractions"], expected, atol=FLOAT_ATOL)


WRONG_BODIES = {
    "empty": (b"", "JSON Parse error"),
    "broken JSON": (b'{"instances": [', "JSON Parse error"),
    "not UTF-8": (b"\xff\xfe\xff", "JSON Parse error"),
    "too deep": (b"[" * 100_000, "JSON Parse error"),
    "no object": (b"[1, 2]", "not object"),
    "no input": (b'{"signature_name": "predict_bytes"}', "Missing 'inputs' or 'instances' key"),
    "two formats": (b'{"inputs": [], "instances": []}', "expecting one of"),
    "no rows": (b'{"instances": []}', "No values in 'instances'"),
    "rows are no list": (b'{"instances": 1}', "to be a list"),
    "signature is a number": (b'{"signature_name": 1, "inputs": []}', "must be a string"),
    "unknown signature": (b'{"signature_name": "classify", "inputs": []}', 'key "classify" not found'),
    "input of another name": (b'{"inputs": {"pixels": []}}', "Keys must be equal to: images"),
    "row of another name": (b'{"instances": [{"pixels": 1}]}', "element: 0 of 'instances'"),
    "row of another size": (json.dumps({"instances": [IMAGE, IMAGE[1:]]}).encode(), "unequal size"),
    "wrong shape": (json.dumps({"instances": [IMAGE[1:]]}).encode(), "shape (None, 8, 8, 1) but [1, 7, 8, 1]"),
    "one dimension too few": (json.dumps({"inputs": IMAGE}).encode(), "but [8, 8, 1] is provided"),
    "text for numbers": (b'{"instances": ["bright"]}', "not of expected type: float32"),
    "null for numbers": (b'{"instances": [null]}', "not of expected type: float32"),
    "broken base64": (b'{"signature_name": "predict_bytes", "inputs": [{"b64": "*"}]}', "base64 decode"),
    "base64 is a number": (b'{"signature_name": "predict_bytes", "inputs": [{"b64": 1}]}', "formatted correctly"),
    "number for bytes": (b'{"signature_name": "predict_bytes", "inputs": [1]}', "formatted correctly"),
}


@pytest.mark.parametrize("body, message", WRONG_BODIES.values(), ids=WRONG_BODIES)
def test_wrong_bodies_get_400_and_say_why(url, body, message):
    response = requests.post(f"{url}:predict", data=body, timeout=30)
    assert response.status_code == 400, response.text
    assert message in response.json()["error"]


@pytest.mark.parametrize(
    "method, path, status, message",
    [
        ("POST", "/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("POST", "/v1/models/etvae/versions/9:predict", 404, "Servable not found for request: Specific(etvae, 9)"),
        ("POST", "/v1/models/etvae/labels/canary:predict", 400, "Unrecognized servable version label: canary"),
        ("POST", "/v1/models/etvae:classify", 400, "classify"),
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/etvae/versions/9", 404, "Could not find version 9 of model etvae"),
        ("GET", "/v1/models/etvae/labels/canary/metadata", 400, "Unrecognized servable version label: canary"),
        ("GET", "/v1/models/etvae/versions/9/metadata", 404, "Servable not found"),
        ("GET", "/v1/models/etvae:predict", 400, "Malformed request: GET /v1/models/etvae:predict"),
        ("POST", "/v1/models/etvae", 400, "Malformed request: POST /v1/models/etvae"),
        ("DELETE", "/v1/models/etvae", 400, "Malformed request: DELETE"),
        ("PUT", "/v1/models/etvae:predict", 400, "Malformed request: PUT"),
        ("POST", "/v1/models/etvae/versions/one:predict", 400, "Malformed request"),
        ("GET", "/v2/health", 404, "Not Found"),
    ],
)
def test_wrong_addresses_get_the_status_of_tensorflow_serving(server, method, path, status, message):
    body = json.dumps({"instances": [IMAGE]})
    response = requests.request(method, f"http://127.0.0.1:{server.rest_port}{path}", data=body, timeout=30)
    assert response.status_code == status
    assert message in response.json()["error"]


def test_100_megabytes_are_read_and_judged(url):
    response = requests.post(f"{url}:predict", data=b"x" * 100_000_000, timeout=60)
    assert response.status_code == 400
    assert "JSON Parse error" in response.json()["error"]
    encoded = b"A" * 100_000_000  # a string of 75 MB that is no picture
    body = b'{"signature_name": "predict_bytes", "instances": [{"b64": "' + encoded + b'"}]}'
    response = requests.post(f"{url}:predict", data=body, timeout=60)
    assert response.status_code == 200
    assert [row["ok"] for row in json.loads(response.content)["predictions"]] == [False]


@pytest.mark.parametrize(
    "head, status",
    [
        (b"Content-Length: 3000000000", 413),
        (b"Content-Length: -5", 400),
        (b"Content-Length: many", 400),
        (b"Transfer-Encoding: chunked", 411),
    ],
)
def test_impossible_bodies_are_turned_away_unread(server, head, status):
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=10) as connection:
        connection.sendall(b"POST /v1/models/etvae:predict HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[1] == str(status).encode()
            assert b'"error"' in answer.read()  # to its end: the connection is closed


def test_a_caller_that_hangs_up_does_no_harm(server, capfd):
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=10) as connection:
        connection.sendall(b"POST /v1/models/etvae:predict HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert requests.get(f"http://127.0.0.1:{server.rest_port}/v1/models/etvae", timeout=10).ok
    assert "Traceback" not in capfd.readouterr().err

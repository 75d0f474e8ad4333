"""Which versions the local server loads, how it starts and how it stops."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
import requests
from serving_stub import CHANNELS, SIZE
from tensorflow_serving.apis import prediction_service_pb2_grpc

from etvae_tf.errors import InputError
from etvae_tf.serving.local.models import Version, load_model
from etvae_tf.serving.messages import predict_request
from etvae_tf.serving.server import LocalServer

ROOT = Path(__file__).resolve().parents[2]
IMAGE = np.zeros((SIZE, SIZE, CHANNELS)).tolist()


def config(tmp_path: Path, policy: str, labels: str = "") -> Path:
    path = tmp_path / "models.config"
    text = f'config {{ name: "etvae" base_path: "/models/etvae" model_version_policy {{ {policy} }} {labels} }}'
    path.write_text(f"model_config_list {{ {text} }}")
    return path


def test_without_a_config_the_newest_version_is_loaded_without_labels(versions):
    model = load_model("galaxies", versions)
    assert set(model.versions) == {2}


@pytest.mark.parametrize(
    "policy, loaded",
    [("all {}", {1, 2}), ("latest {}", {2}), ("latest { num_versions: 5 }", {1, 2}), ("specific { versions: 1 }", {1})],
)
def test_version_policies(versions, tmp_path, policy, loaded):
    assert set(load_model("etvae", versions, config(tmp_path, policy)).versions) == loaded


@pytest.mark.parametrize(
    "policy, labels, message",
    [
        ("specific { versions: 7 }", "", "asks for version 7, but .* has \\[1, 2\\]"),
        ("all {}", 'version_labels { key: "stable" value: 8 }', "asks for version 8"),
        ("latest {}", 'version_labels { key: "stable" value: 1 }', "labels version 1, but its version policy"),
        ("some {}", "", "no model config file"),
    ],
)
def test_configs_that_cannot_be_met(versions, tmp_path, policy, labels, message):
    with pytest.raises(InputError, match=message):
        load_model("etvae", versions, config(tmp_path, policy, labels))


def test_a_config_without_the_model(versions, tmp_path):
    with pytest.raises(InputError, match="has no model named galaxies"):
        load_model("galaxies", versions, config(tmp_path, "all {}"))


def test_a_folder_without_versions(tmp_path):
    with pytest.raises(InputError, match="holds no version"):
        load_model("etvae", tmp_path)


def test_warmup_runs_while_a_version_loads(versions, monkeypatch):
    called = []
    run = Version.run
    monkeypatch.setattr(Version, "run", lambda self, name, *rest: (called.append(name), run(self, name, *rest))[1])
    Version(versions / "1")
    assert called == ["canonicalise", "predict_bytes", "reconstruct", "serving_default"]


def wait_until_free(port: int) -> None:
    """gRPC closes its socket shortly after it says that it has stopped."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@pytest.mark.parametrize("flag", ["port", "rest_api_port"])
def test_a_port_in_use(versions, flag):
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(InputError, match=f"port {other.getsockname()[1]} .* choose another"):
            LocalServer(versions, **{flag: other.getsockname()[1]})


def test_stopping_finishes_what_is_under_way_and_frees_the_ports(versions, monkeypatch):
    entered, run = threading.Barrier(3), Version.run

    def slow_run(self, *arguments):
        entered.wait(10)
        time.sleep(0.5)
        return run(self, *arguments)

    server = LocalServer(versions)
    monkeypatch.setattr(Version, "run", slow_run)
    url = f"http://127.0.0.1:{server.rest_port}/v1/models/etvae"
    kept_alive = requests.Session()
    assert kept_alive.get(url, timeout=10).ok
    answers = {}
    images = np.zeros((1, SIZE, SIZE, CHANNELS), np.float32)

    def call_rest() -> None:
        answers["rest"] = requests.post(f"{url}:predict", json={"instances": [IMAGE]}, timeout=10).status_code

    def call_grpc() -> None:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            answers["grpc"] = len(stub.Predict(predict_request("", {"images": images}), timeout=10).outputs)

    callers = [threading.Thread(target=call) for call in (call_rest, call_grpc)]
    for caller in callers:
        caller.start()
    entered.wait(10)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 5  # it does not wait for the connection that is only kept alive
    for caller in callers:
        caller.join(10)
    kept_alive.close()
    assert answers == {"rest": 200, "grpc": 3}
    for port in (server.port, server.rest_port):
        wait_until_free(port)


@pytest.mark.slow
def test_the_command_serves_until_it_is_told_to_stop(versions):
    flags = (f"--model_base_path={versions}", "--port=0", "--rest_api_port=0")
    command = [sys.executable, "-m", "etvae_tf.serving.server", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        (url,) = re.findall(r"http://\S+/v1/models/etvae", line)
        assert "version 2" in line
        answer = requests.post(f"{url}:predict", json={"instances": [IMAGE]}, timeout=30).json()
        assert answer["predictions"][0]["vote_fractions"] == [0.0, 1.0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stdout.read() == "stopped\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

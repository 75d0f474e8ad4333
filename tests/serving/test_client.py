"""The client against the local server: a folder of pictures in, a table out, over both protocols."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
import pytest
from model_server.models import ServingError, Version
from model_server.server import LocalServer
from scipy import stats
from serving_stub import expected_fractions
from tolerances import NOVELTY_RTOL

from etvae_tf.errors import InputError
from etvae_tf.inference import exported_scorer, list_pictures, predict_pictures
from etvae_tf.serving.client import GrpcClient, RestClient, main, score

pytestmark = pytest.mark.slow

FLOAT_ATOL = 1e-6  # float32 against float64 arithmetic
ROOT = Path(__file__).resolve().parents[2]
UNUSED = "127.0.0.1:1"  # a privileged port without a server
ANSWERS = [f"{answer}{end}" for answer in ("smooth", "featured") for end in ("", "_std", "_low", "_high")]
COLUMNS = ["id", *ANSWERS, "pose_angle", "ok", "reason"]


@pytest.fixture(params=[GrpcClient, RestClient], ids=["grpc", "rest"])
def kind(request):
    return request.param


def address(server: LocalServer, kind: type) -> str:
    return server.rest_address if kind is RestClient else server.address


@pytest.fixture
def folder(tmp_path, pictures) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, picture in enumerate(pictures):
        (folder / f"galaxy{index}.jpg").write_bytes(picture)
    (folder / "notes.txt").write_text("no picture")
    return folder


def read_csv(path: Path) -> pd.DataFrame:
    """No reason is an empty text."""
    return pd.read_csv(path).fillna({"reason": ""})


@pytest.mark.parametrize("batch_size", [3, 64])
@pytest.mark.parametrize("suffix, read", [(".csv", read_csv), (".parquet", pd.read_parquet)])
def test_a_folder_becomes_a_table(server, kind, folder, pictures, tmp_path, batch_size, suffix, read):
    output = tmp_path / f"votes{suffix}"
    client = kind(address(server, kind))
    returned = score(client, str(folder), str(output), ["smooth", "featured"], batch_size)
    table = read(output)
    pd.testing.assert_frame_equal(table, returned, check_dtype=False)
    assert list(table.columns) == COLUMNS
    assert table["id"].tolist() == [f"galaxy{index}" for index in range(7)]
    assert table["ok"].tolist() == [True] * 5 + [False, True]
    expected = expected_fractions(pictures, 0.5)
    p = expected[:, 1]
    np.testing.assert_allclose(table[["smooth", "featured"]], expected, atol=FLOAT_ATOL)
    np.testing.assert_allclose(
        table["featured_std"], stats.betabinom(20, 4 * p, 4 * (1 - p)).std() / 20, atol=FLOAT_ATOL
    )
    np.testing.assert_allclose(table["pose_angle"], expected[:, 0] - 1, atol=FLOAT_ATOL)


def test_the_table_is_that_of_predict(kind, version, files, broken, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, content in {**files, **broken}.items():
        (folder / f"{name}.jpg").write_bytes(content)
    predict_pictures(list_pictures(folder, None), exported_scorer(version.parent), tmp_path / "called.csv")
    called = read_csv(tmp_path / "called.csv")
    with LocalServer(version.parent) as server:
        client = kind(address(server, kind))
        served = score(client, str(folder), str(tmp_path / "served.csv"), ["round", "spiral", "star"])
    assert served["ok"].sum() == len(files) + 1  # pillow reads the TIFF, which no graph decodes
    np.testing.assert_allclose(served.pop("novelty"), called.pop("novelty"), rtol=NOVELTY_RTOL)
    pd.testing.assert_frame_equal(served, called, rtol=0, atol=FLOAT_ATOL, check_dtype=False)


def test_both_protocols_give_the_same_numbers_bit_by_bit(server, pictures):
    over_grpc = GrpcClient(address(server, GrpcClient)).predict(pictures)
    over_rest = RestClient(address(server, RestClient)).predict(pictures)
    for name, values in over_grpc.items():
        assert values.dtype == over_rest[name].dtype
        np.testing.assert_array_equal(values, over_rest[name])


def test_a_zip_a_label_and_answers_without_names(server, kind, pictures, tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("a.jpg", pictures[0])
    client = kind(address(server, kind), version_label="stable")
    table = score(client, str(tmp_path / "pictures.zip"), str(tmp_path / "votes.csv"))
    answers = [f"answer_{index}{end}" for index in (0, 1) for end in ("", "_std", "_low", "_high")]
    assert list(table.columns) == ["id", *answers, "pose_angle", "ok", "reason"]
    np.testing.assert_allclose(table["answer_0"], expected_fractions(pictures[:1], 1.0)[:, 0], atol=FLOAT_ATOL)


@pytest.mark.parametrize(
    "change, answers, message",
    [
        ({"model_name": "other"}, None, "refused the request .*Servable not found for request: Latest\\(other\\)"),
        ({"version_label": "beta"}, None, "refused the request .*Unrecognized servable version label: beta"),
        ({}, ["smooth"], "names 1 answers, but the model has 2"),
    ],
)
def test_what_the_server_refuses_leaves_no_table(server, kind, folder, tmp_path, change, answers, message):
    client = kind(address(server, kind), **change)
    start = time.monotonic()
    with pytest.raises(InputError, match=message):
        score(client, str(folder), str(tmp_path / "votes.csv"), answers)
    assert time.monotonic() - start < 5  # a refusal is no reason to try again
    assert not list(tmp_path.glob("*votes*"))


def test_no_server_by_the_deadline(kind, folder, tmp_path):
    start = time.monotonic()
    with pytest.raises(InputError, match=f"no answer from a model server at {UNUSED} within 1.5 s"):
        score(kind(UNUSED, deadline=1.5), str(folder), str(tmp_path / "votes.csv"))
    assert time.monotonic() - start < 4
    assert not list(tmp_path.glob("*votes*"))


def test_a_server_that_comes_late_is_waited_for(kind, versions, pictures):
    with LocalServer(versions) as first:  # takes free ports
        where = address(first, kind)
        port, rest_api_port = (int(each.rpartition(":")[2]) for each in (first.address, first.rest_address))
    late = {}
    timer = threading.Timer(1.0, lambda: late.update(server=LocalServer(versions, port, rest_api_port)))
    timer.start()
    try:
        assert kind(where, deadline=30).predict(pictures)["ok"].sum() == 6
    finally:
        timer.join()
        late["server"].stop()


def test_a_busy_server_is_asked_again(kind, versions, pictures, monkeypatch):
    run, calls = Version.run, []

    def busy_at_first(self, *arguments):
        calls.append(1)
        if len(calls) < 3:
            raise ServingError(grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full")
        return run(self, *arguments)

    with LocalServer(versions) as server:
        monkeypatch.setattr(Version, "run", busy_at_first)
        assert kind(address(server, kind)).predict(pictures)["ok"].sum() == 6
    assert len(calls) == 3


def test_a_slow_server_ends_with_the_deadline(kind, versions, pictures, monkeypatch):
    run = Version.run
    with LocalServer(versions) as server:
        monkeypatch.setattr(Version, "run", lambda self, *rest: (time.sleep(2), run(self, *rest))[1])
        with pytest.raises(InputError, match="within 0.5 s"):
            kind(address(server, kind), deadline=0.5).predict(pictures)


@pytest.mark.parametrize(
    "status, body, message",
    [
        (200, b"<html>", "refused the request"),
        (200, b'{"outputs": {"scores": [1]}}', "gave no vote_fractions"),
        (200, b'{"predictions": [1]}', "refused the request"),
        (502, b"<html>", "refused the request .502"),
    ],
)
def test_answers_of_something_else(status, body, message):
    class Something(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Something) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        with pytest.raises(InputError, match=message):
            RestClient(f"127.0.0.1:{other.server_address[1]}").predict([b"x"])
        other.shutdown()
        thread.join()


def test_the_command(server, folder, tmp_path):
    output = tmp_path / "votes.csv"
    flags = ("--rest", f"--address={server.rest_address}", "--answers=smooth,featured")
    command = [sys.executable, "-m", "etvae_tf.serving.client", f"--images={folder}", f"--output={output}", *flags]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert "\r" not in finished.stdout and "\b" not in finished.stdout  # this goes into log files, too
    assert finished.stdout.splitlines()[-1] == f"7 pictures scored into {output}; 1 unreadable"
    assert list(pd.read_csv(output).columns) == COLUMNS


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--output=there.csv"], "--output=there.csv exists; remove it, or choose another name."),
        (["--batch_size=few"], "argument --batch_size: invalid int value: 'few'"),
        (["--batch_size=0"], "batch_size=0, but at least 1 was expected; 64 is usual."),
        (["--image=x"], "unrecognized arguments: --image=x"),
    ],
)
def test_the_command_refuses_in_one_sentence(folder, tmp_path, flags, sentence, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("there.csv").write_text("another table\n")
    monkeypatch.setattr(sys, "argv", ["client.py", f"--images={folder}", "--output=votes.csv", *flags])
    with pytest.raises(SystemExit) as exited:
        main()
    assert exited.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"client: error: {sentence}"

"""Version folders: numbered, whole or absent, described."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from galaxies import synthetic_images, tiny_model
from tensorflow.core.protobuf import saved_model_pb2
from tolerances import BATCH_ATOL

from etvae_tf.data import Question, Questions
from etvae_tf.errors import InputError
from etvae_tf.serving import export, messages
from etvae_tf.serving.export import describe, export_model, export_run, newest_version
from etvae_tf.serving.warmup import WARMUP_FILE

SAVED_MODELS = Path(__file__).resolve().parents[2] / "saved_models"
ANSWERS = ["round", "spiral", "star"]
QUESTIONS = Questions((Question("shape", tuple(ANSWERS)),))


@pytest.mark.slow
def test_describes_what_a_caller_must_know(version):
    questions = {"questions": {"shape": ANSWERS}, "asked_after": {}}
    expected = {"answers": ANSWERS, **questions, "image_size": 32, "channels": 1, "crop_fraction": 0.8}
    assert describe(version) == json.loads((version / "assets.extra" / "etvae.json").read_text()) == expected


@pytest.mark.slow
def test_holds_what_serves_and_nothing_else(model, version):
    names = [name for name, _ in tf.train.list_variables(str(version / "variables" / "variables"))]
    weights = [name for name in names if name.startswith("_weights")]
    parts = (model.encoder, model.decoder, model.vote_head)
    assert len(weights) == sum(len(part.weights) for part in parts) + 1  # and log_pixel_scale
    assert not [name for name in names if "optimizer" in name]
    assert {path.name for path in version.parent.iterdir()} == {"1"}


@pytest.mark.slow
@pytest.mark.parametrize("committed", [False, True])
def test_graphs_hold_neither_xla_nor_kernels_of_one_cpu(version, committed):
    folder = SAVED_MODELS / "etvae" / "1" if committed else version
    graph = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    assert not [one.signature.name for one in graph.library.function if one.attr["_XlaMustCompile"].b]
    nodes = [node for one in graph.library.function for node in one.node_def]
    assert nodes and not [node.op for node in nodes if node.op.startswith(("_Mkl", "Xla"))]


@pytest.fixture
def quick_save(monkeypatch):
    """Leaves tracing and saving out, which take seconds."""

    def save(_, folder, signatures):
        (export.Path(folder) / "saved_model.pb").write_bytes(b"")

    class Quick:
        functions = ()

        def __init__(self, *_):
            pass

    monkeypatch.setattr(tf.saved_model, "save", save)
    monkeypatch.setattr(export, "Servable", Quick)
    monkeypatch.setattr(export, "write_warmup", lambda _: None)  # there are no signatures to write for


def test_versions_count_up_past_every_number_there(model, tmp_path, quick_save):
    (tmp_path / "7").mkdir()  # TF Serving would take it for a version
    (tmp_path / "10a").mkdir()
    (tmp_path / "models.config").write_text("")
    assert [export_model(model, tmp_path, QUESTIONS).name for _ in range(3)] == ["8", "9", "10"]
    assert newest_version(tmp_path).name == "10"
    (tmp_path / "11").mkdir()
    assert newest_version(tmp_path).name == "10"  # 11 holds no model
    assert {path.name for path in tmp_path.iterdir()} == {"7", "8", "9", "10", "10a", "11", "models.config"}


def test_a_number_taken_meanwhile_is_passed_over(model, tmp_path, quick_save, monkeypatch):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"another's")
    real, answers = export._numbers, [[]]
    monkeypatch.setattr(export, "_numbers", lambda folder: answers.pop() if answers else real(folder))
    assert export_model(model, tmp_path, QUESTIONS).name == "2"
    assert (tmp_path / "1" / "saved_model.pb").read_bytes() == b"another's"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_export_leaves_nothing(model, tmp_path, quick_save, monkeypatch, error):
    def interrupted(*_):
        raise error

    seen = []
    monkeypatch.setattr(export, "_publish", lambda building, _: seen.extend(building.rglob("*")) or interrupted())
    with pytest.raises(error):
        export_model(model, tmp_path / "new", QUESTIONS)
        assert {path.name for path in seen} == {"saved_model.pb", "assets.extra", "etvae.json", "weights.h5"}
    assert list((tmp_path / "new").iterdir()) == []


def test_unfinished_folders_are_no_versions(model, tmp_path, quick_save, monkeypatch):
    names = []
    monkeypatch.setattr(export, "_publish", lambda building, _: names.append(building.name))
    export_model(model, tmp_path, QUESTIONS)
    with pytest.raises(ValueError):
        int(names[0])  # as TF Serving's file-system source would


def test_refuses_places_that_hold_no_model(model, tmp_path):
    with pytest.raises(InputError, match="holds no exported model"):
        newest_version(tmp_path / "nowhere")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InputError, match="lacks assets.extra/etvae.json"):
        describe(newest_version(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file cannot hold an exported model"):
        export_model(model, tmp_path / "file", QUESTIONS)


@pytest.mark.slow
def test_exports_a_run_with_the_vae_that_it_kept(run, model, tmp_path, capsys):
    version = export_run(str(run), tmp_path / "exports")
    assert version == tmp_path / "exports" / "1"
    assert capsys.readouterr().out == f"exported {run} to {version}\n"
    signatures = tf.saved_model.load(str(version)).signatures
    images = synthetic_images(2, size=32)
    votes, reconstruction = model(images)["vote_fractions"], tiny_model(seed=1).reconstruct(images)[1]
    np.testing.assert_allclose(signatures["serving_default"](images=images)["vote_fractions"], votes, atol=BATCH_ATOL)
    np.testing.assert_allclose(
        signatures["reconstruct"](images=images)["reconstruction"], reconstruction, atol=BATCH_ATOL
    )
    assert json.loads((version / "assets.extra" / "etvae.json").read_text())["crop_fraction"] == 0.8


@pytest.mark.slow
def test_a_supervised_run_has_no_decoder_to_serve(run, tmp_path):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "regime": "supervised"}))
    (run / "vae.keras").unlink()
    signatures = tf.saved_model.load(str(export_run(str(run), tmp_path / "exports"))).signatures
    assert set(signatures) == {"serving_default", "predict_bytes", "canonicalise"}


@pytest.mark.slow
def test_export_refuses_what_is_no_finished_run(run, tmp_path):
    exports = tmp_path / "exports"
    for workdir, sentence in ((None, "add --workdir=RUN"), (str(tmp_path / "nowhere"), "holds no run")):
        with pytest.raises(InputError, match=sentence):
            export_run(workdir, exports)
    (run / "model.keras").write_bytes(b"no model")
    with pytest.raises(InputError, match="model.keras cannot be loaded by Keras"):
        export_run(str(run), exports)
    (run / "metrics.json").unlink()
    with pytest.raises(InputError, match="is not finished"):
        export_run(str(run), exports)
    assert not exports.exists()


@pytest.mark.slow
def test_without_the_serving_package_the_warmup_file_alone_is_missing(
    run, version, files, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(messages, "predict_pb2", None)
    exported = export_run(run, tmp_path / "exports")
    assert capsys.readouterr().out.splitlines() == [
        f"exported {run} to {exported}",
        "no warm-up requests were written; install the extra '.[serving]' for them",
    ]
    names = {path.relative_to(version) for path in version.rglob("*")}
    assert {path.relative_to(exported) for path in exported.rglob("*")} == names - {Path("assets.extra") / WARMUP_FILE}
    image_bytes = tf.constant([files["jpeg"]])
    found, expected = (tf.saved_model.load(str(one)).signatures["predict_bytes"] for one in (exported, version))
    np.testing.assert_allclose(
        found(image_bytes=image_bytes)["vote_fractions"],
        expected(image_bytes=image_bytes)["vote_fractions"],
        atol=BATCH_ATOL,
    )

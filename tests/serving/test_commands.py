"""`--mode=export` and `--mode=predict`: from a run folder to a table of votes, and every refusal."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from galaxies import synthetic_images, tiny_model
from tolerances import BATCH_ATOL

from etvae_tf.data.images import preprocess
from etvae_tf.errors import InputError
from etvae_tf.serving import commands
from etvae_tf.serving.commands import export_run, predict_pictures

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = [*(f"{answer}{end}" for answer in ("round", "spiral", "star") for end in ("", "_std")), "pose_angle"]


def main(*flags: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "main.py", *map(str, flags)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def pictures(files, broken, tmp_path_factory) -> Path:
    """Readable pictures and three others, under names that look like numbers."""
    folder = tmp_path_factory.mktemp("sky")
    rows = [*files.values(), broken["empty"], broken["text"], broken["cut jpeg"]]
    for number, row in enumerate(rows):
        (folder / f"{587722981736120347 + number}.jpg").write_bytes(row)  # an SDSS object id does not fit a float
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def run(tmp_path) -> Path:
    """The folder of a finished two-step run, as far as an export reads it."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"regime": "two_step", "data": {"crop_fraction": 0.8}}))
    (folder / "metrics.json").write_text(json.dumps({"answers": ["round", "spiral", "star"]}))
    for seed, name in enumerate(("model.keras", "vae.keras")):
        trained = tiny_model(seed)
        trained.compile()
        trained.save(folder / name)
    return folder


def test_predicts_a_folder_in_a_process_of_its_own(version, pictures, files, model, tmp_path):
    output = tmp_path / "votes.csv"
    done = main("--mode=predict", f"--images={pictures}", f"--output={output}", f"--export_dir={version.parent}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        f"{len(files) + 3} pictures scored by {version} into {output}; 3 of them could not be read."
    )
    table = pd.read_csv(output, dtype={"id": str})
    assert table.columns.tolist() == ["id", *NUMBERS, "ok"]
    assert table["id"].tolist() == sorted(path.stem for path in pictures.glob("*.jpg"))
    assert table["ok"].tolist() == [True] * len(files) + [False] * 3
    assert table.loc[~table["ok"], NUMBERS].isna().all(axis=None)
    images = tf.cast(tf.stack([preprocess(encoded, 32, 1, 0.8) for encoded in files.values()]), tf.float32) / 255.0
    expected = model(images)
    good = table[table["ok"]]
    np.testing.assert_allclose(good[["round", "spiral", "star"]], expected["vote_fractions"], atol=BATCH_ATOL)
    np.testing.assert_allclose(good["pose_angle"], expected["pose"][:, 0], atol=BATCH_ATOL)


def test_zip_and_parquet_in_several_batches_give_the_same_table(version, pictures, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "sky.zip", "w") as archive:
        for path in pictures.iterdir():
            archive.write(path, path.name)
    whole = predict_pictures(pictures, tmp_path / "votes.csv", version.parent)
    monkeypatch.setattr(commands, "_BATCH", 4)
    parts = predict_pictures(tmp_path / "sky.zip", tmp_path / "votes.parquet", version.parent)
    stored = pd.read_parquet(tmp_path / "votes.parquet")
    pd.testing.assert_frame_equal(stored, parts, check_dtype=False)
    pd.testing.assert_frame_equal(parts, whole, atol=BATCH_ATOL, rtol=BATCH_ATOL)


def test_the_newest_version_predicts(version, pictures, tmp_path):
    shutil.copytree(version, tmp_path / "exports" / "2")
    shutil.copytree(version, tmp_path / "exports" / "10")
    description = tmp_path / "exports" / "10" / "assets.extra" / "etvae.json"
    description.write_text(description.read_text().replace("star", "artifact"))
    assert "artifact" in predict_pictures(pictures, tmp_path / "votes.csv", tmp_path / "exports").columns


def test_exports_a_run_with_the_vae_that_it_kept(run, model, tmp_path):
    version = export_run(str(run), tmp_path / "exports")
    assert version == tmp_path / "exports" / "1"
    signatures = tf.saved_model.load(str(version)).signatures
    images = synthetic_images(2, size=32)
    votes, reconstruction = model(images)["vote_fractions"], tiny_model(seed=1).reconstruct(images)[1]
    np.testing.assert_allclose(signatures["serving_default"](images=images)["vote_fractions"], votes, atol=BATCH_ATOL)
    np.testing.assert_allclose(
        signatures["reconstruct"](images=images)["reconstruction"], reconstruction, atol=BATCH_ATOL
    )
    assert json.loads((version / "assets.extra" / "etvae.json").read_text())["crop_fraction"] == 0.8


def test_a_supervised_run_has_no_decoder_to_serve(run, tmp_path):
    (run / "config.json").write_text(json.dumps({"regime": "supervised", "data": {"crop_fraction": 1.0}}))
    (run / "vae.keras").unlink()
    signatures = tf.saved_model.load(str(export_run(str(run), tmp_path / "exports"))).signatures
    assert set(signatures) == {"serving_default", "predict_bytes", "canonicalise"}


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


def test_predict_refuses_before_it_works(version, pictures, tmp_path):
    (tmp_path / "there.csv").write_text("another table\n")
    (tmp_path / "empty").mkdir()
    output, exports = tmp_path / "votes.csv", version.parent
    for images, target, folder, sentence in (
        (pictures, None, exports, "add --images=FOLDER_OR_ZIP --output=votes.csv"),
        ("", output, exports, "add --images=FOLDER_OR_ZIP --output=votes.csv"),
        (pictures, tmp_path / "votes.txt", exports, "ends in '.txt'"),
        (pictures, tmp_path / "nowhere" / "votes.csv", exports, "folder that does not exist"),
        (pictures, tmp_path / "there.csv", exports, "there.csv exists"),
        (pictures, output, tmp_path / "empty", "holds no exported model"),
        (tmp_path / "empty", output, exports, "holds no .jpg"),
        (tmp_path / "nowhere", output, exports, "no pictures at"),
    ):
        with pytest.raises(InputError, match=sentence):
            predict_pictures(images, target, folder)
    assert not output.exists() and (tmp_path / "there.csv").read_text() == "another table\n"
    refused = main("--mode=predict", f"--images={pictures}", f"--output={tmp_path / 'there.csv'}")
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert f"main.py: error: --output={tmp_path / 'there.csv'} exists; remove it" in refused.stderr


def test_an_interrupted_prediction_leaves_no_table(version, pictures, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "vote_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_pictures(pictures, tmp_path / "votes.csv", version.parent)
    assert list(tmp_path.iterdir()) == []

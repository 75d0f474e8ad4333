"""`predict_pictures`: which model answers, how pictures are cropped, what the table holds, and every refusal."""

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
from galaxies import tiny_model
from PIL import Image
from tolerances import BATCH_ATOL

from etvae_tf.data.decode import to_jpeg_or_png
from etvae_tf.data.images import preprocess
from etvae_tf.errors import InputError
from etvae_tf.inference import exported_scorer, list_pictures, predict_pictures, run_scorer, scoring

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = [
    *(f"{answer}{end}" for answer in ("round", "spiral", "star") for end in ("", "_std", "_low", "_high")),
    "pose_angle",
    "novelty",
]
COLUMNS = ["id", *NUMBERS, "unlike_training", "ok", "reason"]


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


@pytest.fixture(scope="module")
def cropped(files, tmp_path_factory) -> Path:
    """The readable pictures, cut down by hand to the central half of their shorter side."""
    folder = tmp_path_factory.mktemp("cropped")
    for number, encoded in enumerate(files.values()):
        picture = tf.io.decode_image(to_jpeg_or_png(encoded), channels=3, expand_animations=False).numpy()
        side = round(min(picture.shape[:2]) / 2)
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        name = f"{587722981736120347 + number}.png"
        Image.fromarray(picture[top : top + side, left : left + side]).save(folder / name)
    return folder


def predicted(
    images: Path, output: Path, exports: Path, run: Path | None = None, crop_fraction: float | None = None
) -> pd.DataFrame:
    """The table that `predict_pictures` writes, by a run or else by an export."""
    scorer = run_scorer(run, crop_fraction) if run else exported_scorer(exports, crop_fraction)
    predict_pictures(list_pictures(images, None), scorer, output)
    texts = {"id": str, "reason": str}
    table = pd.read_csv(output, dtype=texts) if output.suffix == ".csv" else pd.read_parquet(output)
    return table.assign(reason=table["reason"].fillna(""))


def assert_same_table(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, atol=BATCH_ATOL, rtol=BATCH_ATOL, check_dtype=False)


def votes_of(model, files: dict[str, bytes], crop_fraction: float) -> np.ndarray:
    """What the model itself says of the readable files, prepared one by one."""
    pictures = [preprocess(to_jpeg_or_png(encoded), 32, 1, crop_fraction) for encoded in files.values()]
    return model(tf.cast(tf.stack(pictures), tf.float32) / 255.0)["vote_fractions"].numpy()


def test_predicts_a_folder_in_a_process_of_its_own(version, pictures, files, model, tmp_path):
    output = tmp_path / "votes.csv"
    done = main("--mode=predict", f"--images={pictures}", f"--output={output}", f"--export_dir={version.parent}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        f"{len(files) + 3} pictures scored by {version} into {output}; 3 of them could not be read."
    )
    assert "\r" not in done.stdout and "\b" not in done.stdout  # this goes into log files, too
    table = pd.read_csv(output, dtype={"id": str})
    assert table.columns.tolist() == COLUMNS
    assert table["id"].tolist() == sorted(path.stem for path in pictures.glob("*.jpg"))
    assert table["ok"].tolist() == [True] * len(files) + [False] * 3
    assert table.loc[~table["ok"], NUMBERS].isna().all(axis=None)
    assert table["reason"].isna().tolist() == table["ok"].tolist()
    assert table["reason"].iloc[-3] == "empty file" and table["reason"].iloc[-2].startswith("not a readable picture")
    assert table["reason"].iloc[-1] == "JPEG or PNG file that is cut off or damaged"
    good = table[table["ok"]]
    np.testing.assert_allclose(good[["round", "spiral", "star"]], votes_of(model, files, 0.8), atol=BATCH_ATOL)


def test_zip_and_parquet_in_several_batches_give_the_same_table(version, pictures, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "sky.zip", "w") as archive:
        for path in pictures.iterdir():
            archive.write(path, path.name)
    whole = predicted(pictures, tmp_path / "votes.csv", version.parent)
    monkeypatch.setattr(scoring, "BATCH", 4)
    assert_same_table(predicted(tmp_path / "sky.zip", tmp_path / "votes.parquet", version.parent), whole)


def test_the_newest_version_predicts(version, pictures, tmp_path):
    shutil.copytree(version, tmp_path / "exports" / "2")
    shutil.copytree(version, tmp_path / "exports" / "10")
    description = tmp_path / "exports" / "10" / "assets.extra" / "etvae.json"
    description.write_text(description.read_text().replace("star", "artifact"))
    assert "artifact" in predicted(pictures, tmp_path / "votes.csv", tmp_path / "exports").columns


def test_a_run_answers_instead_of_the_exported_model(version, run, pictures, files, tmp_path):
    other = tiny_model(seed=3)
    other.compile()
    other.save(run / "model.keras")
    table = predicted(pictures, tmp_path / "votes.csv", version.parent, run)
    assert table.columns.tolist() == COLUMNS and table["ok"].tolist() == [True] * len(files) + [False] * 3
    found = table.loc[table["ok"], ["round", "spiral", "star"]]
    np.testing.assert_allclose(found, votes_of(other, files, 0.8), atol=BATCH_ATOL)
    exported = predicted(pictures, tmp_path / "exported.csv", version.parent)
    assert np.abs(found - exported.loc[table["ok"], found.columns]).to_numpy().max() > 100 * BATCH_ATOL


def test_a_run_and_its_export_give_the_same_table(version, run, pictures, tmp_path):
    """Also of the unreadable pictures, which stay rows."""
    expected = predicted(pictures, tmp_path / "exported.csv", version.parent)
    assert_same_table(predicted(pictures, tmp_path / "run.csv", tmp_path / "nowhere", run), expected)


@pytest.mark.parametrize("by_run", [False, True])
def test_cropping_equals_pictures_cropped_by_hand(version, run, pictures, cropped, tmp_path, by_run):
    def table(images: Path, crop_fraction: float | None) -> pd.DataFrame:
        output = tmp_path / f"{images.name}{crop_fraction}.csv"
        return predicted(images, output, version.parent, run if by_run else None, crop_fraction)

    found, expected = table(pictures, 0.5), table(cropped, 1.0)
    assert not found["ok"][-3:].any() and found.loc[~found["ok"], NUMBERS].isna().all(axis=None)
    assert_same_table(found[found["ok"]], expected)
    own = table(pictures, None)
    assert_same_table(table(pictures, 0.8), own)  # the model's own, said again
    assert (found["round"] - own["round"]).abs().max() > 100 * BATCH_ATOL


def test_a_scorer_takes_no_pictures(version, run):
    for scorer in (exported_scorer(version.parent), exported_scorer(version.parent, 0.5), run_scorer(run)):
        outputs = scorer.predict([])
        assert outputs["vote_fractions"].shape == (0, 3) and outputs["ok"].shape == (0,)


def test_refuses_before_it_works(version, pictures, tmp_path):
    (tmp_path / "there.csv").write_text("another table\n")
    (tmp_path / "empty").mkdir()
    output, exports = tmp_path / "votes.csv", version.parent
    for images, target, folder, sentence in (
        ("", output, exports, "add --images=FOLDER_OR_ZIP, or --data=TABLE with"),
        (pictures, tmp_path / "votes.txt", exports, "ends in '.txt'"),
        (pictures, tmp_path / "nowhere" / "votes.csv", exports, "folder that does not exist"),
        (pictures, tmp_path / "there.csv", exports, "there.csv exists; remove it"),
        (pictures, output, tmp_path / "empty", "holds no exported model"),
        (tmp_path / "empty", output, exports, "holds no .jpg"),
        (tmp_path / "nowhere", output, exports, "no pictures at"),
    ):
        with pytest.raises(InputError, match=sentence):
            predicted(images, target, folder)
    assert (
        not output.exists()
        and not list(tmp_path.glob(".*"))
        and (tmp_path / "there.csv").read_text() == "another table\n"
    )


def test_refuses_what_is_no_finished_run(run, tmp_path):
    def refuse(sentence: str, workdir: Path) -> None:
        with pytest.raises(InputError, match=sentence):
            run_scorer(workdir)

    refuse("nowhere holds no run", tmp_path / "nowhere")
    (run / "model.keras").write_bytes(b"no model")
    refuse("model.keras cannot be loaded by Keras", run)
    (run / "metrics.json").unlink()
    refuse("is not finished; repeat its training command", run)


@pytest.mark.parametrize("crop_fraction", [0.0, -0.5, 1.5, float("nan")])
def test_refuses_impossible_crops(version, run, crop_fraction):
    for scorer, folder in ((exported_scorer, version.parent), (run_scorer, run)):
        with pytest.raises(InputError, match="crop_fraction=.*, expected a number in"):
            scorer(folder, crop_fraction)


def test_exports_of_an_earlier_release_are_refused(tmp_path):
    """Their signatures have no error bars."""
    module = tf.Module()
    spec = tf.TensorSpec((None, 32, 32, 1), tf.float32, "images")
    module.predict = tf.function(lambda images: {"vote_fractions": images[:, 0, :2, 0]}, [spec])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.predict)
    (tmp_path / "1" / "assets.extra").mkdir()
    description = {"answers": ["a", "b"], "image_size": 32, "channels": 1, "crop_fraction": 1.0}
    (tmp_path / "1" / "assets.extra" / "etvae.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="gives no vote_concentration.*export its run again"):
        exported_scorer(tmp_path)

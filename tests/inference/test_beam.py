"""The pipeline of Apache Beam gives the rows of `predict_pictures`."""

from __future__ import annotations

import importlib
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from tolerances import BATCH_ATOL

from etvae_tf.inference import exported_scorer, list_pictures, predict_pictures

pytest.importorskip("apache_beam", reason="Apache Beam is not installed; it comes with the extra .[beam]")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ("--crop_fraction=0.5", "--n_votes=7")
TWO_WORKERS = ("--runner=FnApiRunner", "--direct_num_workers=2", "--direct_running_mode=multi_processing")


def command(*flags: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "etvae_tf.inference.beam", *map(str, flags)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True)


def read(path: Path) -> pd.DataFrame:
    texts = {"id": str, "reason": str}
    table = pd.read_csv(path, dtype=texts) if path.suffix == ".csv" else pd.read_parquet(path)
    return table.assign(reason=table["reason"].fillna(""))


def assert_like_predict(done: subprocess.CompletedProcess[str], folder: Path, ending: str) -> pd.DataFrame:
    """Compares the pieces of a table, row by row, with what predict wrote beside them, and gives that."""
    assert done.returncode == 0, done.stderr
    pieces = sorted(folder.glob(f"beam-*-of-*{ending}"))
    found, expected = pd.concat([read(piece) for piece in pieces]), read(folder / f"votes{ending}")
    tables = [table.sort_values("id", ignore_index=True) for table in (found, expected)]
    pd.testing.assert_frame_equal(*tables, rtol=BATCH_ATOL, atol=BATCH_ATOL, check_dtype=False)
    return expected


@pytest.fixture(scope="module")
def sky(files, broken, tmp_path_factory) -> Path:
    """100 pictures in two subfolders, some of them unreadable and two of one name."""
    folder = tmp_path_factory.mktemp("sky")
    contents = [*files.values(), *broken.values()]
    for part in ("a", "b"):
        (folder / part).mkdir()
        (folder / part / "same.jpg").write_bytes(files["jpeg"])
    for number in range(98):
        (folder / "ab"[number % 2] / f"{number}.jpg").write_bytes(contents[number % len(contents)])
    return folder


@pytest.mark.parametrize("ending, zipped, flags", [(".csv", False, ()), (".parquet", True, FLAGS)])
def test_two_workers_give_the_rows_of_predict(version, sky, tmp_path, ending, zipped, flags):
    images = sky
    if zipped:
        images = tmp_path / "sky.zip"
        with zipfile.ZipFile(images, "w") as archive:
            for path in sky.rglob("*.jpg"):
                archive.write(path, path.relative_to(sky))
    crop_fraction, n_votes = (0.5, 7) if flags else (None, None)
    scorer = exported_scorer(version.parent, crop_fraction)
    predict_pictures(list_pictures(images, None), scorer, tmp_path / f"votes{ending}", n_votes)
    output = ("--output", tmp_path / f"beam{ending}")
    done = command("--images", images, *output, "--export_dir", version.parent, *flags, *TWO_WORKERS)
    expected = assert_like_predict(done, tmp_path, ending)
    assert len(expected) == 100 and 0 < expected["ok"].sum() < 100
    again = command("--images", images, *output, "--export_dir", version.parent)
    assert again.returncode == 2 and "exists; remove it" in again.stderr


@pytest.mark.parametrize(("ending", "by_paths"), [(".csv", False), (".parquet", True)])
def test_a_table_lists_galaxies_and_its_columns_are_carried_along(version, sky, tmp_path, ending, by_paths):
    """By their names, of which one has no picture, or by their paths alone; one column has a name of the votes'."""
    ids = ["97", "a/same", "nowhere", *map(str, range(40))]
    files = [next(iter(sky.rglob(f"{name}.jpg")), sky / "nowhere.jpg") for name in ids]
    table = {"note, too": ['a "b", c', None, "é", *["x"] * 40], "round": range(43), "z": [0.5, None, 1.5, *range(40)]}
    table |= {"file_loc": list(map(str, files))} if by_paths else {"objid": ids}
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    given = ["--data", tmp_path / "t.csv", *([] if by_paths else ["--images", sky, "--id_column", "objid"])]
    listing = list_pictures(None if by_paths else sky, tmp_path / "t.csv", "" if by_paths else "objid")
    predict_pictures(listing, exported_scorer(version.parent), tmp_path / f"votes{ending}")
    output = ("--output", tmp_path / f"beam{ending}", "--export_dir", version.parent)
    expected = assert_like_predict(command(*given, *output), tmp_path, ending)
    assert len(expected) == 43 and {"note, too", "round_given", "z"} < set(expected) and not expected["ok"][2]


def test_folders_of_beams_file_systems_are_listed_as_others(tmp_path, monkeypatch):
    module = importlib.import_module("etvae_tf.inference.beam")
    paths = [SimpleNamespace(path=f"gs://a/sky/{file}") for file in ("b/1.jpg", "2.png", "notes.txt")]
    monkeypatch.setattr(module.FileSystems, "match", lambda patterns: [SimpleNamespace(metadata_list=paths)])
    listed = list(module._list_files(module.Pictures("gs://a/sky")))
    assert listed == [("gs://a/sky", "1", "b/1.jpg", []), ("gs://a/sky", "2", "2.png", [])]
    (tmp_path / "t.csv").write_text("id,ra\n2,0.5\n7,\n")
    listed = list(module._list_files(module.Pictures("gs://a/sky", str(tmp_path / "t.csv"))))
    assert listed == [("gs://a/sky", "2", "2.png", [0.5]), ("gs://a/sky", "7", "", [None])]


def test_refuses_before_it_works(version, sky, tmp_path):
    right = {"images": sky, "output": tmp_path / "votes.csv", "export_dir": version.parent}
    for change, sentence in (
        ({"output": tmp_path / "votes.txt"}, "ends in '.txt', but .csv or .parquet was expected"),
        ({"images": tmp_path / "nowhere"}, "no pictures at"),
        ({"data": tmp_path / "nowhere.csv"}, "no table at"),
        ({"export_dir": tmp_path}, "holds no exported model"),
        ({"crop_fraction": 2.0}, "crop_fraction=2.0, expected a number in (0, 1]"),
        ({"windspeed": 3}, "neither Beam nor this command has a flag --windspeed; leave it out"),
    ):
        refused = command(*(f"--{name}={value}" for name, value in {**right, **change}.items()))
        assert refused.returncode == 2 and "Traceback" not in refused.stderr
        assert sentence in refused.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []

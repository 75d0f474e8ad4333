"""The pipeline of Apache Beam gives the rows of `predict_pictures`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from tolerances import BATCH_ATOL

from etvae_tf.inference import predict_pictures

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
    given = {"crop_fraction": 0.5, "n_votes": 7} if flags else {}
    predict_pictures(images, tmp_path / f"votes{ending}", version.parent, **given)
    output = ("--output", tmp_path / f"beam{ending}")
    done = command("--images", images, *output, "--export_dir", version.parent, *flags, *TWO_WORKERS)
    assert done.returncode == 0, done.stderr
    pieces = sorted(tmp_path.glob(f"beam-*-of-*{ending}"))
    found = pd.concat([read(piece) for piece in pieces]).sort_values("id", ignore_index=True)
    expected = read(tmp_path / f"votes{ending}")
    assert len(expected) == 100 and 0 < expected["ok"].sum() < 100
    pd.testing.assert_frame_equal(found, expected, rtol=BATCH_ATOL, atol=BATCH_ATOL, check_dtype=False)
    again = command("--images", images, *output, "--export_dir", version.parent)
    assert again.returncode == 2 and "exists; remove it" in again.stderr


def test_refuses_before_it_works(version, sky, tmp_path):
    right = {"images": sky, "output": tmp_path / "votes.csv", "export_dir": version.parent}
    for change, sentence in (
        ({"output": tmp_path / "votes.txt"}, "ends in '.txt', but .csv or .parquet was expected"),
        ({"images": tmp_path / "nowhere"}, "no pictures at"),
        ({"export_dir": tmp_path}, "holds no exported model"),
        ({"crop_fraction": 2.0}, "crop_fraction=2.0, expected a number in (0, 1]"),
        ({"windspeed": 3}, "neither Beam nor this command has a flag --windspeed; leave it out"),
    ):
        refused = command(*(f"--{name}={value}" for name, value in {**right, **change}.items()))
        assert refused.returncode == 2 and "Traceback" not in refused.stderr
        assert sentence in refused.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []

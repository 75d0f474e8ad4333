"""Tables in parts: what is joined, where a killed prediction goes on, and whose parts they are."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from etvae_tf.data import Question, Questions
from etvae_tf.errors import InputError
from etvae_tf.inference import list_pictures, predict_pictures, scoring, walk
from etvae_tf.inference import parts as parts_module
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import Scorer


@dataclass
class Brightness:
    """A model that gives the brightness of each picture; it dies in the batch that begins with `dies_at`."""

    dies_at: int | None = None
    seen: list[int] = field(default_factory=list)

    def scorer(self, source: Path) -> Scorer:
        return Scorer(
            source,
            Questions((Question("light", ("bright", "dark")),)),
            {"serving_default": self.decoded},
            (8, 1, 1.0),
            None,
        )

    def decoded(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        level = tf.ensure_shape(tf.numpy_function(self._levels, [images], tf.float32), [None])
        fractions = tf.stack([level, tf.zeros_like(level)], axis=1)
        unsure = {"vote_concentration": np.nan * fractions, "n_votes": tf.ones_like(fractions)}
        return {"vote_fractions": fractions, **unsure, "pose_angle": level}

    def _levels(self, images: np.ndarray) -> np.ndarray:
        levels = np.round(images[:, 0, 0, 0] * 255)
        if levels[0] == self.dies_at:
            raise RuntimeError("killed")
        self.seen += levels.astype(int).tolist()
        return levels


@pytest.fixture
def sky(tmp_path, monkeypatch):
    """23 files, g07 of them unreadable; batches of 2, parts of 4."""
    folder = tmp_path / "sky"
    folder.mkdir()
    for number in range(23):
        grey = tf.io.encode_png(np.full((9, 9, 1), 10 * number, np.uint8)).numpy()
        (folder / f"g{number:02}.png").write_bytes(b"" if number == 7 else grey)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.keras").write_bytes(b"weights")
    monkeypatch.setattr(scoring, "BATCH", 2)
    monkeypatch.setattr(walk, "BATCHES", 2)
    return folder


def call(model: Brightness, sky: Path, output: Path, table: Path | None = None, crop_fraction: float = 1.0) -> None:
    scorer = model.scorer(sky.parent / "model")._replace(preparation=(8, 1, crop_fraction))
    predict_pictures(list_pictures(sky, table), scorer, output)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_killed_prediction_goes_on(sky, tmp_path, capsys, suffix):
    """No row is lost or repeated, no part scored again, and the table is that of an undisturbed run."""
    whole, output = tmp_path / f"whole{suffix}", tmp_path / f"votes{suffix}"
    call(Brightness(), sky, whole)
    with pytest.raises(RuntimeError, match="killed"):
        call(Brightness(180), sky, output)
    assert not output.exists()
    kept = sorted(path.name for path in (tmp_path / f".votes{suffix}.parts").iterdir())
    assert kept[-2:] == ["job.json", "lock"] and 3 <= len(kept[:-2]) <= 4  # the pipeline runs ahead of what is kept
    model = Brightness()
    capsys.readouterr()
    call(model, sky, output)
    done = 4 * len(kept[:-2])
    printed = capsys.readouterr().out
    assert f"going on: {done} of 23 pictures are scored already" in printed
    assert "23 pictures scored by" in printed and "1 of them could not be read." in printed
    assert model.seen == [10 * number for number in range(done, 23)]
    assert output.read_bytes() == whole.read_bytes()
    table = pd.read_csv(output) if suffix == ".csv" else pd.read_parquet(output)
    assert table["id"].tolist() == [f"g{number:02}" for number in range(23)]
    brightness = [np.nan if number == 7 else 10 * number for number in range(23)]
    np.testing.assert_array_equal(table["bright"], brightness)
    assert table["ok"].tolist() == [number != 7 for number in range(23)] and table["reason"][7] == "empty file"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_of_a_listing_stand_beside_their_rows(sky, tmp_path, suffix):
    ids = [f"g{number:02}" for number in (20, 3, 7, 99, 0)]
    listing = pd.DataFrame({"id": ids, "ra": [0.1, 0.2, 0.3, 0.4, np.nan], "bright": [*"abcde"], "n": [5, 4, 3, 2, 1]})
    listing.to_csv(tmp_path / "listing.csv", index=False)
    output = tmp_path / f"votes{suffix}"
    call(Brightness(), sky, output, table=tmp_path / "listing.csv")
    table = pd.read_csv(output) if suffix == ".csv" else pd.read_parquet(output)
    assert table.columns[-3:].tolist() == ["ra", "bright_given", "n"]
    carried = table[["id", "ra", "bright_given", "n"]].rename(columns={"bright_given": "bright"})
    pd.testing.assert_frame_equal(carried, listing)
    np.testing.assert_array_equal(table["bright"], [200, 30, np.nan, np.nan, 0])
    assert table["reason"].fillna("").tolist() == ["", "", "empty file", "no picture of that name", ""]


def test_parts_of_another_job_are_refused(sky, tmp_path):
    output = tmp_path / "votes.csv"
    with pytest.raises(RuntimeError, match="killed"):
        call(Brightness(100), sky, output)
    parts = sorted(path.read_bytes() for path in (tmp_path / ".votes.csv.parts").iterdir())

    def refuse(sentence: str, **arguments) -> None:
        with pytest.raises(InputError, match=f"unfinished table with another {sentence}; repeat that command"):
            call(Brightness(), sky, output, **arguments)

    refuse("preparation", crop_fraction=0.5)
    (tmp_path / "model" / "model.keras").write_bytes(b"others")
    refuse("model")
    (sky / "g22.png").write_bytes(b"changed")
    refuse("model, another pictures")
    assert sorted(path.read_bytes() for path in (tmp_path / ".votes.csv.parts").iterdir()) == parts


def test_a_joined_table_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with Parts(tmp_path / "votes.csv", {"model": "m"}) as parts, monkeypatch.context() as patch:
        for number in range(3):
            parts.append(pd.DataFrame({"id": [f"g{number}"], "ok": [number != 1]}))
        patch.setattr(pd.DataFrame, "to_csv", killed)
        with pytest.raises(KeyboardInterrupt):
            parts.join(pd.DataFrame(index=range(3)))
    assert [path.name for path in tmp_path.iterdir()] == [".votes.csv.parts"]
    with Parts(tmp_path / "votes.csv", {"model": "m"}) as parts:
        assert parts.join(pd.DataFrame(index=range(3))) == 1
    assert (tmp_path / "votes.csv").read_text() == "id,ok\ng0,True\ng1,False\ng2,True\n"


WRITER = """
import sys, time
from etvae_tf.inference.parts import Parts
with Parts(sys.argv[1], {"model": "m"}):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no flock: nothing is locked there")
@pytest.mark.slow
def test_a_second_process_is_refused_and_a_killed_one_leaves_its_parts(tmp_path):
    output = tmp_path / "votes.csv"
    with subprocess.Popen([sys.executable, "-c", WRITER, output], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=f"another process is writing --output={output}; wait"):
            Parts(output, {"model": "m"}).__enter__()
        with Parts(tmp_path / "others.csv", {"model": "m"}) as parts:
            parts.remove()
        writer.kill()
    with Parts(output, {"model": "m"}) as parts:
        parts.append(pd.DataFrame({"id": ["g0"], "ok": [True]}))
        assert parts.join(pd.DataFrame(index=[0])) == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has no flock: nothing is locked there")
def test_two_walks_of_one_process_are_refused_too_and_an_error_frees_the_parts(sky, tmp_path):
    output = tmp_path / "votes.csv"
    with Parts(output, {"model": "m"}), pytest.raises(InputError, match="another process is writing"):
        call(Brightness(), sky, output)
    with pytest.raises(InputError, match="with another"):
        Parts(output, {"model": "n"}).__enter__()
    with Parts(output, {"model": "m"}) as parts:
        parts.remove()
    call(Brightness(), sky, output)


def test_who_waited_for_the_lock_finds_the_finished_table(tmp_path):
    (tmp_path / "votes.csv").write_text("id\n")
    with pytest.raises(InputError, match="votes.csv exists"):
        Parts(tmp_path / "votes.csv", {}).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["votes.csv"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no flock: nothing is locked there")
def test_a_lock_of_removed_parts_is_taken_anew(tmp_path, monkeypatch):
    """The parts vanish between opening their lock and getting it, as the process that held it ends."""
    first, flock, calls = tmp_path / ".votes.csv.parts", parts_module.fcntl.flock, []

    def late(lock: int, operation: int) -> None:
        if not calls:
            shutil.rmtree(first)
        calls.append(lock)
        flock(lock, operation)

    monkeypatch.setattr(parts_module.fcntl, "flock", late)
    with Parts(tmp_path / "votes.csv", {"model": "m"}) as parts:
        assert len(calls) == 2 and (parts.folder / "lock").exists() and len(parts) == 0


def test_file_systems_without_locks_are_named(tmp_path, monkeypatch, capsys):
    def unsupported(*_) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(parts_module, "fcntl", SimpleNamespace(flock=unsupported, LOCK_EX=2, LOCK_NB=4))
    with Parts(tmp_path / "votes.csv", {}):
        assert "cannot be locked (Operation not supported): let no other command" in capsys.readouterr().out
    monkeypatch.setattr(parts_module, "fcntl", None)  # Windows
    with Parts(tmp_path / "votes.csv", {}) as parts:
        parts.remove()

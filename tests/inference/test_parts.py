"""Tables in parts: what is joined, where a killed prediction goes on, and whose parts they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from etvae_tf.data import Question, Questions
from etvae_tf.errors import InputError
from etvae_tf.inference import predict, scoring, walk
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


def call(monkeypatch, model: Brightness, sky: Path, output: Path, **arguments) -> None:
    monkeypatch.setattr(predict, "exported_scorer", lambda folder, crop: model.scorer(sky.parent / "model"))
    predict.predict_pictures(sky, output, "exports", **arguments)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_killed_prediction_goes_on(sky, tmp_path, monkeypatch, capsys, suffix):
    """No row is lost or repeated, no part scored again, and the table is that of an undisturbed run."""
    whole, output = tmp_path / f"whole{suffix}", tmp_path / f"votes{suffix}"
    call(monkeypatch, Brightness(), sky, whole)
    with pytest.raises(RuntimeError, match="killed"):
        call(monkeypatch, Brightness(180), sky, output)
    assert not output.exists()
    kept = sorted(path.name for path in (tmp_path / f".votes{suffix}.parts").iterdir())
    assert kept[-1] == "job.json" and 3 <= len(kept[:-1]) <= 4  # the pipeline runs ahead of what is kept
    model = Brightness()
    capsys.readouterr()
    call(monkeypatch, model, sky, output)
    done = 4 * len(kept[:-1])
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
def test_columns_of_a_listing_stand_beside_their_rows(sky, tmp_path, monkeypatch, suffix):
    ids = [f"g{number:02}" for number in (20, 3, 7, 99, 0)]
    listing = pd.DataFrame({"id": ids, "ra": [0.1, 0.2, 0.3, 0.4, np.nan], "bright": [*"abcde"], "n": [5, 4, 3, 2, 1]})
    listing.to_csv(tmp_path / "listing.csv", index=False)
    output = tmp_path / f"votes{suffix}"
    call(monkeypatch, Brightness(), sky, output, table=tmp_path / "listing.csv")
    table = pd.read_csv(output) if suffix == ".csv" else pd.read_parquet(output)
    assert table.columns[-3:].tolist() == ["ra", "bright_given", "n"]
    carried = table[["id", "ra", "bright_given", "n"]].rename(columns={"bright_given": "bright"})
    pd.testing.assert_frame_equal(carried, listing)
    np.testing.assert_array_equal(table["bright"], [200, 30, np.nan, np.nan, 0])
    assert table["reason"].fillna("").tolist() == ["", "", "empty file", "no picture of that name", ""]


def test_parts_of_another_job_are_refused(sky, tmp_path, monkeypatch):
    output = tmp_path / "votes.csv"
    with pytest.raises(RuntimeError, match="killed"):
        call(monkeypatch, Brightness(100), sky, output)
    parts = sorted(path.read_bytes() for path in (tmp_path / ".votes.csv.parts").iterdir())

    def refuse(sentence: str, **arguments) -> None:
        with pytest.raises(InputError, match=f"unfinished table with another {sentence}; repeat that command"):
            call(monkeypatch, Brightness(), sky, output, **arguments)

    refuse("crop_fraction", crop_fraction=0.5)
    (tmp_path / "model" / "model.keras").write_bytes(b"others")
    refuse("model")
    (sky / "g22.png").write_bytes(b"changed")
    refuse("model, another pictures")
    assert sorted(path.read_bytes() for path in (tmp_path / ".votes.csv.parts").iterdir()) == parts


def test_a_joined_table_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    parts = Parts(tmp_path / "votes.csv", {"model": "m"})
    for number in range(3):
        parts.append(pd.DataFrame({"id": [f"g{number}"], "ok": [number != 1]}))

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", killed)
        with pytest.raises(KeyboardInterrupt):
            parts.join(pd.DataFrame(index=range(3)))
    assert [path.name for path in tmp_path.iterdir()] == [".votes.csv.parts"]
    assert Parts(tmp_path / "votes.csv", {"model": "m"}).join(pd.DataFrame(index=range(3))) == 1
    assert (tmp_path / "votes.csv").read_text() == "id,ok\ng0,True\ng1,False\ng2,True\n"

"""`acquire_galaxies`: who is a candidate, what the table holds, how a killed call goes on, and every refusal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from exports import METRICS
from galaxies import tiny_model
from PIL import Image

from configs import quicktest
from etvae_tf.data import hashes_to_text, picture_hashes, synthesise
from etvae_tf.errors import InputError
from etvae_tf.inference import Scorer, acquire_galaxies, exported_scorer, list_pictures, scoring, walk
from etvae_tf.inference.acquire import check_choice
from etvae_tf.inference.information import information_of
from etvae_tf.inference.parts import Parts

COUNT = 30


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic galaxies as PNG files, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("sky")
    for number, picture in enumerate(synthesise(COUNT, image_size=32).images):
        Image.fromarray(picture[..., 0]).save(folder / f"{number:03}.png")
    (folder / "broken.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learnt the votes of galaxies 000 and, under another name, 001 mirrored, and 002 without votes."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.json").write_text(quicktest.get_config().to_json())
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    tiny_model().save(folder / "model.keras")
    images = synthesise(3, image_size=32).images
    images[1] = images[1, :, ::-1]
    learnt = {"id": ["000", "other", "002"], "labelled": [True, True, False]}
    hashes = hashes_to_text(picture_hashes(images))
    pd.DataFrame({**learnt, "picture_hash": hashes}).to_parquet(folder / "learnt.parquet")
    return folder


def acquire(images, output, n, strategy, exports=None, run=None, table=None, seed=0):
    """With a run, or with an exported model."""
    listing = list_pictures(images, table)
    scorer = Scorer(run, (), {}, (32, 1, 1.0), None) if run else exported_scorer(exports, 1.0)
    acquire_galaxies(listing, scorer, output, n, strategy, seed)


def table_of(output: Path) -> pd.DataFrame:
    return pd.read_csv(output, dtype={"id": str}) if output.suffix == ".csv" else pd.read_parquet(output)


@pytest.mark.slow
def test_all_candidates_in_the_order_of_their_information(asked, sky, tmp_path, capsys):
    """Not those whose votes were learnt, under any name: 000 and 001."""
    output, count = tmp_path / "next.csv", COUNT - 2
    acquire(sky, output, count, "bald", None, asked)
    table = table_of(output)
    assert table.columns.tolist() == ["id", "rank", "strategy", "score", "mutual_information", "entropy"]
    assert sorted(table["id"]) == [f"{number:03}" for number in range(2, COUNT)]
    assert table["rank"].tolist() == list(range(1, count + 1)) and set(table["strategy"]) == {"bald"}
    assert table["score"].is_monotonic_decreasing and (table["score"] == table["mutual_information"]).all()
    images = synthesise(COUNT, image_size=32).images[table["id"].astype(int)]
    model = tiny_model()
    views = model.encoder.mirrored_posteriors(tf.cast(images, tf.float32) / 255)
    expected = information_of(model.vote_head, [(view.loc, view.scale) for view in views])
    for column in ("entropy", "mutual_information"):
        np.testing.assert_allclose(table[column], expected[column].numpy(), atol=1e-5)
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{count} of {count} candidates chosen by bald into {output}; 2 have labels that {asked} learnt; 1 pictures "
        "could not be read."
    )
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_fewer_candidates_than_pictures_are_refused_and_the_walk_is_kept(asked, sky, tmp_path, capsys):
    output = tmp_path / "next.parquet"
    with pytest.raises(InputError, match=f"n_galaxies={COUNT - 1} came, but there are {COUNT - 2} candidates"):
        acquire(sky, output, COUNT - 1, "entropy", None, asked)
    acquire(sky, output, 3, "entropy", None, asked)
    assert f"going on: {COUNT + 1} of {COUNT + 1} pictures" in capsys.readouterr().out
    table = table_of(output)
    assert len(set(table["id"])) == 3 and (table["score"] == table["entropy"]).all()


@pytest.mark.slow
def test_an_exported_model_chooses_typical_galaxies(version, sky, tmp_path):
    acquire(sky, tmp_path / "first.csv", 5, "typical", version.parent)
    table = table_of(tmp_path / "first.csv")
    assert table.columns.tolist() == ["id", "rank", "strategy", "score"] and len(set(table["id"])) == 5
    assert (table["score"] > 0).all() and "broken" not in set(table["id"])


@pytest.mark.slow
def test_a_table_lists_the_candidates_and_lends_its_columns(version, sky, tmp_path):
    listed = pd.DataFrame({"name": ["007", "003", "broken", "011"], "rank": [4, 5, 6, 7], "z": [0.1, 0.2, 0.3, 0.4]})
    listed.to_csv(tmp_path / "candidates.csv", index=False)
    output = tmp_path / "next.csv"
    acquire(sky, output, 3, "random", version.parent, table=tmp_path / "candidates.csv", seed=1)
    table = pd.read_csv(output, dtype={"id": str, "name": str})
    assert sorted(table["id"]) == ["003", "007", "011"] and table["id"].tolist() == table["name"].tolist()
    expected = listed.set_index("name").loc[table["id"]]
    assert table["rank"].tolist() == [1, 2, 3] and table["rank_given"].tolist() == expected["rank"].tolist()
    assert table["z"].tolist() == expected["z"].tolist()


@pytest.mark.slow
def test_a_killed_call_goes_on_and_chooses_the_same(asked, sky, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "BATCH", 4)
    monkeypatch.setattr(walk, "BATCHES", 2)
    acquire(sky, tmp_path / "whole.csv", 4, "typical", None, asked)
    read, original = [], Parts.append

    def append(self, rows):
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(rows["id"].tolist())
        original(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "append", append)
        with pytest.raises(KeyboardInterrupt):
            acquire(sky, tmp_path / "next.csv", 4, "typical", None, asked)
    assert not (tmp_path / "next.csv").exists()
    capsys.readouterr()
    acquire(sky, tmp_path / "next.csv", 4, "typical", None, asked)
    assert f"going on: 16 of {COUNT + 1} pictures are scored already" in capsys.readouterr().out
    assert (tmp_path / "next.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_refuses_before_it_works(asked, sky, tmp_path):
    (tmp_path / "there.csv").write_text("another table\n")
    output = tmp_path / "next.csv"
    for target, n, strategy, sentence in (
        (output, None, "random", "add --n_galaxies=N, at least 1"),
        (output, 0, "random", "add --n_galaxies=N, at least 1"),
        (output, 3, None, "add --strategy, one of bald, entropy, typical, random"),
        (output, 3, "margin", "strategy=margin came"),
        (tmp_path / "there.csv", 3, "random", "there.csv exists"),
        (tmp_path / "next.txt", 3, "random", "ends in '.txt'"),
        (output, COUNT + 2, "random", f"n_galaxies={COUNT + 2} came, but there are {COUNT + 1}"),
    ):
        with pytest.raises(InputError, match=sentence):
            acquire(sky, target, n, strategy, run=asked)
    with pytest.raises(InputError, match="asks the vote head of a run, but no run came; add --workdir=RUN"):
        check_choice("bald", 3, 0, is_run=False)
    with pytest.raises(InputError, match="seed=-1, expected a whole number from 0 to 4294967295"):
        check_choice("typical", 3, -1, is_run=False)
    older = shutil.copytree(asked, tmp_path / "older")
    (older / "learnt.parquet").unlink()
    with pytest.raises(InputError, match="lacks learnt.parquet, the list of what the run learnt from; train it anew"):
        acquire(sky, output, 3, "bald", run=older)
    assert not output.exists() and not list(tmp_path.glob(".*"))

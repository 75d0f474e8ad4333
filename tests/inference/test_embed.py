"""Embeddings: what the files hold, where a killed walk goes on, and which galaxies are nearest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from surveys import LATENTS, Grey, undrawn, write_survey

from etvae_tf.errors import InputError
from etvae_tf.inference import embed_pictures, embedding_map, list_pictures, neighbours, scoring, walk
from etvae_tf.inference.canonical import CanonicalPictures

NUMBERS = ["latent_0", "latent_1", "latent_2", "pose_angle"]


@pytest.fixture
def sky(tmp_path, monkeypatch) -> Path:
    """23 pictures, g07 of them unreadable; batches of 2, parts of 4, and 5 rows of a finished table at once."""
    monkeypatch.setattr(scoring, "BATCH", 2)
    monkeypatch.setattr(walk, "BATCHES", 2)
    monkeypatch.setattr(neighbours, "_ROWS", 5)
    undrawn(monkeypatch)
    return write_survey(tmp_path)


def embed(sky: Path, output: str, model: Grey | None = None, table: Path | None = None, **asked) -> pd.DataFrame:
    model = model or Grey(sky.parent)
    embed_pictures(list_pictures(sky, table), model.scorer(), sky.parent / output, **asked)
    return read(sky.parent / output)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.mark.parametrize("output", ["e.csv", "e.parquet"])
def test_a_survey_becomes_latents_and_canonical_pictures(sky, output):
    table = embed(sky, output)
    assert table.columns.tolist() == ["id", *NUMBERS, "ok", "reason"]
    assert table["id"].tolist() == [f"g{number:02}" for number in range(23)]
    good = np.arange(23) != 7
    np.testing.assert_allclose(table.loc[good, NUMBERS[:3]], LATENTS[:23][good], rtol=1e-6)
    np.testing.assert_allclose(table.loc[good, "pose_angle"], np.arange(23)[good] / 255, rtol=1e-6)
    assert table.loc[7, NUMBERS].isna().all() and table["ok"].tolist() == good.tolist()
    assert table["reason"].fillna("")[~good].tolist() == ["empty file"]
    with np.load(sky.parent / "e_canonical.npz") as arrays:
        assert arrays["id"].tolist() == table["id"].tolist()
        assert arrays["canonical"].shape == (23, 8, 8, 1) and arrays["canonical"].dtype == np.uint8
        levels = np.where(good, 255 - np.arange(23), 0)
        np.testing.assert_array_equal(arrays["canonical"], np.broadcast_to(levels[:, None, None, None], (23, 8, 8, 1)))
    assert (sky.parent / "e_map.png").read_text() == "22 galaxies: t-SNE of the latents of 22 galaxies"
    assert not list(sky.parent.glob(".*"))


@pytest.mark.slow
def test_a_killed_walk_goes_on(sky, capsys):
    """Nothing is lost or computed again, also no canonical picture."""
    whole = embed(sky, "whole.parquet")
    with pytest.raises(RuntimeError, match="killed"):
        embed(sky, "e.parquet", Grey(sky.parent, dies_at=16))
    assert not (sky.parent / "e.parquet").exists() and not (sky.parent / "e_canonical.npz").exists()
    model = Grey(sky.parent)
    pd.testing.assert_frame_equal(embed(sky, "e.parquet", model), whole)
    assert "going on: 16 of 23 pictures" in capsys.readouterr().out and model.seen == list(range(16, 23))
    files = [np.load(sky.parent / f"{name}_canonical.npz") for name in ("e", "whole")]
    np.testing.assert_array_equal(files[0]["canonical"], files[1]["canonical"])


def test_a_finished_embedding_is_read_and_another_one_refused(sky, capsys):
    first = embed(sky, "e.parquet", canonical=False)
    assert not (sky.parent / "e_canonical.npz").exists()
    model = Grey(sky.parent)
    pd.testing.assert_frame_equal(embed(sky, "e.parquet", model, canonical=False), first)
    assert "holds this embedding already, complete" in capsys.readouterr().out and not model.seen
    with pytest.raises(InputError, match="is an embedding with another model; remove it"):
        embed(sky, "e.parquet", Grey(sky.parent, weights=b"others"), canonical=False)
    with pytest.raises(InputError, match="is an embedding with another canonical; remove it"):
        embed(sky, "e.parquet")
    (sky.parent / "e_map.png").write_text("of another one")
    (sky.parent / "e.parquet").unlink()
    embed(sky, "e.parquet")
    assert "t-SNE" in (sky.parent / "e_map.png").read_text()
    (sky.parent / "e_inputs.json").unlink()
    with pytest.raises(InputError, match="exists; remove it, or choose another name"):
        embed(sky, "e.parquet")


@pytest.mark.parametrize("output", ["e.csv", "e.parquet"])
def test_the_nearest_galaxies_are_those_of_a_full_sort(sky, output, capsys):
    embed(sky, output, neighbours_of="g04")
    found = pd.read_csv(sky.parent / "e_neighbours_g04.csv")
    distances = np.linalg.norm(LATENTS[:23] - LATENTS[4], axis=1)
    expected = [row for row in np.argsort(distances) if row not in (4, 7)][:15]
    assert found["id"].tolist() == [f"g{row:02}" for row in expected] and found["rank"].tolist() == list(range(1, 16))
    np.testing.assert_allclose(found["distance"], distances[expected], rtol=1e-5)
    assert (sky.parent / "e_neighbours_g04.png").read_text().startswith("16 galaxies: g04 and")
    assert f" 1 g{expected[0]:02}" in capsys.readouterr().out


def test_a_galaxy_that_has_no_latent_has_no_neighbours(sky):
    with pytest.raises(InputError, match="g99 is none of the 23 pictures"):
        embed(sky, "e.csv", neighbours_of="g99")
    assert not (sky.parent / "e.csv").exists()
    with pytest.raises(InputError, match="g07 has no latent in .*, for its picture could not be read"):
        embed(sky, "e.csv", neighbours_of="g07")


def test_a_listing_gives_order_and_columns_and_few_galaxies_get_no_map(sky, capsys):
    ids = ["g20", "g03", "zz", "g00"]
    pd.DataFrame({"id": ids, "ra": [0.1, 0.2, 0.3, 0.4]}).to_csv(sky.parent / "t.csv", index=False)
    table = embed(sky, "e.parquet", table=sky.parent / "t.csv", neighbours_of="g03")
    assert table["id"].tolist() == ids and table["ra"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert sorted(pd.read_csv(sky.parent / "e_neighbours_g03.csv")["id"]) == ["g00", "g20"]
    assert "no map was drawn, for it takes 10 galaxies and 3 could be read" in capsys.readouterr().out
    assert not (sky.parent / "e_map.png").exists()


def test_of_many_galaxies_some_are_on_the_map(sky, monkeypatch):
    monkeypatch.setattr(embedding_map, "_MAPPED", 12)
    embed(sky, "e.parquet")
    heading = "t-SNE of the latents of 12 galaxies of 23, drawn by a hash of their names"
    assert (sky.parent / "e_map.png").read_text() == f"12 galaxies: {heading}"


def test_canonical_pictures_that_numpy_reads_need_no_memory_for_all(tmp_path):
    """A batch lands in its rows of a mapped file, which has holes where nothing was put."""
    pictures = CanonicalPictures(tmp_path / "canonical.npy", 20_000, (200, 200, 1))
    pictures.put(19_998, np.array([[1.0] * 40_000, [np.nan] * 40_000], np.float32))
    kept = np.load(tmp_path / "canonical.npy", mmap_mode="r")
    assert kept.shape == (20_000, 200, 200, 1) and kept[0].max() == 0
    assert kept[-2].min() == 255 and kept[-1].max() == 0

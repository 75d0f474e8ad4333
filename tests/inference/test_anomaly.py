"""Oddities: their order, where a killed walk goes on, and what each score is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.covariance import LedoitWolf
from surveys import LATENTS, Grey, undrawn, write_survey

from etvae_tf.errors import InputError
from etvae_tf.inference import find_oddities, list_pictures, scoring, walk
from etvae_tf.inference.anomaly import latent_density, rank_oddities


@pytest.fixture
def sky(tmp_path, monkeypatch) -> Path:
    """23 pictures, g07 of them unreadable and g05 much brighter; batches of 2, parts of 4."""
    monkeypatch.setattr(scoring, "BATCH", 2)
    monkeypatch.setattr(walk, "BATCHES", 2)
    undrawn(monkeypatch)
    return write_survey(tmp_path, odd=5)


def oddities(sky: Path, output: str, model: Grey | None = None, table: Path | None = None) -> pd.DataFrame:
    model = model or Grey(sky.parent)
    find_oddities(list_pictures(sky, table), model.scorer(), sky.parent / output)
    return pd.read_csv(sky.parent / output) if output.endswith(".csv") else pd.read_parquet(sky.parent / output)


def test_the_better_rank_counts_and_then_the_other():
    table = pd.DataFrame({"id": [*"abcdx"], "elbo": [1.0, 9, 2, 3, np.nan], "log_density": [7.0, 5, 8, 9, np.nan]})
    ranked = rank_oddities(table.assign(ok=[True] * 4 + [False]))
    assert ranked["id"].tolist() == [*"abcdx"] and ranked["rank"].tolist()[:4] == [1, 2, 3, 4]
    assert ranked["elbo_rank"].tolist()[:4] == [1, 4, 2, 3] and ranked["log_density_rank"].tolist()[:4] == [2, 1, 3, 4]
    assert ranked.loc[4, ["rank", "elbo_rank", "log_density_rank"]].isna().all()
    assert ranked.columns.tolist() == ["rank", "id", "elbo", "elbo_rank", "log_density", "log_density_rank", "ok"]


def test_the_density_is_a_gaussians():
    latents = LATENTS[:50]
    reference = LedoitWolf().fit(latents)
    exact = stats.multivariate_normal(reference.location_, reference.covariance_)
    np.testing.assert_allclose(latent_density(latents)(LATENTS), exact.logpdf(LATENTS), rtol=1e-6)
    assert latent_density(latents)(LATENTS[:1]).shape == (1,)


@pytest.mark.parametrize("output", ["o.csv", "o.parquet"])
def test_a_survey_is_ranked_the_oddest_first(sky, output, capsys):
    table = oddities(sky, output)
    levels = np.where(np.arange(23) == 5, 200, np.arange(23))
    assert table["id"][0] == "g05" and table["elbo_rank"][0] == 1 and table["rank"].tolist()[:22] == list(range(1, 23))
    assert table["id"][22] == "g07" and not table["ok"][22] and table["reason"][22] == "empty file"
    assert table.loc[22, ["rank", "elbo", "elbo_rank", "log_density", "log_density_rank"]].isna().all()
    rows = table[:22]["id"].str[1:].astype(int)
    np.testing.assert_allclose(table["elbo"][:22].astype(float), -levels[rows], atol=1e-4)
    good = LATENTS[levels[np.arange(23) != 7]]
    np.testing.assert_allclose(table["log_density"][:22], latent_density(good)(LATENTS[levels[rows]]), rtol=1e-4)
    assert "23 pictures ranked" in capsys.readouterr().out
    assert (sky.parent / "o.png").read_text() == "22 galaxies: the 22 oddest of 23 pictures"
    assert not list(sky.parent.glob(".*"))


@pytest.mark.slow
def test_a_killed_walk_goes_on(sky, capsys):
    whole = oddities(sky, "whole.parquet")
    with pytest.raises(RuntimeError, match="killed"):
        oddities(sky, "o.parquet", Grey(sky.parent, dies_at=16))
    model = Grey(sky.parent)
    pd.testing.assert_frame_equal(oddities(sky, "o.parquet", model), whole)
    assert "going on: 16 of 23 pictures" in capsys.readouterr().out and model.seen == list(range(16, 23))


def test_without_a_decoder_density_alone_ranks(sky, capsys):
    table = oddities(sky, "o.csv", Grey(sky.parent, decoder=False))
    assert table.columns.tolist() == ["rank", "id", "log_density", "log_density_rank", "ok", "reason"]
    assert table["log_density"][:22].is_monotonic_increasing
    assert "has no trained decoder, so no ELBO" in capsys.readouterr().out


def test_columns_of_a_listing_stay_with_their_galaxies(sky):
    ids = [f"g{number:02}" for number in range(22, -1, -1)]
    listing = pd.DataFrame({"id": ids, "elbo": ids, "elbo_given": ids, "note": ids})
    listing.to_csv(sky.parent / "t.csv", index=False)
    table = oddities(sky, "o.csv", table=sky.parent / "t.csv")
    assert table["id"].tolist() == table["elbo_given"].tolist() == table["elbo_given_given"].tolist()
    assert table["id"].tolist() == table["note"].tolist()
    scores = [one.set_index("id")["elbo"].to_dict() for one in (table, oddities(sky, "all.csv"))]
    assert {k: v for k, v in scores[0].items() if k != "g07"} == {k: v for k, v in scores[1].items() if k != "g07"}


def test_refuses_what_cannot_be_ranked(sky, tmp_path):
    pd.DataFrame({"id": ["g00", "g01", "g07"]}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="2 pictures could be read, but a ranking takes 10"):
        oddities(sky, "o.csv", table=tmp_path / "t.csv")
    with pytest.raises(InputError, match="ends in '.txt'"):
        oddities(sky, "o.txt")

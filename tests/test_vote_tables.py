"""Batches of pictures as rows of a table."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from etvae_tf.data import Question, Questions
from etvae_tf.errors import InputError
from etvae_tf.vote_tables import check_n_votes, check_output, score_batches, vote_table, write_table

ANSWERS = [f"{answer}{end}" for answer in ("smooth", "featured") for end in ("", "_std", "_low", "_high")]


def questions(*answers: str) -> Questions:
    return Questions((Question("which", answers),))


def lengths(files: list[bytes]) -> dict[str, np.ndarray]:
    """Outputs that tell how long each file is."""
    values = np.array([len(file) for file in files], np.float32)
    fractions = np.stack([values, 1 - values], axis=1)
    sure = {"vote_concentration": 5 * fractions, "n_votes": np.full_like(fractions, 10.0)}
    return {"vote_fractions": fractions, **sure, "pose_angle": -values, "ok": values > 0}


def test_an_endless_stream_is_scored_as_it_comes():
    taken = []

    def stream():
        for number in itertools.count():
            taken.append(number)
            yield [f"g{number}", f"h{number}"], [b"", b"x"]

    rows = score_batches(lengths, stream(), questions("smooth", "featured"))
    first, second = next(rows), next(rows)
    assert taken == [0, 1]
    assert first.columns.tolist() == ["id", *ANSWERS, "pose_angle", "ok", "reason"]
    assert first["id"].tolist() == ["g0", "h0"] and second["id"].tolist() == ["g1", "h1"]
    assert second["smooth"].tolist() == [0, 1] and second["ok"].tolist() == [False, True]
    assert second["reason"].tolist() == ["not a readable picture", ""]


def test_answers_without_names_are_numbered():
    (table,) = score_batches(lengths, [(["a"], [b"x"])])
    assert table.columns.tolist()[1::4] == ["answer_0", "answer_1", "pose_angle"]


def sure(fractions: list[list[float]], concentration: float, n_votes: float) -> dict[str, np.ndarray]:
    """Outputs of a model of one question."""
    fractions = np.array(fractions, np.float32)
    typical = np.full_like(fractions, n_votes)
    rest = {"pose_angle": np.zeros(len(fractions)), "ok": np.isfinite(fractions[:, 0])}
    return {"vote_fractions": fractions, "vote_concentration": concentration * fractions, "n_votes": typical, **rest}


@pytest.mark.parametrize("n_votes", [None, 7])
def test_error_bars_are_scipys(n_votes: int | None) -> None:
    outputs = sure([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]], 6.0, 40.0)
    table = vote_table(["a", "b"], outputs, questions("s", "f", "x"), n_votes)
    total = n_votes or 40
    for answer in ("s", "f", "x"):
        p = table[answer].to_numpy(float)
        exact = stats.betabinom(total, 6 * p, 6 * (1 - p))
        np.testing.assert_allclose(table[f"{answer}_std"], exact.std() / total, rtol=1e-5)
        np.testing.assert_allclose(table[f"{answer}_low"], exact.ppf(0.05) / total, rtol=1e-6)
        np.testing.assert_allclose(table[f"{answer}_high"], exact.ppf(0.95) / total, rtol=1e-6)


def test_what_is_not_known_is_empty() -> None:
    ends = ["s_std", "s_low", "s_high"]
    unreadable = vote_table(["a", "b"], sure([[0.2, 0.8], [np.nan, np.nan]], 6.0, 40.0), questions("s", "f"))
    assert unreadable[ends].notna().all(axis=1).tolist() == [True, False]
    unsure = vote_table(["a"], sure([[0.2, 0.8]], np.nan, 40.0), questions("s", "f"))
    assert unsure[ends].isna().all(axis=None) and unsure["s"].notna().all()
    never = vote_table(["a"], sure([[0.0, 1.0]], 6.0, 40.0), questions("s", "f"))
    assert never[ends].notna().all(axis=None)


def test_a_tree_gives_fractions_of_all_volunteers() -> None:
    tree = Questions((Question("shape", ("smooth", "featured")), Question("edge-on", ("yes", "no"), ("featured",))))
    table = vote_table(["a"], sure([[0.2, 0.8, 0.25, 0.75]], 6.0, 40.0), tree)
    joint = [name for name in table.columns if name.endswith("_joint")]
    assert joint == ["yes_joint", "no_joint"], "everyone is asked the first question"
    np.testing.assert_allclose(table[["yes", *joint]].to_numpy()[0], [0.25, 0.2, 0.6], rtol=1e-6)


def test_novelty_above_one_is_unlike_the_training_pictures() -> None:
    outputs = sure([[0.2, 0.8]] * 3, 6.0, 40.0) | {"novelty": np.array([0.9, 1.1, np.nan], np.float32)}
    table = vote_table([*"abc"], outputs, questions("s", "f"))
    assert table.columns[-4:].tolist() == ["pose_angle", "novelty", "unlike_training", "ok"]
    assert table["unlike_training"].tolist() == [False, True, False] and np.isnan(table["novelty"][2])


def test_a_galaxy_has_one_vote_or_more() -> None:
    with pytest.raises(InputError, match="n_votes=0, but at least 1"):
        check_n_votes(0)


def test_a_table_appears_whole_or_not_at_all(tmp_path):
    def parts():
        yield pd.DataFrame({"id": ["a"]})
        assert list(tmp_path.iterdir()) == []
        yield pd.DataFrame({"id": ["b"]})

    table = write_table(tmp_path / "votes.csv", parts(), 2)
    assert table["id"].tolist() == pd.read_csv(tmp_path / "votes.csv")["id"].tolist() == ["a", "b"]
    with pytest.raises(InputError, match="exists; remove it"):
        check_output(tmp_path / "votes.csv")

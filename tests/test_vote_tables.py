"""Batches of pictures as rows of a table."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from etvae_tf.errors import InputError
from etvae_tf.vote_tables import check_output, score_batches, write_table


def lengths(files: list[bytes]) -> dict[str, np.ndarray]:
    """Outputs that tell how long each file is."""
    values = np.array([len(file) for file in files], np.float32)
    fractions = np.stack([values, 1 - values], axis=1)
    return {"vote_fractions": fractions, "vote_fractions_std": fractions / 10, "pose_angle": -values, "ok": values > 0}


def test_an_endless_stream_is_scored_as_it_comes():
    taken = []

    def stream():
        for number in itertools.count():
            taken.append(number)
            yield [f"g{number}", f"h{number}"], [b"", b"x"]

    rows = score_batches(lengths, stream(), ["smooth", "featured"])
    first, second = next(rows), next(rows)
    assert taken == [0, 1]
    assert first.columns.tolist() == [
        "id",
        "smooth",
        "smooth_std",
        "featured",
        "featured_std",
        "pose_angle",
        "ok",
        "reason",
    ]
    assert first["id"].tolist() == ["g0", "h0"] and second["id"].tolist() == ["g1", "h1"]
    assert second["smooth"].tolist() == [0, 1] and second["ok"].tolist() == [False, True]
    assert second["reason"].tolist() == ["not a readable picture", ""]


def test_answers_without_names_are_numbered():
    (table,) = score_batches(lengths, [(["a"], [b"x"])])
    assert table.columns.tolist()[1::2] == ["answer_0", "answer_1", "pose_angle", "reason"]


def test_a_table_appears_whole_or_not_at_all(tmp_path):
    def parts():
        yield pd.DataFrame({"id": ["a"]})
        assert list(tmp_path.iterdir()) == []
        yield pd.DataFrame({"id": ["b"]})

    table = write_table(tmp_path / "votes.csv", parts(), 2)
    assert table["id"].tolist() == pd.read_csv(tmp_path / "votes.csv")["id"].tolist() == ["a", "b"]
    with pytest.raises(InputError, match="exists; remove it"):
        check_output(tmp_path / "votes.csv")

"""What is wrong with the inputs of a run is said before any picture is decoded, and at once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from etvae_tf.config import get_config
from etvae_tf.data import load_data
from etvae_tf.errors import InputError


@pytest.mark.parametrize(
    ("images", "columns", "sentences"),
    [
        ("images.zip", ("a", "b"), ["no pictures at absent.zip", "6 of 8 pictures are missing", "only 7 of the 8"]),
        ("no.zip", ("a", "c"), ["no.zip, expected a folder", "the table has no column c", "no pictures at absent.zip"]),
    ],
)
def test_all_problems_come_at_once(tmp_path: Path, images: str, columns: tuple[str, ...], sentences: list[str]) -> None:
    ids = [f"g{number}" for number in range(8)]
    pd.DataFrame({"id": ids, "a": 3, "b": 1}).to_csv(tmp_path / "votes.csv", index=False)
    pd.DataFrame({"id": ids, "split": ["test"] + ["train"] * 7}).to_csv(tmp_path / "split.csv", index=False)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name in ids[:2]:
            archive.writestr(f"{name}.png", b"never read")
    config = get_config()
    config.n_labels = 9
    config.data.update(table=str(tmp_path / "votes.csv"), split=str(tmp_path / "split.csv"), answer_columns=columns)
    config.data.update(images=str(tmp_path / images), unlabelled="absent.zip")
    with pytest.raises(InputError) as found:
        load_data(config)
    assert len(found.value.args) == len(sentences)
    for sentence in sentences:
        assert sentence in str(found.value)


def test_test_galaxies_with_few_votes_on_a_later_question_are_refused_before_training(tmp_path: Path) -> None:
    ids = [f"g{number}" for number in range(8)]
    votes = pd.DataFrame({"id": ids, "Class7.1": 0.1, "Class7.2": 0.05, "Class7.3": 0.0})  # 6 of 40
    votes.to_csv(tmp_path / "votes.csv", index=False)
    pd.DataFrame({"id": ids, "split": ["test"] * 2 + ["train"] * 6}).to_csv(tmp_path / "split.csv", index=False)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name in ids:
            archive.writestr(f"{name}.png", b"never read")
    config = get_config()
    config.n_labels = 5
    config.data.update(table=str(tmp_path / "votes.csv"), split=str(tmp_path / "split.csv"))
    config.data.update(images=str(tmp_path / "images.zip"), questions=("how-rounded",))
    with pytest.raises(InputError, match="none of the 2 test galaxies has votes .10 at least on a question"):
        load_data(config)

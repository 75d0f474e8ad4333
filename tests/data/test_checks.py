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

"""Which pictures are scored: folders, tables that list galaxies, and paths in tables."""

from __future__ import annotations

import pandas as pd
import pytest
from pictures import picture_files

from etvae_tf.errors import InputError
from etvae_tf.inference import listing
from etvae_tf.inference.listing import list_pictures


@pytest.fixture
def folder(tmp_path):
    """Pictures a and b, and two of one name in two subfolders."""
    for name in ("a", "b", "x/c", "y/c"):
        path = tmp_path / "sky" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture_files()["jpeg"])
    return tmp_path / "sky"


def write(table: dict[str, list], path) -> str:
    pd.DataFrame(table).to_csv(path, index=False)
    return str(path)


def test_without_a_table_all_are_listed(folder):
    listed = list_pictures(folder, None)
    assert listed.names == ("a", "b", "x/c", "y/c")
    assert listed.others.shape == (4, 0)


def test_a_table_lists_galaxies_in_its_order_and_carries_its_columns(folder, tmp_path):
    columns = {"id": ["b", "z", "y/c.jpg"], "ra": [1.5, 2.5, None], "note": ["", "x", "y"]}
    listed = list_pictures(folder, write(columns, tmp_path / "t.csv"))
    assert list(listed.names) == ["b", "z", "y/c"]
    assert listed.others.columns.tolist() == ["ra", "note"] and listed.others["ra"][:2].tolist() == [1.5, 2.5]
    assert listed.source.read("b") and listed.source.read("z") == b""
    assert listed.source.why_unreadable("z") == "no picture of that name"


def test_the_id_column_is_found_by_its_values_and_carried_along(folder, tmp_path):
    table = write({"mag": [1, 2], "objid": ["a", "b"]}, tmp_path / "t.csv")
    listed = list_pictures(folder, table)
    assert list(listed.names) == ["a", "b"] and listed.others.columns.tolist() == ["mag", "objid"]
    assert list(list_pictures(folder, table, "objid").names) == ["a", "b"]


@pytest.mark.parametrize("absolute", [True, False])
def test_a_table_has_the_paths_of_its_pictures(folder, tmp_path, absolute):
    files = ["sky/a.jpg", "sky/x/c.jpg", "sky/y/c.jpg", "sky/nowhere.jpg"]
    paths = [str(tmp_path / file) if absolute else file for file in files]
    listed = list_pictures(None, write({"file_loc": paths}, tmp_path / "t.csv"))
    assert list(listed.names) == ["a", "x/c", "y/c", "nowhere"]
    assert listed.source.read("a") and listed.source.read("y/c")
    assert listed.source.why_unreadable("nowhere") == "file that cannot be read (No such file or directory)"
    named = list_pictures(None, write({"id_str": [*"pqrs"], "file_loc": paths}, tmp_path / "u.csv"))
    assert list(named.names) == [*"pqrs"] and named.source.read("p") == listed.source.read("a")


def test_mixed_columns_become_text(folder, tmp_path, monkeypatch):
    table = pd.DataFrame({"id": ["a", "b"], "mixed": [1, "x"]}, dtype=object)
    monkeypatch.setattr(listing, "read_table", lambda *_: table)  # as pandas may read a long CSV
    assert list_pictures(folder, tmp_path / "t.csv").others["mixed"].tolist() == ["1", "x"]


def test_refuses_what_lists_no_picture(folder, tmp_path):
    for images, table, sentence in (
        (None, None, "add --images=FOLDER_OR_ZIP, or --data=TABLE with"),
        (folder, {"id": ["p", "q"]}, "has no picture of any of the 2 galaxies that .* lists in id"),
        (None, {"id": ["a"]}, "has no column file_loc"),
        (None, {"file_loc": ["nowhere.jpg"]}, "lists nowhere.jpg in file_loc, but none of its 1 files is there"),
        (folder, {"id": ["a", "a"]}, "lists 1 ids more than once"),
    ):
        with pytest.raises(InputError, match=sentence):
            list_pictures(images, write(table, tmp_path / "t.csv") if table else None)

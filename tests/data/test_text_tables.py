"""Text tables of every dialect, each written as its program writes it: all say the same."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from etvae_tf.data.tables import read_table
from etvae_tf.errors import InputError

HEADER = ["dr7objid", "smooth", "disk"]
ROWS = [["587722981741363294", "18", "36"], ["587722981878363705", "42", "3"], ["007", "5", "6"]]
RIGHT = pd.DataFrame(ROWS, columns=HEADER).astype({"smooth": int, "disk": int})


def joined(separator: str, *rows: Sequence[str], end: str = "\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


COMMAS = joined(",", HEADER, *ROWS)
RULE = ["------", "---", "---"]
FORMS = {
    "utf-16-le": COMMAS.encode("utf-16-le"),
    "utf-16-be": COMMAS.encode("utf-16-be"),
    "utf-32": COMMAS.encode("utf-32"),
    "utf-8 with a mark": COMMAS.encode("utf-8-sig"),
    "lines of an old Mac": joined(",", HEADER, *ROWS, end="\r").encode(),
    "header in a comment": f"# by hand\n#{COMMAS}".encode(),
    "numpy.savetxt": f"# {joined(' ', HEADER, *ROWS)}".encode(),
    "comments around": f"# by hand, of two, parts\n\n{COMMAS}\n# 3 rows\n".encode(),
    "comments of other kinds": f"% by hand\n! of two, parts\n// twice\n{COMMAS}".encode(),
    "header in a TeX comment": f"%{joined(' ', HEADER, *ROWS)}".encode(),
    "colons": joined(":", HEADER, *ROWS).encode(),
    "carets": joined("^", HEADER, *ROWS).encode(),
    "single quotes": joined(",", *([f"'{cell}'" for cell in row] for row in (HEADER, *ROWS))).encode(),
    "rows of empty cells": joined(",", HEADER, ["", "", ""], *ROWS, [" ", "", ""], ["", "", ""]).encode(),
    "VizieR": f"#Table\n\n{joined(chr(9), HEADER, [' ', 'n', 'n'], RULE, *ROWS)}".encode(),
    "psql": (joined("|", HEADER) + "-----+-----+-----\n" + joined("|", *ROWS)).encode(),
    "Markdown": joined("|", *(["", *row, ""] for row in (HEADER, RULE, *ROWS))).encode(),
    "every row ends in a comma": joined(",", HEADER, *ROWS, end=",\n").encode(),
    "only rows end in a comma": (joined(",", HEADER) + joined(",", *ROWS, end=",\n")).encode(),
    "unknown name": COMMAS.replace("dr7objid", "name").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_dialect_says_the_same(form: str, tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_bytes(FORMS[form])
    table = read_table(tmp_path / "table.txt").rename(columns={"name": "dr7objid"})
    assert all(table[name].isna().all() for name in set(table) - set(HEADER))
    pd.testing.assert_frame_equal(table[HEADER], RIGHT, check_dtype=False)


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_lines_before_the_header_are_passed_over_and_counted(
    separator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = joined(separator, HEADER, *ROWS)
    (tmp_path / "table.txt").write_text(f"Table 3 of Someone et al. (2020)\n\nSelected by hand\n{rows}")
    pd.testing.assert_frame_equal(read_table(tmp_path / "table.txt"), RIGHT, check_dtype=False)
    assert "2 lines before the header are passed over (Table 3 of Someone" in capsys.readouterr().out
    (tmp_path / "table.txt").write_text(rows)
    read_table(tmp_path / "table.txt")
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [
        'id,note\n1,"{1, 2, 3, 4, 5, 6}"\n2,"{1, 2, 3, 4, 5, 6}"\n3,"{1, 2, 3, 4, 5, 6}"\n',  # commas within cells
        "id note\n1 0,5\n2 0,25\n3 0,75\n",  # decimal commas between blanks
        "id\tnote\n1\tround, red\n2\tblue, odd\n3\tlarge, far\n",
    ],
)
def test_headers_are_no_prose(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "table.csv").write_text(content)
    table = read_table(tmp_path / "table.csv")
    assert list(table) == ["id", "note"] and table["id"].astype(int).tolist() == [1, 2, 3]
    assert not capsys.readouterr().out


def test_names_in_a_comment_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("## id smooth% disk/all\n1 50 0.5\n2 25 0.25\n")
    assert list(read_table(tmp_path / "table.txt")) == ["id", "smooth%", "disk/all"]


def test_rows_of_r_begin_with_a_name(tmp_path: Path) -> None:
    rows = [[f"row {number}", *row] for number, row in enumerate(ROWS)]
    (tmp_path / "table.csv").write_text(joined(",", HEADER, *rows))
    table = read_table(tmp_path / "table.csv")
    assert table.pop("index").tolist() == ["row 0", "row 1", "row 2"]
    pd.testing.assert_frame_equal(table, RIGHT, check_dtype=False)


def test_decimals_may_follow_a_comma(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id;a;b;c\n1;0,25;1,5;1,234\n2;1;-2,75;5,678\n")
    assert read_table(tmp_path / "t.csv")[["a", "b"]].to_numpy().tolist() == [[0.25, 1.5], [1, -2.75]]
    (tmp_path / "t.csv").write_text("id;a;b\n1;0.25;1,234\n2;1;5,678\n")
    assert read_table(tmp_path / "t.csv")[["a", "b"]].to_numpy().tolist() == [[0.25, "1,234"], [1, "5,678"]]


def test_what_is_no_utf_8_is_windows_1252(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes("id,author\n1,Sérsic\n2,Häußler\n".encode("cp1252"))
    assert read_table(tmp_path / "table.csv")["author"].tolist() == ["Sérsic", "Häußler"]


def test_zips_hold_one_table(tmp_path: Path) -> None:
    def pack(*others: str) -> Path:
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            for name in ("a/t.csv", *others):
                archive.writestr(name, COMMAS)
        return tmp_path / "t.zip"

    pd.testing.assert_frame_equal(read_table(pack("a/", "__MACOSX/a/._t.csv", ".DS_Store")), RIGHT, check_dtype=False)
    with pytest.raises(InputError, match="^[^(]*t.zip is a zip of 2 files, expected one table"):
        read_table(pack("notes.txt"))


def test_columns_of_one_name_that_differ_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("id,a,b,a,b,c.1\n1,2,3,2,4,5\n")
    assert read_table(tmp_path / "t.csv").loc[0, ["a", "b"]].tolist() == [2, 3]
    assert capsys.readouterr().out == f"{tmp_path / 't.csv'} has 2 columns b that differ; the first counts\n"


@pytest.mark.parametrize("ids", [["0012", "0345"], ["-571900912503498711", ""], ["102018666570040238.0", ""]])
def test_identifiers_of_any_name_stay_text(ids: list[str], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(joined(",", ["source", "n"], *([one, "1"] for one in ids)))
    assert read_table(tmp_path / "t.csv")["source"].fillna("").tolist() == ids

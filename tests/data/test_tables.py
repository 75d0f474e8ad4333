"""Tables in the forms that people have them in, each written by the library that people use; all say the same."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from etvae_tf.data import read_catalogue, tables
from etvae_tf.errors import InputError

COLUMNS = [
    f"t01_smooth_or_features_{end}_count" for end in ("a01_smooth", "a02_features_or_disk", "a03_star_or_artifact")
]
IDS = ["587722981741363294", "587722981878363705", "007"]
VOTES = np.array([[18, 36, 0], [42, 3, 2], [5, 6, 7]])
RIGHT = pd.DataFrame({"dr7objid": IDS, **dict(zip(COLUMNS, VOTES.T, strict=True))})


def csv(**options: object) -> Callable[[Path], None]:
    return lambda path: RIGHT.to_csv(path, index=False, **options)


def text(change: Callable[[str], str], encoding: str = "utf-8") -> Callable[[Path], None]:
    return lambda path: path.write_text(change(RIGHT.to_csv(index=False)), encoding=encoding)


def feather() -> bytes:
    buffer = io.BytesIO()
    RIGHT.to_feather(buffer)
    return buffer.getvalue()


def packed(path: Path, table: Table, form: str) -> None:
    table.write(path.with_suffix(""), format=form)
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))


FORMS: dict[str, Callable[[Path], None]] = {
    "commas.csv": csv(),
    "semicolons.csv": csv(sep=";"),
    "tabs.tsv": csv(sep="\t"),
    "bars.txt": csv(sep="|"),
    "blanks.txt": csv(sep=" "),
    "comma and blank.csv": text(lambda content: content.replace(",", ", ")),
    "padded.csv": text(lambda content: content.replace(",", " , ")),
    "comments.csv": text(lambda content: f"# my selection, made by hand\n\n# twice\n{content}"),
    "empty lines.csv": text(lambda content: content.replace("\n", "\n\n")),
    "quoted.csv": csv(quoting=1),
    "bom.csv": csv(encoding="utf-8-sig"),
    "utf16.csv": csv(encoding="utf-16"),
    "table.csv.gz": csv(compression="gzip"),
    "misnamed.csv": csv(compression="bz2"),
    "table.csv.xz": csv(compression="xz"),
    "table.csv.zip": csv(compression="zip"),
    "apostrophes.csv": text(lambda content: content.replace("\n5", "\n'5").replace("\n0", "\n'0")),
    "through floats.csv": text(lambda content: content.replace("294,", "294.0,").replace("705,", "705.0,")),
    "pictures.csv": text(lambda content: content.replace("294,", "294.FITS.fz,").replace("705,", "705.jpg,")),
    "spreadsheet.csv": text(lambda content: re.sub(r"^(\d+)", r'="\1"', content, flags=re.MULTILINE)),
    "addresses.csv": text(
        lambda content: re.sub(r"^(\d+)", r"https://a.org/b/\1.jpg?width=9", content, flags=re.MULTILINE)
    ),
    "bytes.parquet": lambda path: RIGHT.assign(dr7objid=RIGHT["dr7objid"].str.encode("utf-8")).to_parquet(path),
    "index.parquet": lambda path: RIGHT.set_index("dr7objid").to_parquet(path),
    "table.mrt": lambda path: Table.from_pandas(RIGHT).write(path, format="ascii.mrt"),
    "table.parquet": lambda path: RIGHT.to_parquet(path),
    "table.feather": lambda path: RIGHT.to_feather(path),
    "arrow.dat": lambda path: RIGHT.to_feather(path),
    "table.fits": lambda path: Table.from_pandas(RIGHT).write(path),
    "table.vot": lambda path: Table.from_pandas(RIGHT).write(path, format="votable"),
    "table.parquet.gz": lambda path: path.write_bytes(gzip.compress(RIGHT.to_parquet())),
    "packed.gz": lambda path: path.write_bytes(gzip.compress(feather())),
    "table.fits.gz": lambda path: Table.from_pandas(RIGHT).write(path, format="fits"),
    "table.vot.gz": lambda path: packed(path, Table.from_pandas(RIGHT), "votable"),
    "table.mrt.gz": lambda path: packed(path, Table.from_pandas(RIGHT), "ascii.mrt"),
    "table.tex": lambda path: Table.from_pandas(RIGHT).write(path, format="ascii.latex"),
    "aas.tex": lambda path: Table.from_pandas(RIGHT).write(path, format="ascii.aastex"),
    "table.ecsv": lambda path: Table.from_pandas(RIGHT).write(path, format="ascii.ecsv"),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_says_the_same(name: str, tmp_path: Path) -> None:
    FORMS[name](tmp_path / name)
    catalogue = read_catalogue(tmp_path / name)
    assert catalogue.ids.tolist() == IDS
    np.testing.assert_array_equal(catalogue.votes, VOTES)


@pytest.mark.parametrize("column", ["objid", "file"])
def test_an_id_column_of_any_name_is_found_by_its_values(column: str, tmp_path: Path) -> None:
    names = [f"some/where/{name}.tif" if column == "file" else name for name in IDS]
    table = RIGHT.drop(columns="dr7objid").assign(**{"note": "x", column: names})
    table.to_csv(tmp_path / "table.csv", index=False)
    if column == "objid":  # an unknown column of whole numbers is read as such
        table = pd.read_csv(tmp_path / "table.csv").iloc[:2]
        table.to_csv(tmp_path / "table.csv", index=False)
    catalogue = read_catalogue(tmp_path / "table.csv", picture_names=IDS)
    assert catalogue.id_column == column and catalogue.ids.tolist() == IDS[: len(catalogue)]
    with pytest.raises(InputError, match="none of the id columns"):
        read_catalogue(tmp_path / "table.csv", picture_names=["other"])


@pytest.mark.parametrize("empty", ["", "NaN", "N/A", "null", "--", "-99", "-999.0", "-1"])
def test_a_galaxy_that_nobody_was_asked_about_has_no_votes(
    empty: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = RIGHT.to_csv(index=False).splitlines()
    lines[2] = ",".join([IDS[1], empty, empty, empty])
    (tmp_path / "table.csv").write_text("\n".join(lines))
    assert read_catalogue(tmp_path / "table.csv").has_votes.tolist() == [True, False, True]
    assert "1 of 3 galaxies have no answer and are unlabelled" in capsys.readouterr().out
    for partly, what in ((empty, "missing or not a number|negative"), ("many", "missing or not a number")):
        cells = [partly] * 3 if partly == "many" else [partly, "4", "5"]
        lines[2] = ",".join([IDS[1], *cells])
        (tmp_path / "table.csv").write_text("\n".join(lines))
        with pytest.raises(InputError, match=what):
            read_catalogue(tmp_path / "table.csv")


@pytest.mark.parametrize(
    "pattern",
    ["smooth-or-featured-hubble_{}", "smooth-or-featured_{}", "smooth-or-featured-euclid_{}"],
)
@pytest.mark.parametrize(
    "ends", [("features", "artifact"), ("featured-or-disk", "problem"), ("features", "star-artifact-zoom")]
)
def test_surveys_name_the_same_answers_differently(pattern: str, ends: tuple[str, str], tmp_path: Path) -> None:
    names = [pattern.format(end) for end in ("smooth", *ends)]
    RIGHT.rename(columns=dict(zip(COLUMNS, names, strict=True))).to_csv(tmp_path / "table.csv", index=False)
    catalogue = read_catalogue(tmp_path / "table.csv")
    assert catalogue.questions.answers == ("smooth", "featured_or_disk", "artifact")
    np.testing.assert_array_equal(catalogue.votes, VOTES)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("excel.csv", b"id,a,b\n5.87723E+17,1,2\n5.87724e+17,1,2\n", "2 ids that a spreadsheet rounded"),
        (
            "rounded.csv",
            b"id,a,b\n" + b"".join(b"587722981741%03d000,1,2\n" % number for number in range(6)),
            "6 ids that a spreadsheet rounded",
        ),
        ("twice.csv", b"id,a,b\n7,1,2\n7,1,3\n", "in rows that differ"),
        ("table.h5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file.*to_parquet"),
        ("table.zst", b"\x28\xb5\x2f\xfd", "is a Zstandard file.*unzstd"),
        ("table.pkl", b"\x80\x04\x95", "is a Python pickle.*to_parquet"),
        ("table.json", b'[{"id": 1}]', "is a JSON file.*as CSV"),
        ("table.db", b"SQLite format 3\0", "is an SQLite database.*as CSV"),
        ("table.csv", b"<!DOCTYPE html>", "is a web page.*download the table itself"),
        ("binary.csv", b"id,a,b\n\0\xff", "is neither text nor a table of a known kind"),
        ("table.npy", b"\x93NUMPY\x01\0v\0", "is neither text nor a table of a known kind"),
        ("table.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel file.*save it as CSV"),
        ("damaged.csv.gz", b"\x1f\x8b\x08", "cannot be read as a table"),
        ("damaged.zip", b"PK\x03\x04", "cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_named(name: str, content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_catalogue(tmp_path / name, answer_columns=("a", "b"))


def test_without_astropy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FORMS["table.fits"](tmp_path / "table.fits")
    monkeypatch.setattr(tables.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'etvae_tf\[astro\]'"):
        read_catalogue(tmp_path / "table.fits")


def test_columns_of_several_values_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table.from_pandas(RIGHT)
    table["fluxes"] = np.ones((3, 5))
    table.write(tmp_path / "t.fits")
    assert read_catalogue(tmp_path / "t.fits").ids.tolist() == IDS
    assert "t.fits: fluxes hold several values in a row and are left out" in capsys.readouterr().out


def test_ipac_tables_are_read(tmp_path: Path) -> None:
    table = Table({"id": IDS, "a": VOTES[:, 0], "b": VOTES[:, 1]})
    table.write(tmp_path / "bare.tbl", format="ascii.ipac")
    (tmp_path / "irsa.tbl").write_text("\\fixlen = T\n" + (tmp_path / "bare.tbl").read_text())
    catalogue = read_catalogue(tmp_path / "irsa.tbl", answer_columns=("a", "b"))
    assert catalogue.ids.tolist() == IDS and catalogue.votes.tolist() == VOTES[:, :2].tolist()


def test_few_ids_may_end_in_zeros(tmp_path: Path) -> None:
    ids = [f"587722981741{number:03}000" for number in range(5)]
    pd.DataFrame({"id": ids, "a": 1, "b": 2}).to_csv(tmp_path / "t.csv", index=False)
    assert read_catalogue(tmp_path / "t.csv", answer_columns=("a", "b")).ids.tolist() == ids

"""Tables that are text: which encoding, separator and header a file has, and what may stand beside its rows."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pandas as pd

from etvae_tf.errors import InputError

__all__ = ["open_unpacked", "read_text"]

_HEAD = 2**20  # bytes that hold the header and what comes before it
_SAMPLE = 100  # lines that tell header and prose apart
_SEPARATORS = ("\t", ";", ",", "|")
_RARE_SEPARATORS = (":", "^", "~")  # where a header has no other, nor blanks
_COMMENT = re.compile(r"\s*(?:#|%|!|//)")
_OPENERS: dict[bytes, Callable[..., IO[bytes]]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_ZIP = b"PK\x03\x04"
_ENCODINGS = (  # first bytes -> encoding; that of the two longer ones begins like that of the others
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_RULE = re.compile(r"[-+|:=,;\s]*--[-+|:=,;\s]*")  # a line that parts header and rows, as VizieR, psql and Markdown do
_IDENTIFIER = r"-?(?:0\d+|\d{16,})(?:\.0*)?"  # a number would lose its zeros, or its last digits beside an empty cell

_DECIMAL_COMMA = r"[+-]?(?:0,\d+|\d+,(?!\d{3}$)\d+)"  # 1,234 may be more than a thousand


def read_text(path: Path, text_columns: Collection[str] = ()) -> pd.DataFrame:
    """Reads a table of one row a line.

    Columns are separated by comma, semicolon, tab, bar, blanks or, rarely, colon, caret or tilde; decimals by a point
    or, but for the first, a comma. Cells may stand in quotes of either kind. Comments (#, %, !, //) and empty lines may
    stand before the header, which may be the last comment itself, and comments and rows of empty cells behind it; a
    line of dashes may part the header, and a line of units, from the rows. Other lines before the header are passed
    over where they lack its separators, which is said. The encoding is UTF-8, UTF-16 or UTF-32, or else Windows-1252.
    The file may be compressed by gzip, bzip2, xz or zip. Blanks around the columns' names are cut off. Columns whose
    first cells have leading zeros or more than 15 digits stay text. Of columns of one name the first counts; it is said
    where others, NAME.1, ..., differ. Rows may end in a separator, or begin with a name that the header has no column
    for, as those of R do: that column is called index.

    Args:
        path: of the file.
        text_columns: names of other columns that stay text.

    Raises:
        InputError: a zip of several files, or an Excel file.
        ValueError, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile: what pandas and unpacking raise.
    """
    with open_unpacked(path) as file:
        content = file.read(_HEAD)
    encoding = _encoding(content)
    try:
        return _read(path, content, encoding, text_columns)
    except UnicodeDecodeError:
        if encoding != "utf-8-sig" or b"\0" in content:
            raise
        return _read(path, content, "cp1252", text_columns)


def _read(path: Path, content: bytes, encoding: str, text_columns: Collection[str]) -> pd.DataFrame:
    lines = content.decode(encoding, errors="ignore").splitlines()
    options = {"encoding": encoding, "skipinitialspace": True, **_layout(lines, path)}

    def read(**others: Any) -> pd.DataFrame:
        with open_unpacked(path) as file:
            return pd.read_csv(file, **options, **others)

    first = read(nrows=1000, dtype=str)

    def columns_with(cell: str) -> set[str]:
        return {name for name in first if first[name].str.strip().str.fullmatch(cell).any()}

    identifiers = columns_with(_IDENTIFIER)
    if options["sep"] != "," and columns_with(_DECIMAL_COMMA) and not columns_with(r"[+-]?\d+\.\d+"):
        options["decimal"] = ","
    text = {name: str for name in first if name in identifiers or name.strip() in text_columns}
    table = read(dtype=text)
    if not isinstance(table.index, pd.RangeIndex):  # rows have more cells than the header
        ends_in_separator = table.iloc[:, -1].isna().all()
        table = read(dtype=text, index_col=False) if ends_in_separator else table.reset_index()
    if "names" not in options:
        _tell_repeated(table, read(header=None, nrows=1, dtype=str).iloc[0], path)
    comment = table.iloc[:, 0].astype(str).str.match(_COMMENT) & table.iloc[:, 1:].isna().all(axis=1)
    nothing = comment | table.isna().all(axis=1)
    if nothing.any():
        table = table[~nothing].reset_index(drop=True)
    return table.rename(columns=str.strip)


def _tell_repeated(table: pd.DataFrame, header: pd.Series, path: Path) -> None:
    """Says which names of a header several columns have, whose cells differ."""
    for name in header[header.duplicated()].dropna().unique():
        others = [column for column in table if re.fullmatch(rf"{re.escape(name)}\.\d+", column)]
        if not all(table[column].equals(table[name]) for column in others):
            print(f"{path} has {1 + len(others)} columns {name.strip()} that differ; the first counts", flush=True)


def _layout(lines: list[str], path: Path) -> dict[str, Any]:
    """Separator, lines to skip and, where it is a comment, the header, in pandas's words."""
    rows = [row for row, line in enumerate(lines) if line.strip() and not _COMMENT.match(line)]
    prose = _prose([lines[row] for row in rows[:_SAMPLE]])
    if prose:
        print(
            f"{path}: {prose} lines before the header are passed over ({lines[rows[0]].strip()[:60]} ...)", flush=True
        )
    rows = rows[prose:]
    before = rows[0] if rows else 0
    header = lines[before] if lines else ""
    comment = next((line for line in reversed(lines[:before]) if line.strip()), "")
    names = comment.lstrip().lstrip("#%!/").strip()
    separator = _separator(header)

    def cells(line: str) -> list[str]:
        return [cell.strip() for cell in re.split(separator if separator == r"\s+" else re.escape(separator), line)]

    options: dict[str, Any] = {"sep": separator}
    if all(re.fullmatch(r"'.*'", cell) for cell in cells(header)):
        options["quotechar"] = "'"
    if names and any(map(_is_number, cells(header))) and len(cells(names)) == len(cells(header)):
        return {**options, "skiprows": before, "header": None, "names": cells(names)}
    rule = next((row for row in rows[1:3] if _RULE.fullmatch(lines[row])), before)
    return {**options, "skiprows": [*range(before), *range(before + 1, rule + 1)]}


def _separator(header: str) -> str:
    separator = max(_SEPARATORS, key=header.count)
    if header.count(separator):
        return separator
    if len(header.split()) > 1:
        return r"\s+"
    rare = max(_RARE_SEPARATORS, key=header.count)
    return rare if header.count(rare) else ","


def _prose(lines: list[str]) -> int:
    """How many lines stand before the header that most lines behind it agree with in their separators."""
    counts = {one: [line.count(one) for line in lines] for one in _SEPARATORS}
    usual = {one: max(set(found), key=found.count) for one, found in counts.items() if found}
    separator = max(usual, key=lambda one: (usual[one] > 0, counts[one].count(usual[one])), default=None)
    if separator is None or usual[separator] == 0:
        return 0
    least = usual[separator] / 2  # a header may have a cell less than the rows
    header = next(row for row, found in enumerate(counts[separator]) if found >= least)
    return 0 if any(map(_is_number, lines[header].split(separator))) else header


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _encoding(content: bytes) -> str:
    for first, encoding in _ENCODINGS:
        if content.startswith(first):
            return encoding
    if content[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if content[:1] == b"\0" else "utf-8-sig"


def open_unpacked(path: Path) -> IO[bytes]:
    """Opens a file, unpacked where it is compressed by gzip, bzip2, xz or zip.

    Raises:
        InputError: a zip of several files, or an Excel file.
        OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile: what opening and unpacking raise.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(_ZIP):
        return _open_zip(path)
    for first, opener in _OPENERS.items():
        if start.startswith(first):
            return opener(path, "rb")
    return path.open("rb")


def _open_zip(path: Path) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
        if any(name.startswith("xl/") for name in names):
            raise InputError(f"{path} is an Excel file, which is not read as a table; save it as CSV, ids as text.")
        parts = ((name, PurePosixPath(name).parts) for name in names)
        names = [name for name, folders in parts if "__MACOSX" not in folders and not folders[-1].startswith(".")]
        if len(names) != 1:
            raise InputError(f"{path} is a zip of {len(names)} files, expected one table; unpack it and name one.")
        return archive.open(names[0])

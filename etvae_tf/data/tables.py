"""Tables as they are published: which file it is, which dialect of CSV, and identifiers that survive."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import lzma
import os
import re
import zipfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etvae_tf.data.decode import PICTURE_SUFFIXES
from etvae_tf.data.schema import ID_COLUMNS
from etvae_tf.errors import InputError

__all__ = ["best_id_column", "first_few", "picture_paths", "read_ids", "read_table"]

_PATH_COLUMN = "file_loc"  # of a picture, as galaxy-datasets has it
_HEAD = 2**20  # characters that hold the header and the comments before it
_SEPARATORS = ("\t", ";", ",", "|")
_OPENERS: dict[bytes, tuple[str, Callable[..., Any]]] = {  # first bytes -> pandas's name, how to look inside
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bz2", bz2.open),
    b"\xfd7zXZ": ("xz", lzma.open),
}
_ZIP = b"PK\x03\x04"
_FOREIGN = {  # first bytes -> what it is, and how it becomes a table that is read
    b"\x89HDF": ("an HDF5 file", "write its table as Parquet, in Python by pandas.read_hdf(FILE).to_parquet(TABLE)"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "save it as CSV in the spreadsheet, the ids as text"),
}
_ASTROPY = {b"SIMPLE  =": "fits", b"<?xml": "votable", b"<VOTABLE": "votable"}  # first bytes -> astropy's name
_SUFFIX = re.compile(
    rf"(?<=[^/\\])(?:{'|'.join(re.escape(end) for end in sorted(PICTURE_SUFFIXES, key=len, reverse=True))})$",
    re.IGNORECASE,
)
_FOLDER = re.compile(r"^.*[/\\]")
_ROUNDED = r"[+-]?\d+(?:\.\d+)?[eE]\+?\d+"  # as spreadsheets show large numbers


def read_table(path: str | Path, text_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads CSV of any dialect, Parquet or Feather, and through astropy FITS tables and VOTables.

    A file's first bytes say what it is. CSV may be separated by comma, semicolon, tab, bar or blanks, may begin with
    comments (#) and empty lines, may be UTF-8 or UTF-16, and compressed by gzip, bzip2, xz or zip; ECSV is such a file.
    Known id columns and `text_columns` stay text: large ids do not fit a float. Blanks around the columns' names are
    cut off.

    Raises:
        InputError: the file is missing or cannot be read as a table.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no table at {path}, expected a CSV or Parquet file; check the path.")
    with path.open("rb") as file:
        start = file.read(16)
    for first, (what, mend) in _FOREIGN.items():
        if start.startswith(first):
            raise InputError(f"{path} is {what}, which is not read as a table; {mend}.")
    try:
        if path.suffix.lower() in (".parquet", ".pq") or start.startswith(b"PAR1"):
            return pd.read_parquet(path)
        if start.startswith((b"ARROW1", b"FEA1")):
            return pd.read_feather(path)
        for first, form in _ASTROPY.items():
            if start.startswith(first):
                return _read_by_astropy(path, form)
        return _read_csv(path, start, {*ID_COLUMNS, *text_columns})
    except (ValueError, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:  # parsers' and Arrow's, too
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as a table ({reason}); expected CSV or Parquet.") from error


def _read_by_astropy(path: Path, form: str) -> pd.DataFrame:
    """A table in one of astronomy's own formats."""
    if importlib.util.find_spec("astropy") is None:
        raise InputError(f"{path} is read by astropy, which is not installed; run pip install 'etvae_tf[astro]'.")
    from astropy.table import Table

    table = Table.read(path, format=form)
    table.convert_bytestring_to_unicode()
    return table.to_pandas()


def _read_csv(path: Path, start: bytes, text_columns: set[str]) -> pd.DataFrame:
    compression, content = _look_inside(path, start)
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = content.decode(encoding, errors="ignore").splitlines()
    before = next((row for row, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), 0)
    header = lines[before] if lines else ""
    separator = max(_SEPARATORS, key=header.count)
    if not header.count(separator):
        separator = r"\s+" if len(header.split()) > 1 else ","
    options = {
        "sep": separator, "skiprows": before, "skipinitialspace": True, "encoding": encoding, "compression": compression
    }  # fmt: skip
    names = pd.read_csv(path, nrows=0, **options).columns
    text = {name: str for name in names if name.strip() in text_columns}
    return pd.read_csv(path, dtype=text, **options).rename(columns=str.strip)


def _look_inside(path: Path, start: bytes) -> tuple[str | None, bytes]:
    """How a file is compressed, in pandas's words, and the first bytes of its content."""
    if start.startswith(_ZIP):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(name.startswith("xl/") for name in names):
                raise InputError(f"{path} is an Excel file, which is not read as a table; save it as CSV, ids as text.")
            if len(names) != 1:
                raise InputError(f"{path} is a zip of {len(names)} files, expected one table; unpack it and name one.")
            with archive.open(names[0]) as file:
                return "zip", file.read(_HEAD)
    for first, (compression, opener) in _OPENERS.items():
        if start.startswith(first):
            with opener(path, "rb") as file:
                return compression, file.read(_HEAD)
    with path.open("rb") as file:
        return None, file.read(_HEAD)


def read_ids(
    table: pd.DataFrame, column: str, path: str | Path, picture_names: Collection[str] = frozenset()
) -> np.ndarray:
    """Identifiers of a table as text.

    The folder and suffix of a picture's file name are cut off, and so are blanks, a spreadsheet's leading apostrophe
    and the ".0" of whole numbers that went through floating point. The folder stays where `picture_names` have it or,
    without them, where names repeat.

    Args:
        table: what `read_table` gave.
        column: that holds them.
        path: of the table, for an error's sentence.
        picture_names: names of the pictures there are, if they are known; a set, for there may be many.

    Returns:
        str array (N,), each once.

    Raises:
        InputError: no such column, an empty cell, numbers that were rounded, or duplicates.
    """
    if column not in table.columns:
        raise InputError(
            f"{path} has no column {column}, its columns are {first_few(table.columns)}; name the right one "
            "with --config.data.id_column."
        )
    cells, problems = table[column], []
    if cells.isna().any():
        problems.append(f"{path} has {int(cells.isna().sum())} rows without {column}; give every galaxy its id.")
        cells = cells.dropna()
    if pd.api.types.is_float_dtype(cells):
        if (np.abs(cells) < 2**53).all() and (cells == np.round(cells)).all():
            cells = cells.astype("int64")
        else:
            problems.append(f"{path} stores {column} as floating point, which garbles ids; store it as text.")
            cells = cells[:0]
    ids = _bare_names(cells, picture_names)
    rounded = ids.str.fullmatch(_ROUNDED)
    if rounded.any():
        problems.append(
            f"{path} has {int(rounded.sum())} ids that a spreadsheet rounded ({first_few(list(ids[rounded]))}); export "
            f"{column} as text."
        )
        ids = ids[~rounded]
    if ids.duplicated().any():
        again = ids[ids.duplicated(keep=False)]
        duplicates = list(dict.fromkeys(again))
        differ = table.loc[again.index].assign(**{column: again}).drop_duplicates()[column].duplicated().any()
        rows = "rows that differ" if differ else "equal rows"
        problems.append(
            f"{path} lists {len(duplicates)} ids more than once, in {rows} ({first_few(duplicates)}); "
            "keep one row per galaxy."
        )
    if problems:
        raise InputError(*problems)
    return ids.to_numpy(dtype=str)


def picture_paths(table: pd.DataFrame) -> list[str]:
    """The pictures' paths that a table lists, empty where a cell is; none where it has no such column."""
    return table[_PATH_COLUMN].fillna("").astype(str).str.strip().tolist() if _PATH_COLUMN in table.columns else []


def first_few(names: Sequence[str], limit: int = 5) -> str:
    """The first names, for an error's sentence."""
    return ", ".join(map(str, names[:limit])) + (", ..." if len(names) > limit else "")


def best_id_column(table: pd.DataFrame, picture_names: frozenset[str], path: str | Path) -> str:
    """The column with most values among the picture names: a known id column, else any other one.

    Raises:
        InputError: no column is known, and none holds names of pictures.
    """
    known = [column for column in ID_COLUMNS if column in table.columns]
    if len(known) == 1 and not picture_names:
        return known[0]

    def matches(column: str) -> int:
        return int(_bare_names(table[column], picture_names).isin(picture_names).sum())

    for columns in (known, [column for column in table.columns if column not in known]):
        best = max(columns, key=matches, default=None)
        if best is not None and matches(best):
            return best
    if known:
        return known[0]
    raise InputError(
        f"{path} has none of the id columns {', '.join(ID_COLUMNS)}, and no column holds names of the pictures; name "
        "its own with --config.data.id_column."
    )


def _bare_names(cells: pd.Series, picture_names: Collection[str] = ()) -> pd.Series:
    """Cells as text; of a picture's path, the name that it goes by.

    That is the path without suffix where the pictures have such a name; else the name without folder and suffix. Where
    the pictures are not known and such names repeat, the folders in which they differ stay.
    """
    text = cells.astype(str).str.strip().str.removeprefix("'")
    bare = text.str.replace(_SUFFIX, "", regex=True)
    named = text.notna() & (bare != text)
    if named.any():
        stems = bare.str.replace(_FOLDER, "", regex=True)
        if len(picture_names):
            names = bare.where(bare.isin(picture_names), stems)
        else:
            names = stems.where(~stems.duplicated(keep=False), bare.str.removeprefix(_common_folder(bare[named])))
        text = text.where(~named, names)
    return text.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)


def _common_folder(paths: pd.Series) -> str:
    common = os.path.commonprefix(paths.tolist())
    return common[: common.rfind("/") + 1]

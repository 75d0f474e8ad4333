"""Tables as they are published: which file it is, which dialect of CSV, and identifiers that survive."""

from __future__ import annotations

import importlib.util
import io
import lzma
import os
import re
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etvae_tf.data.decode import PICTURE_SUFFIXES
from etvae_tf.data.schema import ID_COLUMNS
from etvae_tf.data.text_tables import open_unpacked, read_text
from etvae_tf.errors import InputError

__all__ = ["best_id_column", "first_few", "picture_paths", "read_ids", "read_table"]

_PATH_COLUMN = "file_loc"  # of a picture, as galaxy-datasets has it
_FOREIGN = {  # first bytes -> what it is, and how it becomes a table that is read
    b"\x89HDF": ("an HDF5 file", "write its table as Parquet, in Python by pandas.read_hdf(FILE).to_parquet(TABLE)"),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", "save it as CSV in the spreadsheet, the ids as text"),
    b"\x28\xb5\x2f\xfd": ("a Zstandard file", "unpack it by unzstd"),
    b"SQLite": ("an SQLite database", "write its table as CSV"),
    **dict.fromkeys(
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        ("a Python pickle", "write its table as Parquet, in Python by pandas.read_pickle(FILE).to_parquet(TABLE)"),
    ),
    **dict.fromkeys((b"<!DOCTYPE ", b"<!doctype ", b"<html"), ("a web page", "download the table itself")),
    **dict.fromkeys((b"[{", b'{"', b"{\n"), ("a JSON file", "write its table as CSV, the ids as text")),
}
_ASTROPY = {  # first bytes -> astropy's name
    b"SIMPLE  =": "fits", b"<?xml": "votable", b"<VOTABLE": "votable", b"Title:": "ascii.mrt",
    b"\\fixlen": "ascii.ipac", b"\\begin{table": "ascii.latex", b"\\begin{tabular": "ascii.latex",
    b"\\begin{deluxeta": "ascii.aastex",
}  # fmt: skip
_SUFFIX = re.compile(
    rf"(?<=[^/\\])(?:{'|'.join(re.escape(end) for end in sorted(PICTURE_SUFFIXES, key=len, reverse=True))})$",
    re.IGNORECASE,
)
_FOLDER = re.compile(r"^.*[/\\]")
_CHANCE = 5  # ids whose last digits may all be 0 by chance
_ROUNDED = r"[+-]?\d+(?:\.\d+)?[eE]\+?\d+"  # as spreadsheets show large numbers


def read_table(path: str | Path, text_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads text of any dialect (see `read_text`), Parquet or Feather, and by astropy the formats of astronomy.

    A file's first bytes say what it is. Those of astronomy are FITS tables, VOTables, machine-readable tables of the
    AAS and CDS, IPAC and LaTeX tables, compressed or not; columns of several values in a row are left out, which is
    said. Known id columns and `text_columns` stay text: large ids do not fit a float. An index that pandas wrote is a
    column like the others.

    Raises:
        InputError: the file is missing or cannot be read as a table.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no table at {path}, expected a CSV or Parquet file; check the path.")
    try:
        with open_unpacked(path) as file:
            start = file.read(16)
        for first, (what, mend) in _FOREIGN.items():
            if start.startswith(first):
                raise InputError(f"{path} is {what}, which is not read as a table; {mend}.")
        if path.suffix.lower() in (".parquet", ".pq") or start.startswith(b"PAR1"):
            with open_unpacked(path) as file:
                return _plain(pd.read_parquet(file))
        if start.startswith((b"ARROW1", b"FEA1")):
            with open_unpacked(path) as file:
                return _plain(pd.read_feather(file))
        for first, form in _ASTROPY.items():
            if start.startswith(first):
                return _read_by_astropy(path, form)
        return read_text(path, {*ID_COLUMNS, *text_columns})
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is neither text nor a table of a known kind; write it as CSV or Parquet.") from error
    except (ValueError, OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:  # parsers' and Arrow's, too
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as a table ({reason}); expected CSV or Parquet.") from error


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """A table with its index as a column, and with text instead of bytes."""
    table = table if table.index.names == [None] else table.reset_index()
    for name in table.columns:
        if pd.api.types.infer_dtype(table[name]) == "bytes":
            table[name] = table[name].str.decode("utf-8")
    return table


def _read_by_astropy(path: Path, form: str) -> pd.DataFrame:
    """A table in one of astronomy's own formats."""
    if importlib.util.find_spec("astropy") is None:
        raise InputError(f"{path} is read by astropy, which is not installed; run pip install 'etvae_tf[astro]'.")
    from astropy.table import Table

    with open_unpacked(path) as file:
        content = file.read()
    text = {"converters": {"*": str}} if form in ("ascii.latex", "ascii.aastex") else {}  # the others state types
    source = content.decode().splitlines() if form.startswith("ascii.") else io.BytesIO(content)
    table = Table.read(source, format=form, **text)
    several = [name for name in table.colnames if table[name].ndim > 1]
    if several:
        print(f"{path}: {first_few(several)} hold several values in a row and are left out", flush=True)
        table.remove_columns(several)
    table.convert_bytestring_to_unicode()
    return table.to_pandas()


def read_ids(
    table: pd.DataFrame, column: str, path: str | Path, picture_names: Collection[str] = frozenset()
) -> np.ndarray:
    """Identifiers of a table as text.

    The folder and suffix of a picture's file name are cut off, and so are what follows ? in a web address, blanks, a
    spreadsheet's leading apostrophe or ="...", and the ".0" of whole numbers that went through floating point. The
    folder stays where `picture_names` have it or, without them, where names repeat.

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
    rounded = ids.str.fullmatch(_ROUNDED) | _lost_digits(ids)
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


def _lost_digits(ids: pd.Series) -> pd.Series:
    """Which ids are rounded to a spreadsheet's 15 digits, where all long ones are: no list of ids ends in 0s alone."""
    long, zeros = ids.str.fullmatch(r"\d{16,}"), ids.str.fullmatch(r"\d{15}0+")
    return zeros & (long.sum() > _CHANCE) & (zeros.sum() == long.sum())


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

    That is the path, or the path without suffix, where the pictures have such a name; else the name without folder and
    suffix. Where the pictures are not known and such names repeat, the folders in which they differ stay.
    """
    text = cells.astype(str).str.strip().str.removeprefix("'").str.replace(r'^="(.*)"$', r"\1", regex=True)
    text = text.str.replace(r"^(\w+://[^?#]*)[?#].*$", r"\1", regex=True)
    bare = text.str.replace(_SUFFIX, "", regex=True)
    named = text.notna() & (bare != text)
    if named.any():
        stems = bare.str.replace(_FOLDER, "", regex=True)
        if len(picture_names):
            names = text.where(text.isin(picture_names), bare.where(bare.isin(picture_names), stems))
        else:
            names = stems.where(~stems.duplicated(keep=False), bare.str.removeprefix(_common_folder(bare[named])))
        text = text.where(~named, names)
    return text.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)


def _common_folder(paths: pd.Series) -> str:
    common = os.path.commonprefix(paths.tolist())
    return common[: common.rfind("/") + 1]

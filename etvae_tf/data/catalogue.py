"""Tables of votes, from CSV or Parquet files: identifiers and vote counts per answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from etvae_tf.data.questions import Questions
from etvae_tf.data.schema import ID_COLUMNS, find_vote_columns, label_kind
from etvae_tf.errors import InputError

__all__ = ["Catalogue", "first_few", "read_catalogue", "read_ids", "read_table"]


@dataclass(frozen=True)
class Catalogue:
    """Galaxies of one table.

    Attributes:
        ids: str array (N,), each once.
        votes: float32 array (N, K), counts per answer, >= 0; a row of zeros is a galaxy without votes.
        questions: whose votes they are; K answers in all.
        kind: what the table held, "counts" or "fractions" (turned to counts by the pseudo-count).
        id_column: the column that `ids` came from.
    """

    ids: np.ndarray
    votes: np.ndarray
    questions: Questions
    kind: str
    id_column: str

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def has_votes(self) -> np.ndarray:
        """bool array (N,): the galaxies with at least one vote."""
        return self.votes.sum(axis=1) > 0


def read_catalogue(
    path: str | Path,
    *,
    id_column: str = "",
    answer_columns: Sequence[str] = (),
    kind: str = "auto",
    pseudo_count: float = 40.0,
    picture_names: Collection[str] = (),
) -> Catalogue:
    """Reads a table of votes.

    Args:
        path: CSV or Parquet file (.parquet, .pq).
        id_column: column of identifiers; empty to take, of the known ones, the one that matches most picture
            names.
        answer_columns: vote columns; empty to look for the known conventions.
        kind: "counts", "fractions", or "auto".
        pseudo_count: votes that a galaxy's fractions stand for, > 0.
        picture_names: names of the pictures there are, without suffix.

    Returns:
        The catalogue, in the order of the table.

    Raises:
        InputError: unreadable file, missing column, missing or duplicate identifiers, negative or missing
            votes, label kinds mixed, or no vote at all.
    """
    table = read_table(path, (id_column,) if id_column else ())
    found = find_vote_columns(list(table.columns), answer_columns)
    column = id_column or _best_id_column(table, frozenset(picture_names), path)
    ids = read_ids(table, column, path)
    values = _read_votes(table, found.columns, ids, path)
    kind = label_kind(values, kind, found.kind)
    if kind == "fractions":
        if not 0 < pseudo_count < np.inf:
            raise InputError(f"pseudo_count={pseudo_count}, expected a number above 0; 40 is usual.")
        values = values * pseudo_count
    if not values.any():
        raise InputError(f"{path} has {len(values)} rows and not a single vote; give a table with labelled galaxies.")
    return Catalogue(ids, values.astype(np.float32), found.questions, kind, column)


def read_table(path: str | Path, text_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads CSV or Parquet; known id columns and `text_columns` stay text: large ids do not fit a float.

    Raises:
        InputError: the file is missing or cannot be read as a table.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no table at {path}, expected a CSV or Parquet file; check the path.")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={column: str for column in (*ID_COLUMNS, *text_columns)})
    except (ValueError, OSError) as error:  # parser, Unicode and Arrow errors are among them
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as a table ({reason}); expected CSV or Parquet.") from error


def read_ids(table: pd.DataFrame, column: str, path: str | Path) -> np.ndarray:
    """Identifiers of a table as text; the path and suffix of a picture's file name are cut off.

    Returns:
        str array (N,), each once.

    Raises:
        InputError: no such column, an empty cell, numbers stored as floats too large to be exact, or
            duplicates.
    """
    if column not in table.columns:
        raise InputError(
            f"{path} has no column {column}, its columns are {first_few(table.columns)}; name the right one "
            "with --config.data.id_column."
        )
    cells = table[column]
    if cells.isna().any():
        raise InputError(f"{path} has {int(cells.isna().sum())} rows without {column}; give every galaxy its id.")
    if pd.api.types.is_float_dtype(cells):
        if not (np.abs(cells) < 2**53).all() or not (cells == np.round(cells)).all():
            raise InputError(f"{path} stores {column} as floating point, which garbles ids; store it as text.")
        cells = cells.astype("int64")
    ids = _bare_names(cells)
    if ids.duplicated().any():
        duplicates = list(dict.fromkeys(ids[ids.duplicated()]))
        raise InputError(
            f"{path} lists {len(duplicates)} ids more than once ({first_few(duplicates)}); keep one row per galaxy."
        )
    return ids.to_numpy(dtype=str)


def first_few(names: Sequence[str], limit: int = 5) -> str:
    """The first names, for an error's sentence."""
    return ", ".join(map(str, names[:limit])) + (", ..." if len(names) > limit else "")


def _best_id_column(table: pd.DataFrame, picture_names: frozenset[str], path: str | Path) -> str:
    """The known id column with most values among the picture names; the first of them on a draw."""
    candidates = [column for column in ID_COLUMNS if column in table.columns]
    if not candidates:
        raise InputError(
            f"{path} has none of the id columns {', '.join(ID_COLUMNS)}; name its own with --config.data.id_column."
        )
    if len(candidates) == 1:
        return candidates[0]
    return max(candidates, key=lambda column: _bare_names(table[column]).isin(picture_names).sum())


def _bare_names(cells: pd.Series) -> pd.Series:
    """Cells as text; of a picture's path, the name without folder and suffix."""
    picture_path = r"^(?:.*[/\\])?([^/\\]+)\.(?:jpe?g|png)$"
    return cells.astype(str).str.strip().str.replace(picture_path, r"\1", regex=True, flags=re.IGNORECASE)


def _read_votes(table: pd.DataFrame, columns: Sequence[str], ids: np.ndarray, path: str | Path) -> np.ndarray:
    """float64 array (N, K), finite and >= 0."""
    votes = table[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    for wrong, what in ((~np.isfinite(votes), "missing or not a number"), (votes < 0, "negative")):
        rows = wrong.any(axis=1)
        if rows.any():
            raise InputError(
                f"{path} has {int(rows.sum())} galaxies whose votes are {what} (ids {first_few(ids[rows])}); "
                "expected numbers >= 0, and 0 in every answer for a galaxy without votes."
            )
    return votes

"""Which pictures are scored: all there are, or those of the galaxies that a table lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from etvae_tf.data.sources import ImageSource, listed_images, open_images
from etvae_tf.data.tables import best_id_column, first_few, picture_paths, read_ids, read_table
from etvae_tf.errors import InputError

__all__ = ["Listing", "given_names", "list_galaxies", "list_pictures"]


class Listing(NamedTuple):
    """N pictures to score.

    Args:
        source: where they lie.
        names: theirs, N; there may be no picture of a name.
        others: columns that are carried along, N rows; none where no table lists the pictures.
    """

    source: ImageSource
    names: Sequence[str]
    others: pd.DataFrame


def list_pictures(images: str | Path | None, table: str | Path | None, id_column: str = "") -> Listing:
    """Opens the pictures, and the table that lists them where there is one.

    Args:
        images: folder or zip; where there is none, the table's column file_loc has the pictures' paths.
        table: of galaxies, see `read_table`; without it all pictures are listed, in the order of their names.
        id_column: the table's column of identifiers; empty to take the one that matches most picture names.

    Raises:
        InputError: neither is given, unreadable input, no or twice the same identifier, or none of the pictures there.
    """
    if not (images or table):
        raise InputError(
            "no pictures were named; add --images=FOLDER_OR_ZIP, or --data=TABLE with their paths in file_loc."
        )
    source = open_images(images) if images else None
    if table:
        return list_galaxies(source, table, id_column)
    return Listing(source, source.names, pd.DataFrame(index=range(len(source.names))))


def list_galaxies(source: ImageSource | None, table: str | Path, id_column: str = "") -> Listing:
    """Those of the pictures that a table lists.

    Args:
        source: where they lie; where there is none, the table's column file_loc has their paths.
        table: see `list_pictures`.
        id_column: see `list_pictures`.

    Raises:
        InputError: an unreadable table, no or twice the same identifier, or none of the pictures there.
    """
    rows = read_table(table, (id_column,) if id_column else ())
    known = frozenset(source.names) if source else frozenset()
    column = id_column or best_id_column(rows, known, table)
    ids = read_ids(rows, column, table, known)
    if source is None:
        source = listed_images(table, ids, picture_paths(rows))
    elif not any(name in source for name in ids):
        raise InputError(
            f"{source.path} has no picture of any of the {len(ids)} galaxies that {table} lists in {column} "
            f"({first_few(ids)}); add them as ID.jpg, or name the column of their names with --config.data.id_column."
        )
    return Listing(source, ids, _storable(rows.drop(columns="id" if column == "id" else [])))


def given_names(own: Iterable[str], others: Iterable[str]) -> list[str]:
    """What a table's other columns are called beside the program's own: NAME_given where it has a NAME itself."""
    taken, names = set(own), []
    for name in others:
        while name in taken:
            name = f"{name}_given"
        taken.add(name)
        names.append(name)
    return names


def _storable(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns of one type each: those that mix several become text, as Parquet has no such columns."""
    for name in rows.columns:
        try:
            pa.array(rows[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            rows[name] = rows[name].map(str, na_action="ignore")
    return rows.reset_index(drop=True)

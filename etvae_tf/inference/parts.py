"""A long table in parts: rows are kept as they come, and a killed prediction goes on after the last part.

The parts lie in a hidden folder beside the table, `.votes.csv.parts`, with `job.json`, which says what they belong to.
In the end they become the one table, which appears whole or not at all.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically, write_json

__all__ = ["Parts"]


class Parts:
    """Parts of one table.

    Args:
        output: path of the table, .csv or .parquet.
        job: what the rows depend on, as JSON has it.

    Raises:
        InputError: the folder holds parts of another job.
    """

    def __init__(self, output: str | Path, job: dict[str, Any]):
        self._output = Path(output)
        self.folder = self._output.with_name(f".{self._output.name}.parts")
        record = self.folder / "job.json"
        if record.exists():
            before = json.loads(record.read_text())
            changed = sorted(name for name in {*before, *job} if before.get(name) != job.get(name))
            if changed:
                raise InputError(
                    f"{self.folder} holds rows of an unfinished table with another {', another '.join(changed)}; "
                    "repeat that command to finish it, or remove the folder."
                )
        else:
            write_json(record, job)

    def __len__(self) -> int:
        """How many parts are done; a killed prediction leaves no gap between them."""
        return len(list(self.folder.glob("[0-9]*.parquet")))

    def append(self, rows: pd.DataFrame) -> None:
        """Keeps the next part."""
        path = self.folder / f"{len(self):06}.parquet"
        write_atomically(path, lambda temporary: rows.to_parquet(temporary, index=False))

    def read(self) -> Iterator[pd.DataFrame]:
        """One part after the other."""
        return (pd.read_parquet(self.folder / f"{number:06}.parquet") for number in range(len(self)))

    def remove(self) -> None:
        """Removes the parts, once their rows stand elsewhere."""
        shutil.rmtree(self.folder)

    def join(self, others: pd.DataFrame) -> int:
        """Writes the table and removes the parts.

        Args:
            others: columns to set beside those of the parts, row by row; called NAME_given where the parts have a NAME.

        Returns:
            How many of its rows are not ok.
        """
        unreadable = 0

        def tables() -> Iterator[pa.Table]:
            nonlocal unreadable
            start, beside = 0, pa.Table.from_pandas(others, preserve_index=False)
            for number in range(len(self)):
                table = pq.read_table(self.folder / f"{number:06}.parquet").replace_schema_metadata()
                for name, column in zip(beside.column_names, beside.columns, strict=True):
                    while name in table.column_names:
                        name = f"{name}_given"
                    table = table.append_column(name, column.slice(start, len(table)))
                start += len(table)
                unreadable += table["ok"].to_pylist().count(False)
                yield table

        write_atomically(self._output, lambda temporary: _write(temporary, tables()))
        self.remove()
        return unreadable


def _write(path: Path, tables: Iterable[pa.Table]) -> None:
    """One table after the other into one file, of which one at a time is in memory."""
    if path.suffix == ".csv":
        for number, table in enumerate(tables):
            table.to_pandas().to_csv(path, mode="a", header=number == 0, index=False)
        return
    writer = None
    for table in tables:
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()

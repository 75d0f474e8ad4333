"""A long table in parts: rows are kept as they come, and a killed prediction goes on after the last part.

The parts lie in a hidden folder beside the table, `.votes.csv.parts`, with `job.json`, which says what they belong to,
and the file `lock`, which the process that writes them has locked: the system frees it when that process ends, however
it ends. In the end they become the one table, which appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically, write_json
from etvae_tf.inference.listing import given_names
from etvae_tf.vote_tables import check_output

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["Parts"]


class Parts:
    """Parts of one table, which `with` opens for one process alone.

    Args:
        output: path of the table, .csv or .parquet.
        job: what the rows depend on, as JSON has it.
    """

    def __init__(self, output: str | Path, job: dict[str, Any]):
        self._output, self._job = Path(output), job
        self.folder = self._output.with_name(f".{self._output.name}.parts")
        self._lock: int | None = None

    def __enter__(self) -> Parts:
        """Opens the parts that are there, or begins them.

        Raises:
            InputError: another process writes them, they belong to another job, or the table is there.
        """
        self._lock = _lock(self.folder, self._output)
        try:
            check_output(self._output)  # a process that held the lock until now may have finished it
            self._check_job()
        except BaseException:
            if not (self.folder / "job.json").exists():
                self.remove()
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leaves the parts to the next process."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _check_job(self) -> None:
        record = self.folder / "job.json"
        if not record.exists():
            write_json(record, self._job)
            return
        before = json.loads(record.read_text())
        changed = sorted(name for name in {*before, *self._job} if before.get(name) != self._job.get(name))
        if changed:
            raise InputError(
                f"{self.folder} holds rows of an unfinished table with another {', another '.join(changed)}; "
                "repeat that command to finish it, or remove the folder."
            )

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
        """Removes the parts, once their rows stand elsewhere, and gives the lock back."""
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()
        self.__exit__(None, None, None)  # first, for NFS keeps the folder of an open file
        shutil.rmtree(self.folder, ignore_errors=True)  # a process that waited for the lock may do so, too

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
                names = given_names(table.column_names, beside.column_names)
                for name, column in zip(names, beside.columns, strict=True):
                    table = table.append_column(name, column.slice(start, len(table)))
                start += len(table)
                unreadable += table["ok"].to_pylist().count(False)
                yield table

        write_atomically(self._output, lambda temporary: _write(temporary, tables()))
        self.remove()
        return unreadable


def _lock(folder: Path, output: Path) -> int | None:
    """Locks a folder of parts, which is made where it is missing, until the file that is given back is closed.

    Nothing is locked on Windows, and on file systems without locks, which is said.
    """
    folder.mkdir(exist_ok=True)
    if fcntl is None:
        return None
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise InputError(
            f"another process is writing --output={output}; wait for it, or choose another name."
        ) from None
    except OSError as error:
        print(f"{folder} cannot be locked ({error.strerror}): let no other command write this output", flush=True)
    if _is_there(lock, folder / "lock"):
        return lock
    os.close(lock)  # of a process that removed its parts before this one had the lock
    return _lock(folder, output)


def _is_there(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


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

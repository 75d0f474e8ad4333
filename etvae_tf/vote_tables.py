"""Tables of predicted votes: pictures in batches become rows, whether a model here or a server scores them.

It stands below both rooms that write these tables: the client in `serving` cannot import `inference`, which imports
`serving`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etvae_tf.data.images import ImageSource
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically
from etvae_tf.progress import Progress

__all__ = ["check_output", "read_batches", "score_batches", "vote_table", "write_table"]

_WRITERS = {
    ".csv": lambda table, path: table.to_csv(path, index=False),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
}


def read_batches(source: ImageSource, batch_size: int) -> Iterator[tuple[Sequence[str], list[bytes]]]:
    """Names and picture files of a source, at most `batch_size` at once, in the order of its names."""
    for start in range(0, len(source.names), batch_size):
        names = source.names[start : start + batch_size]
        yield names, [source.read(name) for name in names]


def score_batches(
    predict: Callable[[list[bytes]], dict[str, np.ndarray]],
    batches: Iterable[tuple[Sequence[str], list[bytes]]],
    answers: Sequence[str] | None = None,
    why_unreadable: Callable[[str], str] = lambda name: "not a readable picture",
) -> Iterator[pd.DataFrame]:
    """Rows of one batch of pictures after the other; nothing is kept, so there may be any number.

    Args:
        predict: gives the outputs of `predict_bytes` for B picture files.
        batches: names and files of B pictures.
        answers: names of the K answers, see `vote_table`.
        why_unreadable: gives the reason for the name of a picture that could not be decoded.

    Yields:
        A `vote_table` of B rows for each batch, and a column reason: why ok is false, empty where it is true.
    """
    for names, files in batches:
        table = vote_table(names, predict(files), answers)
        reasons = ["" if ok else why_unreadable(name) for name, ok in zip(names, table["ok"], strict=True)]
        yield table.assign(reason=pd.Series(reasons, dtype=object))


def vote_table(
    names: Sequence[str], outputs: dict[str, np.ndarray], answers: Sequence[str] | None = None
) -> pd.DataFrame:
    """Outputs of `predict_bytes` as a table.

    Args:
        names: of the N pictures.
        outputs: vote_fractions and vote_fractions_std (N, K), pose_angle (N,), ok (N,).
        answers: names of the K answers; answer_0, answer_1, ... where there are none.

    Returns:
        Columns id; ANSWER and ANSWER_std, fraction in [0, 1] and its standard deviation; pose_angle in radians; ok,
        false where the picture could not be decoded and the numbers are empty.
    """
    columns: dict[str, object] = {"id": list(names)}
    count = outputs["vote_fractions"].shape[1]
    for index, answer in enumerate(answers or [f"answer_{number}" for number in range(count)]):
        columns[answer] = outputs["vote_fractions"][:, index]
        columns[f"{answer}_std"] = outputs["vote_fractions_std"][:, index]
    return pd.DataFrame({**columns, "pose_angle": outputs["pose_angle"], "ok": outputs["ok"]})


def check_output(path: str | Path) -> None:
    """Refuses a table that could not be written in the end.

    Raises:
        InputError: not .csv or .parquet, its folder is missing, or it exists.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise InputError(f"--output={path} ends in {path.suffix!r}, but .csv or .parquet was expected.")
    if not path.parent.is_dir():
        raise InputError(f"--output={path} lies in a folder that does not exist; make it first.")
    if path.exists():
        raise InputError(f"--output={path} exists; remove it, or choose another name.")


def write_table(path: str | Path, parts: Iterable[pd.DataFrame], total: int) -> pd.DataFrame:
    """Writes the parts as one table, whole or not at all, and tells how far it is.

    Args:
        path: of the table, .csv or .parquet.
        parts: one picture a row.
        total: rows of all parts.

    Returns:
        The table.
    """
    bar = Progress(total, "picture")
    collected = []
    for part in parts:
        collected.append(part)
        bar.add(len(part))
    table = pd.concat(collected, ignore_index=True)
    write_atomically(path, lambda temporary: _WRITERS[Path(path).suffix](table, temporary))
    return table

"""Tables of predicted votes: pictures in batches become rows, whether a model here or a server scores them.

It stands below both rooms that write these tables: the client in `serving` cannot import `inference`, which imports
`serving`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etvae_tf.data import ImageSource, Questions
from etvae_tf.errors import InputError
from etvae_tf.evaluation import vote_deviations, vote_intervals
from etvae_tf.files import write_atomically
from etvae_tf.progress import Progress

__all__ = ["WRITERS", "check_n_votes", "check_output", "read_batches", "score_batches", "vote_table", "write_table"]

WRITERS = {
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
    questions: Questions | None = None,
    why_unreadable: Callable[[str], str] = lambda name: "not a readable picture",
    n_votes: int | None = None,
) -> Iterator[pd.DataFrame]:
    """Rows of one batch of pictures after the other; nothing is kept, so there may be any number.

    Args:
        predict: gives the outputs of `predict_bytes` for B picture files.
        batches: names and files of B pictures.
        questions: see `vote_table`.
        why_unreadable: gives the reason for the name of a picture that could not be decoded.
        n_votes: see `vote_table`.

    Yields:
        A `vote_table` of B rows for each batch, and a column reason: why ok is false, empty where it is true.
    """
    for names, files in batches:
        table = vote_table(names, predict(files), questions, n_votes)
        reasons = ["" if ok else why_unreadable(name) for name, ok in zip(names, table["ok"], strict=True)]
        yield table.assign(reason=pd.Series(reasons, dtype=object))


def vote_table(
    names: Sequence[str],
    outputs: dict[str, np.ndarray],
    questions: Questions | None = None,
    n_votes: int | None = None,
) -> pd.DataFrame:
    """Outputs of `predict_bytes` as a table.

    Args:
        names: of the N pictures.
        outputs: vote_fractions, vote_concentration (parameters of a Dirichlet distribution around them) and n_votes
            (N, K), pose_angle (N,), ok (N,).
        questions: that the model answers, K answers in all; answer_0, answer_1, ... where they are unknown.
        n_votes: votes that are cast on each galaxy, >= 1; the model's n_votes where it is None.

    Returns:
        Columns id; ANSWER, the expected fraction in [0, 1] among those who are asked; ANSWER_std, ANSWER_low and
        ANSWER_high, the standard deviation and the 5 and 95 % quantiles of the fraction that so many volunteers will
        vote, empty where the model does not know how sure it is; ANSWER_joint, for questions that others lead to, the
        fraction of all volunteers who will give that answer; pose_angle in radians; where the model gives them,
        novelty, >= 0, and unlike_training, whether it exceeds 1: 1 % of pictures like the training's do, and for the
        others error bars were not learnt; ok, false where the picture could not be decoded and the numbers are empty.
    """
    columns: dict[str, object] = {"id": list(names)}
    fractions = outputs["vote_fractions"].astype(np.float64)
    total = outputs["n_votes"] if n_votes is None else np.full(fractions.shape, n_votes)
    sure = np.divide(outputs["vote_concentration"], fractions, out=np.ones_like(fractions), where=fractions > 0)
    sure, total = np.where(np.isfinite(total), sure, np.nan), np.nan_to_num(total, nan=1.0)
    deviations, (low, high) = vote_deviations(fractions, sure, total), vote_intervals(fractions, sure, total)
    answers = questions.answers if questions else [f"answer_{number}" for number in range(fractions.shape[1])]
    joint = _joint(fractions, questions)
    for index, answer in enumerate(answers):
        columns[answer] = outputs["vote_fractions"][:, index]
        for end, values in (("std", deviations), ("low", low), ("high", high)):
            columns[f"{answer}_{end}"] = values[:, index].astype(np.float32)
        if answer in joint:
            columns[f"{answer}_joint"] = joint[answer].astype(np.float32)
    columns["pose_angle"] = outputs["pose_angle"]
    if "novelty" in outputs:
        columns |= {"novelty": outputs["novelty"], "unlike_training": outputs["novelty"] > 1}
    return pd.DataFrame({**columns, "ok": outputs["ok"]})


def _joint(fractions: np.ndarray, questions: Questions | None) -> dict[str, np.ndarray]:
    """Fractions (N,) of all volunteers, by the answers of questions that others lead to."""
    if questions is None:
        return {}
    joint, found = questions.joint(fractions), {}
    for place, parents in zip(questions.slices.values(), questions.parents, strict=True):
        if parents:
            found |= dict(zip(questions.answers[place], joint[:, place].T, strict=True))
    return found


def check_n_votes(n_votes: int | None) -> None:
    """Refuses an impossible number of votes.

    Raises:
        InputError: it is below 1.
    """
    if n_votes is not None and n_votes < 1:
        raise InputError(f"n_votes={n_votes}, but at least 1 was expected; leave it out for the training table's mean.")


def check_output(path: str | Path, may_exist: bool = False) -> None:
    """Refuses a table that could not be written in the end.

    Args:
        path: of the table.
        may_exist: whether one that is there will be read.

    Raises:
        InputError: not .csv or .parquet, its folder is missing, or it exists.
    """
    path = Path(path)
    if path.suffix not in WRITERS:
        raise InputError(f"--output={path} ends in {path.suffix!r}, but .csv or .parquet was expected.")
    if not path.parent.is_dir():
        raise InputError(f"--output={path} lies in a folder that does not exist; make it first.")
    if path.exists() and not may_exist:
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
    write_atomically(path, lambda temporary: WRITERS[Path(path).suffix](table, temporary))
    return table

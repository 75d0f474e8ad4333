"""Tables of votes: identifiers and vote counts per answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from etvae_tf.data.classes import class_column, one_vote_each
from etvae_tf.data.questions import Question, Questions
from etvae_tf.data.schema import FRACTION_SUM_ATOL, find_vote_columns, knows_columns, label_kind
from etvae_tf.data.tables import best_id_column, first_few, picture_paths, read_ids, read_table
from etvae_tf.data.trees import find_tree, own_questions
from etvae_tf.errors import InputError

__all__ = ["Catalogue", "read_catalogue"]

_EMPTY = ("-", "--", "---", "...", "\\N", "masked")  # cells that are empty in tables of astropy, VizieR and databases
_NOT_ASKED = -99  # this, and what lies below, stands for no answer in published tables


@dataclass(frozen=True)
class Catalogue:
    """Galaxies of one table.

    Attributes:
        ids: str array (N,), each once.
        votes: float32 array (N, K), counts per answer, >= 0; a row of zeros is a galaxy without votes.
        questions: whose votes they are; K answers in all.
        kind: what the table held, "counts" or "fractions" (turned to counts by the pseudo-count).
        id_column: the column that `ids` came from.
        files: paths of the pictures, where the table lists them in a column file_loc.
    """

    ids: np.ndarray
    votes: np.ndarray
    questions: Questions
    kind: str
    id_column: str
    files: Sequence[str] = ()

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
    questions: Sequence[str] = (),
    kind: str = "auto",
    pseudo_count: float = 40.0,
    picture_names: Collection[str] = (),
) -> Catalogue:
    """Reads a table of votes.

    Args:
        path: table, see `read_table`.
        id_column: column of identifiers; empty to take the one that matches most picture names, a known one if it does.
        answer_columns: vote columns, of several questions as in `own_questions`; empty to look for known ones.
        questions: names of those of a known decision tree, or "all"; empty for the first one.
        kind: "counts", "fractions", or "auto".
        pseudo_count: votes that a galaxy's fractions stand for, > 0.
        picture_names: names of the pictures there are, without suffix.

    Returns:
        The catalogue, in the order of the table.

    Raises:
        InputError: unreadable file, missing column, missing or duplicate identifiers, negative or missing
            votes, label kinds mixed, or no vote at all.
    """
    if not 0 < pseudo_count < np.inf:
        raise InputError(f"pseudo_count={pseudo_count}, expected a number above 0; 40 is usual.")
    table = read_table(path, (id_column,) if id_column else ())
    names, problems = frozenset(picture_names), []
    column, ids, asked = id_column, table.index, []
    try:
        column = id_column or best_id_column(table, names, path)
        ids = read_ids(table, column, path, names)
    except InputError as error:
        problems += error.args
    try:
        asked = _find_votes(table, answer_columns, questions, path)
    except InputError as error:
        problems += error.args
    read = [_read_votes(one.sets, ids, path, problems) for one in asked]
    if problems:
        raise InputError(*problems)
    empty = np.logical_and.reduce([unasked for _, unasked in read])
    if empty.any():
        print(f"{path}: {int(empty.sum())} of {len(empty)} galaxies have no answer and are unlabelled", flush=True)
    found = [_counts(values, one, kind, pseudo_count, path) for one, (values, _) in zip(asked, read, strict=True)]
    votes = np.hstack([counts for counts, _ in found]).astype(np.float32)
    if not votes.any():
        raise InputError(f"{path} has {len(votes)} rows and not a single vote; give a table with labelled galaxies.")
    all_questions = Questions(tuple(one.question for one in asked))
    return Catalogue(ids, votes, all_questions, found[0][1], column, picture_paths(table))


class _Asked(NamedTuple):
    """A question and its votes in a table.

    Args:
        question: with K answers.
        kind: of its votes, as in `VoteColumns`.
        sets: the cells (N, K) of each campaign that asked it.
    """

    question: Question
    kind: str
    sets: list[pd.DataFrame]


def _counts(
    values: np.ndarray, asked: _Asked, kind: str, pseudo_count: float, path: str | Path
) -> tuple[np.ndarray, str]:
    """Votes (N, K) on a question as counts, and what they were."""
    if asked.kind == "fractions of those asked" and kind == "auto":
        kind = label_kind(values, "fractions")
    else:
        kind = label_kind(values, kind, asked.kind.split()[0])
    if kind == "counts":
        return values, kind
    if not asked.question.asked_after:
        _tell_sums(values, path)
    return values * pseudo_count, kind  # a row that sums to less stands for fewer votes


def _tell_sums(fractions: np.ndarray, path: str | Path) -> None:
    """Says so where fractions (N, K) are not those of all volunteers."""
    sums = fractions.sum(axis=1)
    others = sums[(np.abs(sums - 1) > FRACTION_SUM_ATOL) & (sums > 0)]
    if len(others):
        print(
            f"{path}: the fractions of {len(others)} of {len(sums)} galaxies sum to {others.min():g} to "
            f"{others.max():g}; they are divided by their sum, which counts as that share of the pseudo-count",
            flush=True,
        )


def _find_votes(
    table: pd.DataFrame, answer_columns: Sequence[str], questions: Sequence[str], path: str | Path
) -> list[_Asked]:
    """The questions of a table, at least one."""
    column = class_column(table, answer_columns)
    if column is not None and not questions and (answer_columns or not knows_columns(table.columns)):
        cells = one_vote_each(table[column], path)
        return [_Asked(Question(column, tuple(cells.columns)), "counts", [cells])]
    columns = list(table.columns)
    if questions:
        found = find_tree(columns, questions)
        print(f"{path}: the questions are {', '.join(one.question.name for one in found)}", flush=True)
    else:
        found = own_questions(columns, answer_columns) or [find_vote_columns(columns, answer_columns)]
    campaigns = max(len(one.others) for one in found) + 1
    if campaigns > 1:
        print(f"{path}: the votes of {campaigns} campaigns are added", flush=True)
    return [
        _Asked(one.question, one.kind, [table[list(names)] for names in (one.columns, *one.others)]) for one in found
    ]


def _read_votes(
    sets: Sequence[pd.DataFrame], ids: Sequence[object], path: str | Path, problems: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The votes of all campaigns together, and who was asked by none; adds what is wrong to the problems.

    Returns:
        float64 array (N, K), zeros for a galaxy that nobody was asked about, and bool array (N,).
    """
    total, unasked = 0.0, np.array(True)
    named = ids if len(ids) == len(sets[0]) else sets[0].index
    for cells in sets:
        votes = cells.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64, copy=True)
        not_asked = (votes <= _NOT_ASKED) | ((votes < 0) & (votes == votes[:, :1]))  # such as -1 in all of them
        empty = (cells.isna().to_numpy() | cells.isin(_EMPTY).to_numpy() | not_asked).all(axis=1)
        votes[empty] = 0.0
        for wrong, what in ((~np.isfinite(votes), "missing or not a number"), (votes < 0, "negative")):
            rows = wrong.any(axis=1)
            if rows.any():
                problems.append(
                    f"{path} has {int(rows.sum())} galaxies whose votes are {what} (ids {first_few(named[rows])}); "
                    "expected numbers >= 0, and no answer at all, or 0 in every one, for a galaxy without votes."
                )
        total, unasked = total + votes, unasked & empty
    return total, unasked

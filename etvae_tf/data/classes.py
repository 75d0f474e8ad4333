"""One column of words, the class of each galaxy, as one vote each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from etvae_tf.errors import InputError

__all__ = ["class_column", "one_vote_each"]

_NAMES = ("class", "label", "morphology")  # of columns that are taken without being asked for
_MOST = 50  # classes; more words than that are names or remarks


def class_column(table: pd.DataFrame, answer_columns: Sequence[str]) -> str | None:
    """The column of words that was asked for or, where nothing was, one with a usual name; None if there is none."""
    asked = list(answer_columns) or [name for name in table.columns if str(name).lower() in _NAMES]
    if len(asked) != 1 or asked[0] not in table.columns or pd.api.types.is_numeric_dtype(table[asked[0]]):
        return None
    return asked[0]


def one_vote_each(words: pd.Series, path: str | Path) -> pd.DataFrame:
    """One column per word, in alphabetical order: 1 where a galaxy has it, 0 elsewhere, empty where it has none.

    Args:
        words: a column of the table.
        path: of the table, for an error's sentence.

    Raises:
        InputError: fewer than two different words, or too many for classes.
    """
    words = words.astype("string").str.strip().replace("", pd.NA)
    votes = pd.get_dummies(words, dtype=float)
    if not 2 <= votes.shape[1] <= _MOST:
        raise InputError(
            f"{path} has {votes.shape[1]} different words in {words.name}, expected 2 to {_MOST} classes; name one "
            "column per answer with --config.data.answer_columns."
        )
    votes.columns = votes.columns.astype(str)
    return votes.where(words.notna(), axis=0)

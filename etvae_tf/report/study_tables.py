"""The tables of a study, in words, as its page and its TITLE.md show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from etvae_tf.report.page import with_interval

__all__ = ["COVERAGE", "QUESTION", "WIDTH", "Table", "bars_table", "main_table", "question_table"]

# Columns of learning_curve.csv, of means over seeds in TITLE.csv, that end with a name.
QUESTION = "vote_rmse_"  # of a question; in TITLE.csv vote_rmse_of_
COVERAGE, WIDTH = "coverage_90_", "interval_width_"  # of an answer's 90 % intervals
_METRICS = ("vote_rmse", "mean_vote_l1")


class Table(NamedTuple):
    """Titles of the columns, and rows of as many cells."""

    titles: list[str]
    rows: list[list[str]]


def main_table(summary: pd.DataFrame) -> Table:
    """A row for each number of labels and arm: metrics, their differences to the reference, and what those are worth.

    Args:
        summary: what TITLE.csv holds; the reference comes first.
    """
    reference = summary["arm"].iloc[0]
    probed = "probe_vote_rmse" in summary
    compared = "vote_rmse_difference" in summary and summary["vote_rmse_difference"].notna().any()
    curve = summary["n_labels"].nunique() > 1
    minus = [f"minus {reference}"] if compared else []
    titles = ["labels", "arm", "vote_rmse", *minus, "mean_vote_l1", *minus]
    titles += [*([f"labels {reference} needs"] if curve else []), "vote_nll"]
    titles += ["vote_rmse from frozen latents"] if probed else []
    rows = []
    for row in summary.to_dict("records"):
        cells = [str(row["n_labels"]), row["arm"]]
        alike = np.isfinite(row.get("vote_rmse_difference", np.nan))
        for metric in _METRICS:
            cells.append(_cell(row, metric))
            if compared:
                cells.append(_cell(row, f"{metric}_difference", "{:+.4f}") if alike else "")
        if curve:
            known = alike or row["arm"] == reference
            cells.append(_labels(row["equivalent_labels"], summary["n_labels"]) if known else "")
        cells += [_number(row[name]) for name in ("vote_nll", *(["probe_vote_rmse"] if probed else []))]
        rows.append(cells)
    return Table(titles, rows)


def question_table(summary: pd.DataFrame, runs: pd.DataFrame) -> Table | None:
    """A row for each question, number of labels and arm that answers it, where arms answer several.

    Args:
        summary: what TITLE.csv holds; the reference comes first.
        runs: what learning_curve.csv holds.

    Returns:
        The table; None where arms answer one question alone, or an earlier release wrote TITLE.csv.
    """
    questions = [name.removeprefix(QUESTION) for name in runs if name.startswith(QUESTION)]
    if len(questions) < 2 or f"vote_rmse_of_{questions[0]}" not in summary:
        return None
    rows = []
    for question in questions:
        name, constant = f"vote_rmse_of_{question}", runs[f"constant_{QUESTION}{question}"].mean()
        for row in summary[summary[name].notna()].to_dict("records"):
            compared = np.isfinite(row.get(f"{name}_difference", np.nan))
            difference = _interval(row, f"{name}_difference", "{:+.4f}") if compared else ""
            cells = [str(row["n_labels"]), row["arm"], _interval(row, name), difference]
            rows.append([question, f"{constant:.4f}", *cells])
    return Table(["question", "constant mean", "labels", "arm", "vote_rmse", f"minus {summary['arm'].iloc[0]}"], rows)


def bars_table(summary: pd.DataFrame) -> Table | None:
    """A row for each answer: which share of the votes lies inside 90 % intervals, and their mean width.

    Args:
        summary: what TITLE.csv holds.

    Returns:
        The table, with a column for each arm that has error bars; None where none has.
    """
    answers = [name.removeprefix(COVERAGE) for name in summary if name.startswith(COVERAGE)]
    known = summary[summary[[COVERAGE + answer for answer in answers]].notna().any(axis=1)]
    if known.empty:
        return None
    arms = known.to_dict("records")
    rows = [[answer.replace("_", " "), *(_bar(row, answer) for row in arms)] for answer in answers]
    return Table(["answer", *_arms(arms, summary)], rows)


def _arms(rows: list[Mapping[str, Any]], summary: pd.DataFrame) -> list[str]:
    """Titles of columns: arms, with their number of labels where there are several."""
    several = summary["n_labels"].nunique() > 1
    return [f"{row['arm']}, {row['n_labels']} labels" if several else row["arm"] for row in rows]


def _bar(row: Mapping[str, Any], answer: str) -> str:
    share, width = row[COVERAGE + answer], row.get(WIDTH + answer, np.nan)
    return "" if np.isnan(share) else f"{share:.3f}" + ("" if np.isnan(width) else f", {width:.3f} wide")


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def _cell(row: Mapping[str, Any], name: str, form: str = "{:.4f}") -> str:
    """Interval over seeds, and after +- the share of the galaxies."""
    return f"{_interval(row, name, form)} +- {row[f'{name}_galaxies']:.4f}"


def _interval(row: Mapping[str, Any], name: str, form: str = "{:.4f}") -> str:
    return with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], form)


def _labels(equivalent: float, n_labels: pd.Series) -> str:
    if np.isnan(equivalent):
        return f"fewer than {n_labels.min()}"
    return f"more than {n_labels.max()}" if np.isinf(equivalent) else f"{equivalent:.0f}"

"""The page of a study: the learning curve, its table with intervals, and the runs behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etvae_tf.errors import InputError
from etvae_tf.report.page import PAGE, figure_uri, origin_of, with_interval, write_page
from etvae_tf.report.study_tables import COVERAGE, bars_table, main_table, question_table

__all__ = ["is_study", "write_study_page"]

_CURVE = "learning_curve"  # name of a study's table of runs and of its picture


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study, finished or not."""
    return (folder / f"{_CURVE}.csv").exists()


def write_study_page(root: Path) -> Path:
    """Writes the study's report.html.

    Args:
        root: folder of a finished study.

    Returns:
        Path of the page.

    Raises:
        InputError: the study is not finished, so that nothing compares its runs yet.
    """
    tables = [path for path in root.glob("*.csv") if path.stem != _CURVE and path.with_suffix(".md").exists()]
    if not tables:
        raise InputError(f"the study in {root} is not finished; repeat its command to finish it.")
    (table, *_) = tables
    summary = pd.read_csv(table)
    runs = pd.read_csv(root / f"{_CURVE}.csv")
    folders = [root / "runs" / f"{run.arm}_n{run.n_labels}_seed{run.seed}" for run in runs.itertuples()]
    shown = _shown(summary, folders, runs)
    figures = ("votes", "coverage", "reconstructions", "pose", "latents")
    return write_page(
        root,
        "study.html",
        title=table.stem,
        headline=_headline(summary),
        curve=figure_uri(root / f"{_CURVE}.png"),
        ranked=not _differ(summary[summary["n_labels"] == summary["n_labels"].max()]),
        table=main_table(summary),
        by_question=question_table(summary, runs),
        bars=bars_table(summary),
        note=table.with_suffix(".md").read_text(encoding="utf-8").strip().rsplit("\n\n", 1)[-1],
        runs=[_run(run, folder, root) for run, folder in zip(runs.itertuples(), folders, strict=True)],
        shown=shown.name,
        shown_page=f"runs/{shown.name}/{PAGE}" if (shown / PAGE).exists() else None,
        figures={name: figure_uri(shown / "figures" / f"{name}.png") for name in figures},
        origin=origin_of(shown),
    )


def _differ(rows: pd.DataFrame) -> bool:
    """Whether arms of the same number of labels answer different questions, so that nothing ranks them."""
    return rows.get("vote_rmse_difference", pd.Series(index=rows.index)).isna().sum() > 1


def _shown(summary: pd.DataFrame, folders: list[Path], runs: pd.DataFrame) -> Path:
    """The first run with the most labels of the best arm, or of the reference where nothing ranks them.

    A network, if there is one with a page; else a run with a page, if there is any.
    """
    most = runs[runs["n_labels"] == runs["n_labels"].max()]
    order = summary[summary["n_labels"] == most["n_labels"].iloc[0]]
    order = order if _differ(order) else order.sort_values("vote_rmse")
    ranked = [folders[index] for arm in order["arm"] for index in most.index[most["arm"] == arm]]
    for records in ((PAGE, "model.keras"), (PAGE,), ("manifest.json",)):
        for folder in ranked:
            if all((folder / record).exists() for record in records):
                return folder
    raise InputError(f"no run in {folders[0].parent} has a manifest.json; train the study anew.")


def _headline(summary: pd.DataFrame) -> str:
    """The best arm with the most labels, against the reference, and how sure it is; or where to look."""
    most = summary[summary["n_labels"] == summary["n_labels"].max()].sort_values("vote_rmse")
    best = most.iloc[0]
    if _differ(most):
        return "The arms answer different questions, so that nothing ranks them as a whole: compare them by question."
    text = f"With {best['n_labels']} labels, {best['arm']} has the least vote_rmse: {_interval(best, 'vote_rmse')}"
    if len(most) == 1:
        text = f"With {best['n_labels']} labels, {best['arm']} has a vote_rmse of {_interval(best, 'vote_rmse')}"
    shares = best.filter(like=COVERAGE).dropna()
    bars = f" Its 90 % intervals hold {shares.min():.2f} to {shares.max():.2f} of the votes." if len(shares) else ""
    if "vote_rmse_difference" not in best or np.isnan(best["vote_rmse_difference"]):
        return f"{text}.{bars}"
    (reference,) = most.loc[most["vote_rmse_difference"].isna(), "arm"]
    ends = (best["vote_rmse_difference_low"], best["vote_rmse_difference_high"])
    sure = "" if np.isnan(ends).any() else f"; the interval {'includes' if ends[0] < 0 < ends[1] else 'excludes'} zero"
    return f"{text}; minus {reference}: {_interval(best, 'vote_rmse_difference', '{:+.4f}')}{sure}.{bars}"


def _interval(row: pd.Series, name: str, form: str = "{:.4f}") -> str:
    return with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], form)


def _run(run: Any, folder: Path, root: Path) -> dict[str, Any]:
    """What the list of runs says of one, with the way to its page where it has one."""
    page = folder / PAGE
    return {
        "arm": run.arm,
        "n_labels": run.n_labels,
        "seed": run.seed,
        "vote_rmse": f"{run.vote_rmse:.4f}",
        "mean_vote_l1": f"{run.mean_vote_l1:.4f}",
        "page": page.relative_to(root).as_posix() if page.exists() else None,
    }

"""The page of a study: the learning curve, its table with intervals, and the runs behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etvae_tf.errors import InputError
from etvae_tf.report.page import PAGE, figure_uri, origin_of, with_interval, write_page

__all__ = ["is_study", "write_study_page"]

_CURVE = "learning_curve"  # name of a study's table of runs and of its picture
_COVERAGE = "coverage_90_"  # and the answer


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
    best = _best(summary, folders, runs)
    shown = ("votes", "coverage", "reconstructions", "pose", "latents")
    return write_page(
        root,
        "study.html",
        title=table.stem,
        headline=_headline(summary, table.with_suffix(".md").name),
        curve=figure_uri(root / f"{_CURVE}.png"),
        rows=_rows(summary),
        note=table.with_suffix(".md").read_text(encoding="utf-8").strip().rsplit("\n\n", 1)[-1],
        runs=[_run(run, folder, root) for run, folder in zip(runs.itertuples(), folders, strict=True)],
        best=best.name,
        best_page=f"runs/{best.name}/{PAGE}" if (best / PAGE).exists() else None,
        figures={name: figure_uri(best / "figures" / f"{name}.png") for name in shown},
        origin=origin_of(best),
        has_bars=any(name.startswith(_COVERAGE) for name in summary),
    )


def _best(summary: pd.DataFrame, folders: list[Path], runs: pd.DataFrame) -> Path:
    """The first run with the most labels of the best arm: one with a page of its own, if there is any."""
    most = runs[runs["n_labels"] == runs["n_labels"].max()]
    order = summary[summary["n_labels"] == most["n_labels"].iloc[0]].sort_values("vote_rmse")["arm"]
    ranked = [folders[index] for arm in order for index in most.index[most["arm"] == arm]]
    for record in (PAGE, "manifest.json"):  # networks have both, Gaussian processes the second, means of arms none
        for folder in ranked:
            if (folder / record).exists():
                return folder
    raise InputError(f"no run in {folders[0].parent} has a manifest.json; train the study anew.")


def _headline(summary: pd.DataFrame, table: str) -> str:
    """The best arm with the most labels, against the reference, the arm without differences; or where to look."""
    most = summary[summary["n_labels"] == summary["n_labels"].max()].sort_values("vote_rmse")
    best = most.iloc[0]
    if most.get("vote_rmse_difference", pd.Series(index=most.index)).isna().sum() > 1:
        return f"The arms answer different questions: {table} compares them question by question."
    text = f"With {best['n_labels']} labels, {best['arm']} has the least vote_rmse: {_interval(best, 'vote_rmse')}"
    if "vote_rmse_difference" not in best or np.isnan(best["vote_rmse_difference"]):
        return f"{text}."
    (reference,) = most.loc[most["vote_rmse_difference"].isna(), "arm"]
    ends = (best["vote_rmse_difference_low"], best["vote_rmse_difference_high"])
    sure = "" if np.isnan(ends).any() else f"; the interval {'includes' if ends[0] < 0 < ends[1] else 'excludes'} zero"
    return f"{text}; minus {reference}: {_interval(best, 'vote_rmse_difference', '{:+.4f}')}{sure}."


def _rows(summary: pd.DataFrame) -> list[dict[str, str]]:
    rows = []
    for row in summary.to_dict("records"):
        cells = {"labels": str(row["n_labels"]), "arm": row["arm"], "seeds": str(row["seeds"])}
        for metric in ("vote_rmse", "mean_vote_l1"):
            cells[metric] = _cell(row, metric)
            difference = row.get(f"{metric}_difference", np.nan)
            cells[f"{metric} minus reference"] = (
                "" if np.isnan(difference) else _cell(row, f"{metric}_difference", "{:+.4f}")
            )
        cells["vote_nll"] = f"{row['vote_nll']:.4f}"
        for name, share in row.items():
            if name.startswith(_COVERAGE):
                title = f"90 % interval covers {name.removeprefix(_COVERAGE).replace('_', ' ')}"
                cells[title] = "" if np.isnan(share) else f"{share:.3f}"
        rows.append(cells)
    return rows


def _cell(row: Any, name: str, form: str = "{:.4f}") -> str:
    """Interval over seeds, and after +- the share of the galaxies."""
    return f"{_interval(row, name, form)} +- {row[f'{name}_galaxies']:.4f}"


def _interval(row: Any, name: str, form: str = "{:.4f}") -> str:
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

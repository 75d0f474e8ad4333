"""A study's table and picture, from its runs' predictions and learning_curve.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from etvae_tf.experiments.intervals import Interval, galaxy_share, seed_interval
from etvae_tf.files import write_atomically
from etvae_tf.report import COVERAGE, QUESTION, WIDTH, Table, bars_table, main_table, question_table

__all__ = ["label_efficiency", "summarise", "write_report"]

_METRICS = ("vote_rmse", "mean_vote_l1")


def write_report(root: Path, runs: pd.DataFrame, title: str, reference: str, galaxies: str) -> pd.DataFrame:
    """Writes TITLE.md, TITLE.csv and learning_curve.png into `root`.

    Args:
        root: folder of the study.
        runs: one row a run, as in learning_curve.csv.
        title: of the table, and the name of its files.
        reference: the arm that the others are compared with.
        galaxies: what those are that were scored, in words.

    Returns:
        What TITLE.csv holds, see `summarise`.
    """
    summary = summarise(root, runs, reference)
    write_atomically(root / f"{title}.csv", lambda path: summary.to_csv(path, index=False))
    write_atomically(root / f"{title}.md", lambda path: path.write_text(_markdown(summary, runs, galaxies)))
    _draw(summary, runs, root / "learning_curve.png")
    return summary


def summarise(root: Path, runs: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Means of every arm and number of labels, with 95 % intervals.

    Returns:
        A row per arm and n_labels with METRIC, the mean over seeds, METRIC_low and METRIC_high, its t interval over
        seeds, and METRIC_galaxies, half the width of the interval over the scored galaxies alone; METRIC_difference to
        the reference at the same seeds, galaxies and labels, with the same three, where both answer the same questions;
        equivalent_labels, how many labels the reference needs for the same vote_rmse (infinity: more than the largest
        n; NaN: fewer than the smallest); of several questions vote_rmse_of_QUESTION, the mean over seeds, and its
        difference to the reference, with t intervals; vote_nll, coverage_90_ANSWER and interval_width_ANSWER where
        there are error bars, and probe_vote_rmse of arms that pre-train (see `probe_latents`), the means over seeds.
    """
    measured = ["vote_nll", *(name for name in runs if name == "probe_vote_rmse" or name.startswith((COVERAGE, WIDTH)))]
    arms = sorted(runs["arm"].unique(), key=lambda arm: (arm != reference, arm))
    answers = {arm: _answers(root, runs[runs["arm"] == arm]) for arm in arms}
    rows = []
    for n_labels in sorted(runs["n_labels"].unique()):
        errors = {arm: _errors(root, runs[(runs["arm"] == arm) & (runs["n_labels"] == n_labels)]) for arm in arms}
        for arm in arms:
            row = {"arm": arm, "n_labels": n_labels, "seeds": len(errors[arm]["vote_rmse"])}
            for metric in _METRICS:
                row |= _columns(metric, errors[arm][metric])
                if arm != reference and answers[arm] == answers[reference]:
                    row |= _columns(metric, errors[arm][metric], errors[reference][metric])
            own, beside = (runs[(runs["arm"] == one) & (runs["n_labels"] == n_labels)] for one in (arm, reference))
            rows.append(row | _by_question(own, None if arm == reference else beside) | own[measured].mean().to_dict())
    summary = pd.DataFrame(rows)
    curve = summary[summary["arm"] == reference]
    summary["equivalent_labels"] = label_efficiency(
        summary["vote_rmse"].to_numpy(), curve["n_labels"].to_numpy(), curve["vote_rmse"].to_numpy()
    )
    return summary


def _by_question(runs: pd.DataFrame, reference: pd.DataFrame | None) -> dict[str, float]:
    """vote_rmse of each question that was asked in the study, with its t interval over seeds, and its difference.

    Args:
        runs: of an arm, a row a seed; NaN for questions that it does not answer.
        reference: runs of the arm that is subtracted, if there is another one.
    """
    columns = {}
    for name in [name for name in runs if name.startswith(QUESTION)]:
        own, values = f"vote_rmse_of_{name.removeprefix(QUESTION)}", runs.set_index("seed")[name]
        columns |= _named(own, seed_interval(values.to_numpy()))
        if reference is not None:
            difference = values - reference.set_index("seed")[name]
            columns |= _named(f"{own}_difference", seed_interval(difference.to_numpy()))
    return columns


def _named(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def label_efficiency(vote_rmse: np.ndarray, n_labels: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Number of labels with which the reference curve reaches each vote_rmse.

    Interpolated linearly in log n on the running minimum of the curve (more labels cannot be needed for more error).

    Args:
        vote_rmse: (M,), to reach.
        n_labels: (P,), ascending, of the curve.
        reference: (P,), vote_rmse of the curve.

    Returns:
        Float array (M,); infinity where the curve does not get so low, NaN where it starts lower.
    """
    falling = np.minimum.accumulate(reference)
    labels = np.exp(np.interp(-vote_rmse, -falling, np.log(n_labels)))
    return np.where(vote_rmse < falling[-1], np.inf, np.where(vote_rmse > falling[0], np.nan, labels))


def _answers(root: Path, runs: pd.DataFrame) -> list[str]:
    """What an arm predicts: the columns of its predictions."""
    run = next(runs.itertuples())
    table = pd.read_csv(_predictions(root, run), nrows=0)
    return table.filter(regex="_predicted$").columns.tolist()


def _predictions(root: Path, run: tuple) -> Path:
    return root / "runs" / f"{run.arm}_n{run.n_labels}_seed{run.seed}" / "predictions.csv"


def _errors(root: Path, runs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Errors (S, N) of each galaxy under each seed: squared and averaged over answers; absolute and summed.

    NaN where a seed did not score a galaxy, or nobody was asked.
    """
    squared, absolute = [], []
    for run in runs.sort_values("seed").itertuples():
        table = pd.read_csv(_predictions(root, run), dtype={"id": str}).set_index("id")
        voted = table.filter(regex="_voted$").to_numpy()
        error = table.filter(regex="_predicted$").to_numpy() - voted
        asked = np.isfinite(error).any(axis=1)
        table, error = table[asked], error[asked]
        answers = np.isfinite(error).sum(axis=1).mean()  # of a galaxy, where it was asked only some questions
        squared.append(pd.Series(np.nansum(error**2, axis=1) / answers, table.index))
        absolute.append(pd.Series(np.nansum(np.abs(error), axis=1), table.index))
    by_seed = {"vote_rmse": squared, "mean_vote_l1": absolute}
    return {metric: pd.concat(errors, axis=1).sort_index().to_numpy().T for metric, errors in by_seed.items()}


def _columns(metric: str, errors: np.ndarray, reference: np.ndarray | None = None) -> dict[str, float]:
    """A metric of errors (S, N), or its difference to the reference's, with both kinds of interval."""
    root = metric == "vote_rmse"

    def by_seed(values: np.ndarray) -> np.ndarray:
        means = np.nanmean(values, axis=1)
        return np.sqrt(means) if root else means

    name = metric if reference is None else f"{metric}_difference"
    values = by_seed(errors) if reference is None else by_seed(errors) - by_seed(reference)
    return {**_named(name, seed_interval(values)), f"{name}_galaxies": galaxy_share(errors, root, reference)}


def _markdown(summary: pd.DataFrame, runs: pd.DataFrame, scored: str) -> str:
    """The tables of the study's page, and what their numbers are."""
    parts = [_lines(main_table(summary))]
    if by_question := question_table(summary, runs):
        parts += [
            "vote_rmse by question, with its t interval over seeds, paired in the differences:",
            _lines(by_question),
        ]
    if bars := bars_table(summary):
        parts += ["Share of the votes inside 90 % intervals, and mean width of these, in fractions:", _lines(bars)]
    seeds = runs["seed"].unique()
    runs = runs[runs["arm"] == summary["arm"].iloc[0]]  # other arms may answer other questions, on other galaxies
    if len(seeds) > 1:
        kind = f"Means over {len(seeds)} seeds, in brackets their 95 % t interval (paired in the differences)"
    else:
        kind = f"Seed {seeds[0]} alone, so that nothing is known of other seeds"
    constant = ", ".join(f"{metric} {runs[f'constant_{metric}'].mean():.4f}" for metric in _METRICS)
    if "sampling_noise_rmse" in runs:
        noise = runs["sampling_noise_rmse"].mean()
        constant += f". Sampling noise of the votes, which nothing can go below: {noise:.4f}"
    parts.append(
        f"{kind}; after +- half the width of the 95 % interval over the {int(runs['n_galaxies'].iloc[0])} {scored} "
        f"alone (bootstrap). Constant mean: {constant}."
    )
    return "\n\n".join(parts) + "\n"


def _lines(table: Table) -> str:
    rows = [table.titles, ["---"] * len(table.titles), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _draw(summary: pd.DataFrame, runs: pd.DataFrame, path: Path) -> None:
    """A panel per metric: each arm's mean and interval over the number of labels, and every seed as a point."""
    figure = Figure(figsize=(9, 4.3), layout="constrained")
    for axis, metric in zip(figure.subplots(1, len(_METRICS)), _METRICS, strict=True):
        for index, (arm, rows) in enumerate(summary.groupby("arm", sort=False)):
            shift = 1.03 ** (index - 1)  # intervals side by side
            over_seeds = rows[f"{metric}_high"] - rows[metric]
            ends = over_seeds.fillna(rows[f"{metric}_galaxies"])
            line = axis.errorbar(rows["n_labels"] * shift, rows[metric], ends, marker="o", capsize=3, label=arm)
            points = runs[runs["arm"] == arm]
            color = line.lines[0].get_color()
            axis.scatter(points["n_labels"] * shift, points[metric], s=10, color=color, alpha=0.4, linewidths=0)
        axis.axhline(
            runs.loc[runs["arm"] == summary["arm"].iloc[0], f"constant_{metric}"].mean(),
            color="0.5",
            linestyle=":",
            label="constant mean",
        )
        n_labels = sorted(runs["n_labels"].unique())
        axis.set(xscale="log", xlabel="labelled galaxies", ylabel=f"{metric} (vote fraction)")
        axis.set_xticks(n_labels, [str(n) for n in n_labels])
        axis.minorticks_off()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150))

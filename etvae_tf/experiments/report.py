"""A study's table and picture, from its runs' predictions and learning_curve.csv."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from etvae_tf.experiments.intervals import galaxy_share, seed_interval
from etvae_tf.files import write_atomically

__all__ = ["label_efficiency", "summarise", "write_report"]

_METRICS = ("vote_rmse", "mean_vote_l1")
_DIFFERENCE = "vote_rmse_difference"  # of arms that answer the same as the reference
_QUESTION = "vote_rmse_"  # and the question
_COVERAGE = "coverage_90_"  # and the answer: the share of votes inside their 90 % intervals


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
    write_atomically(root / f"{title}.md", lambda path: path.write_text(_markdown(summary, runs, reference, galaxies)))
    _draw(summary, runs, root / "learning_curve.png")
    return summary


def summarise(root: Path, runs: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Means of every arm and number of labels, with 95 % intervals.

    Returns:
        A row per arm and n_labels with METRIC, the mean over seeds, METRIC_low and METRIC_high, its t interval over
        seeds, and METRIC_galaxies, half the width of the interval over the scored galaxies alone; METRIC_difference to
        the reference at the same seeds, galaxies and labels, with the same three, where both answer the same questions;
        equivalent_labels, how many labels the reference needs for the same vote_rmse (infinity: more than the largest
        n; NaN: fewer than the smallest); vote_nll, coverage_90_ANSWER where there are error bars, and probe_vote_rmse
        of arms that pre-train (see `probe_latents`), the means over seeds.
    """
    measured = ["vote_nll", *(name for name in runs if name == "probe_vote_rmse" or name.startswith(_COVERAGE))]
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
            runs_of_row = (runs["arm"] == arm) & (runs["n_labels"] == n_labels)
            rows.append(row | runs.loc[runs_of_row, measured].mean().to_dict())
    summary = pd.DataFrame(rows)
    curve = summary[summary["arm"] == reference]
    summary["equivalent_labels"] = label_efficiency(
        summary["vote_rmse"].to_numpy(), curve["n_labels"].to_numpy(), curve["vote_rmse"].to_numpy()
    )
    return summary


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

    NaN where a seed did not score a galaxy.
    """
    squared, absolute = [], []
    for run in runs.sort_values("seed").itertuples():
        table = pd.read_csv(_predictions(root, run), dtype={"id": str}).set_index("id")
        voted = table.filter(regex="_voted$").to_numpy()
        error = table.filter(regex="_predicted$").to_numpy() - voted
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
    mean, low, high = seed_interval(values)
    galaxies = galaxy_share(errors, root, reference)
    return {name: mean, f"{name}_low": low, f"{name}_high": high, f"{name}_galaxies": galaxies}


def _markdown(summary: pd.DataFrame, runs: pd.DataFrame, reference: str, scored: str) -> str:
    titles = ["labels", "arm", "vote_rmse", f"minus {reference}", "mean_vote_l1", f"minus {reference}"]
    titles += [f"labels {reference} needs", "vote_nll"]
    compared = [] if _DIFFERENCE not in summary else list(summary.loc[summary[_DIFFERENCE].notna(), "arm"])
    probed = "probe_vote_rmse" in summary
    titles += ["vote_rmse of a Gaussian process on the frozen latents"] if probed else []
    covered = [name for name in summary if name.startswith(_COVERAGE)]
    answers = " / ".join(name.removeprefix(_COVERAGE) for name in covered)
    titles += [f"90 % intervals cover ({answers})"] if covered else []
    lines = ["| " + " | ".join(titles) + " |", "| " + " | ".join(["---"] * len(titles)) + " |"]
    for row in summary.to_dict("records"):
        cells = [str(row["n_labels"]), row["arm"]]
        for metric in _METRICS:
            cells.append(_cell(row, metric, "{:.4f}"))
            cells.append(_cell(row, f"{metric}_difference", "{:+.4f}") if row["arm"] in compared else "")
        needed = _labels(row["equivalent_labels"], summary["n_labels"]) if row["arm"] in (*compared, reference) else ""
        cells += [needed, f"{row['vote_nll']:.4f}"]
        if probed:
            cells.append("" if np.isnan(row["probe_vote_rmse"]) else f"{row['probe_vote_rmse']:.4f}")
        if covered:
            shares = [row[name] for name in covered]
            cells.append("" if np.isnan(shares).any() else " / ".join(f"{share:.3f}" for share in shares))
        lines.append("| " + " | ".join(cells) + " |")
    constant = ", ".join(f"{metric} {runs[f'constant_{metric}'].mean():.4f}" for metric in _METRICS)
    if "sampling_noise_rmse" in runs:
        constant += (
            f". Sampling noise of the votes, which nothing can go below: {runs['sampling_noise_rmse'].mean():.4f}"
        )
    lines += _by_question(runs, reference)
    seeds = runs["seed"].unique()
    galaxies = int(runs["n_galaxies"].iloc[0])
    if len(seeds) > 1:
        kind = f"Means over {len(seeds)} seeds, in brackets their 95 % t interval (paired in the differences)"
    else:
        kind = f"Seed {seeds[0]} alone, so that nothing is known of other seeds"
    return "\n".join(lines) + (
        f"\n\n{kind}; after +- half the width of the 95 % interval over the {galaxies} {scored} alone "
        f"(bootstrap). Constant mean: {constant}.\n"
    )


def _by_question(runs: pd.DataFrame, reference: str) -> list[str]:
    """A table of each question's vote_rmse, where arms answer several."""
    questions = [name for name in runs if name.startswith(_QUESTION)]
    if len(questions) < 2:
        return []
    titles = ["labels", "arm", *(name.removeprefix(_QUESTION) for name in questions)]
    lines = ["", "vote_rmse by question:", "", f"| {' | '.join(titles)} |", f"| {' | '.join(['---'] * len(titles))} |"]
    for (n_labels, arm), rows in runs.groupby(["n_labels", "arm"], sort=False):
        beside = runs[(runs["n_labels"] == n_labels) & (runs["arm"] == reference)].set_index("seed")
        own, cells = rows.set_index("seed"), []
        for name in questions:
            cell = "" if own[name].isna().any() else f"{own[name].mean():.4f}"
            if cell and arm != reference and beside[name].notna().all():
                mean, low, high = seed_interval((own[name] - beside[name]).to_numpy())
                cell += f" ({mean:+.4f}" + ("" if np.isnan(low) else f" [{low:+.4f}, {high:+.4f}]") + ")"
            cells.append(cell)
        lines.append(f"| {n_labels} | {arm} | {' | '.join(cells)} |")
    return [*lines, "", f"In brackets the difference to {reference} with its paired interval over seeds."]


def _cell(row: dict[str, float], name: str, form: str) -> str:
    mean, low, high = (form.format(row[f"{name}{end}"]) for end in ("", "_low", "_high"))
    interval = "" if np.isnan(row[f"{name}_low"]) else f" [{low}, {high}]"
    return f"{mean}{interval} +- {row[f'{name}_galaxies']:.4f}"


def _labels(equivalent: float, n_labels: pd.Series) -> str:
    if np.isnan(equivalent):
        return f"fewer than {n_labels.min()}"
    return f"more than {n_labels.max()}" if np.isinf(equivalent) else f"{equivalent:.0f}"


def _draw(summary: pd.DataFrame, runs: pd.DataFrame, path: Path) -> None:
    """A panel per metric: each arm's mean and interval over the number of labels, and every seed as a point."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axis, metric in zip(figure.subplots(1, len(_METRICS)), _METRICS, strict=True):
        for index, (arm, rows) in enumerate(summary.groupby("arm", sort=False)):
            shift = 1.03 ** (index - 1)  # intervals side by side
            over_seeds = rows[f"{metric}_high"] - rows[metric]
            ends = over_seeds.fillna(rows[f"{metric}_galaxies"])
            line = axis.errorbar(rows["n_labels"] * shift, rows[metric], ends, marker="o", capsize=3, label=arm)
            points = runs[runs["arm"] == arm]
            color = line.lines[0].get_color()
            axis.scatter(points["n_labels"] * shift, points[metric], s=10, color=color, alpha=0.4, linewidths=0)
        axis.axhline(runs[f"constant_{metric}"].mean(), color="0.5", linestyle=":", label="constant mean")
        n_labels = sorted(runs["n_labels"].unique())
        axis.set(xscale="log", xlabel="labelled galaxies", ylabel=metric)
        axis.set_xticks(n_labels, [str(n) for n in n_labels])
        axis.minorticks_off()
    figure.axes[0].legend(fontsize=8)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150))

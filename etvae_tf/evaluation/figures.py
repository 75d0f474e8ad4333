"""Figures of a run, drawn from arrays; each PNG appears whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from etvae_tf.files import write_atomically

__all__ = ["coverage_figure", "loss_figure", "reconstruction_figure", "votes_figure"]

_GROUPS = 3  # galaxies side by side
_BINS = 10  # of the mean curve in the figure of votes
_SMALLEST_BIN = 10  # galaxies; a mean of fewer says nothing
_GAP = 0.15  # between neighbouring galaxies, in widths of a picture
_DPI = 150
_UNITS = {"vote_mse": "squared fraction"}  # every other term is in nats per galaxy
_SKIPPED = ("phase_index", "phase", "epoch", "loss", "active_units", "kl_nats", "pose_error_degrees")  # no terms


def _save(figure: Figure, path: str | Path) -> None:
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=_DPI))


def reconstruction_figure(columns: dict[str, np.ndarray], path: str | Path) -> None:
    """One galaxy a row, three side by side, each with the same columns.

    Args:
        columns: title -> float array (N, H, W, C), in [0, 1]; shown by their square root, which lifts faint arms.
        path: of the PNG.
    """
    pictures = np.stack(list(columns.values()), axis=1)
    if pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    rows, width = -(-len(pictures) // _GROUPS), len(columns)
    figure = Figure(figsize=(1.5 * width * _GROUPS, 1.5 * rows + 0.4), layout="constrained")
    ratios = ([1.0] * width + [_GAP]) * _GROUPS  # every group ends with an empty, narrow column
    axes = figure.subplots(rows, len(ratios), squeeze=False, width_ratios=ratios)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, views in enumerate(pictures):
        row, group = index % rows, index // rows
        for column, (title, picture) in enumerate(zip(columns, views, strict=True)):
            axis = axes[row, (width + 1) * group + column]
            axis.imshow(np.sqrt(np.clip(picture, 0, 1)), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if row == 0:
                axis.set_title(title, fontsize=9)
    _save(figure, path)


def loss_figure(history: pd.DataFrame, path: str | Path) -> None:
    """One panel per term, training and validation, over the epochs of all phases.

    Args:
        history: as in history.csv: phase, epoch and a column per term, NaN where a phase lacks it.
        path: of the PNG.
    """
    terms = sorted({name.removeprefix("val_") for name in history.columns}.difference(_SKIPPED))
    figure = Figure(figsize=(3.2 * len(terms), 2.8), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(terms)))
    epoch = np.arange(1, len(history) + 1)
    begins = epoch[history["phase"].ne(history["phase"].shift())]
    for axis, term in zip(axes, terms, strict=True):
        for name, label in ((term, "training"), (f"val_{term}", "validation")):
            if name in history:
                color = "tab:blue" if label == "training" else "tab:orange"
                axis.plot(epoch, history[name], marker=".", color=color, label=label)
        for begin in begins[1:]:
            axis.axvline(begin - 0.5, color="0.6", linestyle=":")
        axis.set(title=term.replace("_", " "), xlabel="epoch", ylabel=_UNITS.get(term, "nats per galaxy"))
        axis.legend(fontsize=8)
    _save(figure, path)


def votes_figure(fractions: np.ndarray, predicted: np.ndarray, answers: tuple[str, ...], path: str | Path) -> None:
    """Predicted against voted fractions, a panel per answer, with the mean vote in bins of the prediction.

    Bins of fewer than 10 galaxies have no mean.

    Args:
        fractions: array (N, K), voted, in [0, 1].
        predicted: array (N, K), in [0, 1].
        answers: names of the K answers.
        path: of the PNG.
    """
    figure = Figure(figsize=(3.4 * len(answers), 3.5), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(answers)))
    edges = np.linspace(0, 1, _BINS + 1)
    for index, (axis, answer) in enumerate(zip(axes, answers, strict=True)):
        x, y = predicted[:, index], fractions[:, index]
        axis.scatter(x, y, s=6, alpha=0.3, linewidths=0, color="tab:blue")
        axis.plot([0, 1], [0, 1], color="0.4", linewidth=1)
        which = np.clip(np.digitize(x, edges) - 1, 0, _BINS - 1)
        filled = np.flatnonzero(np.bincount(which, minlength=_BINS) >= _SMALLEST_BIN)
        means = [(x[which == bin_].mean(), y[which == bin_].mean()) for bin_ in filled]
        axis.plot(*np.reshape(means, (-1, 2)).T, color="tab:orange", marker="o", markersize=4, label="mean vote in bin")
        rmse = np.sqrt(np.mean((x - y) ** 2))
        axis.set(
            title=f"{answer.replace('_', ' ')}: RMSE {rmse:.3f}", xlabel="predicted fraction", xlim=(0, 1), ylim=(0, 1)
        )
        axis.set_aspect("equal")
    axes[0].set_ylabel("voted fraction")
    axes[0].legend(fontsize=8)
    _save(figure, path)


def coverage_figure(coverage: dict[str, dict[str, float]], path: str | Path) -> None:
    """Share of the votes inside intervals against the share that is meant: true error bars lie on the diagonal.

    Args:
        coverage: by level in percent and answer, as in metrics.json.
        path: of the PNG.
    """
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.4", linewidth=1)
    levels = np.array([float(level) for level in coverage]) / 100
    for answer in next(iter(coverage.values())):
        covered = [by_answer[answer] for by_answer in coverage.values()]
        axis.plot(levels, covered, marker="o", markersize=4, label=answer.replace("_", " "))
    axis.set(xlabel="level of the interval", ylabel="votes inside", xlim=(0, 1), ylim=(0, 1))
    axis.set_aspect("equal")
    axis.legend(fontsize=8)
    _save(figure, path)

"""Figures of a run, drawn from arrays; each PNG appears whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from etvae_tf.data import Questions
from etvae_tf.files import write_atomically

__all__ = [
    "as_shown",
    "coverage_figure",
    "latent_figure",
    "loss_figure",
    "mosaic",
    "pose_figure",
    "reconstruction_figure",
    "votes_figure",
]

_GROUPS = 3  # galaxies side by side
_BINS = 10  # of the mean curve in the figure of votes
_SMALLEST_BIN = 10  # galaxies; a mean of fewer says nothing
_GAP = 0.15  # between neighbouring galaxies, in widths of a picture
_DPI = 150
_ACROSS = 4  # panels of the figure of votes, side by side
_PANELS = 3  # of losses and of coverage, side by side
_CELLS = 12  # of the latent map, along each axis; one galaxy is shown in each
_UNITS = {"vote_mse": "squared fraction"}  # every other term is in nats per galaxy
_SKIPPED = ("phase_index", "phase", "epoch", "loss", "active_units", "kl_nats", "pose_error_degrees")  # no terms


def _save(figure: Figure, path: str | Path) -> None:
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=_DPI))


def as_shown(pictures: np.ndarray) -> np.ndarray:
    """Pictures as every figure shows them: the square root of their brightness, which lifts faint arms.

    Args:
        pictures: float array (..., H, W, C), in [0, 1]; what lies outside is cut off.

    Returns:
        Float array of the same shape, in [0, 1].
    """
    return np.sqrt(np.clip(pictures, 0, 1))


def reconstruction_figure(columns: dict[str, np.ndarray], path: str | Path) -> None:
    """One galaxy a row, three side by side, each with the same columns.

    Args:
        columns: title -> float array (N, H, W, C), in [0, 1]; see `as_shown`.
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
            axis.imshow(as_shown(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
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
    columns = min(len(terms), _PANELS)
    rows = -(-len(terms) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.8 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    epoch = np.arange(1, len(history) + 1)
    begins = epoch[history["phase"].ne(history["phase"].shift())]
    for axis, term in zip(axes, terms, strict=False):
        for name, label in ((term, "training"), (f"val_{term}", "validation")):
            if name in history:
                color = "tab:blue" if label == "training" else "tab:orange"
                axis.plot(epoch, history[name], marker=".", color=color, label=label)
        for begin in begins[1:]:
            axis.axvline(begin - 0.5, color="0.6", linestyle=":")
        axis.set(title=term.replace("_", " "), xlabel="epoch", ylabel=_UNITS.get(term, "nats per galaxy"))
        axis.legend(fontsize=8)
    for axis in axes[len(terms) :]:
        axis.set_axis_off()
    _save(figure, path)


def votes_figure(fractions: np.ndarray, predicted: np.ndarray, questions: Questions, path: str | Path) -> None:
    """Predicted against voted fractions, a panel per answer; each question begins a row.

    A line joins the mean votes in bins of the prediction; bins of fewer than 10 galaxies have none.

    Args:
        fractions: array (N, K), voted, in [0, 1], NaN where nobody was asked.
        predicted: array (N, K), in [0, 1].
        questions: with the K answers.
        path: of the PNG.
    """
    columns = min(max(questions.counts), _ACROSS)
    cells: list[int | None] = []  # answers, and None for empty places after the last one of a question
    for place in questions.slices.values():
        own = range(place.start, place.stop)
        cells += [*own, *[None] * (-len(own) % columns)]
    figure = Figure(figsize=(3.4 * columns, 3.5 * len(cells) / columns), layout="constrained")
    axes = figure.subplots(len(cells) // columns, columns, squeeze=False)
    for axis, index in zip(axes.flat, cells, strict=True):
        if index is None:
            axis.set_axis_off()
        else:
            _votes_panel(axis, fractions[:, index], predicted[:, index], questions.answers[index])
    for axis in axes[:, 0]:
        axis.set_ylabel("voted fraction")
    axes[0, 0].legend(fontsize=8)
    _save(figure, path)


def _votes_panel(axis: Axes, fractions: np.ndarray, predicted: np.ndarray, answer: str) -> None:
    """Predicted against voted fractions (N,) of an answer, as points and as means in bins."""
    asked = np.isfinite(fractions)
    x, y = predicted[asked], fractions[asked]
    axis.scatter(x, y, s=6, alpha=0.3, linewidths=0, color="tab:blue")
    axis.plot([0, 1], [0, 1], color="0.4", linewidth=1)
    which = np.clip((x * _BINS).astype(int), 0, _BINS - 1)
    filled = np.flatnonzero(np.bincount(which, minlength=_BINS) >= _SMALLEST_BIN)
    means = [(x[which == bin_].mean(), y[which == bin_].mean()) for bin_ in filled]
    axis.plot(*np.reshape(means, (-1, 2)).T, color="tab:orange", marker="o", markersize=4, label="mean vote in bin")
    rmse = f"RMSE {np.sqrt(np.mean((x - y) ** 2)):.3f}" if len(x) else "no votes"
    axis.set(title=f"{answer.replace('_', ' ')}: {rmse}", xlabel="predicted fraction", xlim=(0, 1), ylim=(0, 1))
    axis.set_aspect("equal")


def coverage_figure(coverage: dict[str, dict[str, float]], questions: Questions, path: str | Path) -> None:
    """Share of the votes inside intervals against the share that is meant: true error bars lie on the diagonal.

    Args:
        coverage: by level in percent and answer, as in metrics.json; a question that it lacks has no panel.
        questions: whose answers these are.
        path: of the PNG.
    """
    levels = np.array([float(level) for level in coverage]) / 100
    known = [one for one in questions.each if one.answers[0] in next(iter(coverage.values()))]
    columns = min(len(known), _PANELS)
    rows = -(-len(known) // columns)
    figure = Figure(figsize=(4.2 * columns, 4.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, one in zip(axes, known, strict=False):
        axis.plot([0, 1], [0, 1], color="0.4", linewidth=1)
        for answer in one.answers:
            covered = [by_answer[answer] for by_answer in coverage.values()]
            axis.plot(levels, covered, marker="o", markersize=4, label=answer.replace("_", " "))
        axis.set(
            title=one.name, xlabel="level of the interval", ylabel="share of votes inside", xlim=(0, 1), ylim=(0, 1)
        )
        axis.set_aspect("equal")
        axis.legend(fontsize=8)
    for axis in axes[len(known) :]:
        axis.set_axis_off()
    _save(figure, path)


def pose_figure(turned: np.ndarray, moved: np.ndarray, period: float, path: str | Path) -> None:
    """The law of the pose: how far it moved against how far the picture was turned, and the distance of the two.

    Args:
        turned: float array (N,), angles in radians by which pictures were turned.
        moved: float array (N,), how far their poses moved, in radians.
        period: of the pose, in radians; both are shown modulo it.
        path: of the PNG.
    """
    away = moved - turned
    away = np.degrees(away - period * np.round(away / period))
    turned = np.degrees(np.mod(turned, period))
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    law, errors = figure.subplots(1, 2)
    law.plot([0, np.degrees(period)], [0, np.degrees(period)], color="0.4", linewidth=1)
    law.scatter(turned, turned + away, s=8, color="tab:blue", alpha=0.6, linewidths=0)
    law.set(xlabel="picture turned by (degrees)", ylabel="pose moved by (degrees)", title="pose(T x) - pose(x)")
    law.set_aspect("equal")
    errors.hist(away, bins=40, color="tab:blue")
    errors.set(xlabel="pose moved - picture turned (degrees)", ylabel="galaxies")
    errors.set_title(f"median distance {np.median(np.abs(away)):.2f} degrees")
    _save(figure, path)


def latent_figure(
    places: np.ndarray, pictures: np.ndarray, fractions: np.ndarray, answer: str, path: str | Path
) -> None:
    """Galaxies where they lie on a map of the latents: some as pictures, all as points coloured by a voted fraction.

    In each cell of the map stands the galaxy nearest to the middle.

    Args:
        places: float array (N, 2), without a unit; see `latent_map`.
        pictures: float array (N, H, W, C), in [0, 1].
        fractions: array (N,), voted, in [0, 1]; NaN where nobody was asked.
        answer: whose fractions they are.
        path: of the PNG.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    extent = (low[0], high[0], low[1], high[1])
    figure = Figure(figsize=(11, 5), layout="constrained")
    shown, coloured = figure.subplots(1, 2)
    inside = (places - low) / (np.maximum(high - low, 1e-12) * (1 + 1e-6))  # < 1, as the cells are
    shown.imshow(mosaic(inside, pictures), extent=extent, aspect="auto")
    points = coloured.scatter(*places.T, c=fractions, s=8, vmin=0, vmax=1, cmap="viridis", linewidths=0)
    figure.colorbar(points, label=f"voted fraction of {answer.replace('_', ' ')}")
    for axis in (shown, coloured):
        axis.set(xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)", xticks=[], yticks=[])
    _save(figure, path)


def mosaic(places: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W, C) in the cells of the unit square that `places` (N, 2) fall into, on white: RGB."""
    height, width = pictures.shape[1:3]
    mosaic = np.ones((_CELLS * height, _CELLS * width, 3))
    cells = np.floor(places * _CELLS).astype(int)
    inside = ((cells >= 0) & (cells < _CELLS)).all(axis=1)
    middle = np.abs(places * _CELLS - cells - 0.5).max(axis=1)
    for index in sorted(np.flatnonzero(inside), key=lambda index: -middle[index]):  # the nearest comes last and stays
        column, row = cells[index] * (width, height)
        top = (_CELLS - 1) * height - row
        mosaic[top : top + height, column : column + width] = as_shown(pictures[index])
    return mosaic

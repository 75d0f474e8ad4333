"""The page of a run: what it is worth, with intervals, and what it makes of galaxies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from etvae_tf.data import draw_pool, to_float
from etvae_tf.evaluation import latent_figure, latent_map, pose_figure
from etvae_tf.geometry import SAMPLERS, transform
from etvae_tf.report.cards import galaxy_cards
from etvae_tf.report.page import figure_uri, origin_of, with_interval, write_page
from etvae_tf.report.sample import Sample
from etvae_tf.training import FinishedRun

__all__ = ["write_run_page"]

_LEVEL = 0.95  # of the intervals over test galaxies
_REPLICATES = 2000  # of the bootstrap
_SHOWN, _EXTREMES = 12, 6  # galaxies in the gallery, and of the best and of the worst
_MAPPED = 1000  # galaxies at most on the map of the latents: t-SNE of them takes some 7 s on one core
_FEWEST = 10  # of which a map says something
_TURNED = 256  # galaxies that the law of the pose is shown on, as for metrics.json


def write_run_page(run: FinishedRun, sample: Sample | str) -> Path:
    """Writes the run's report.html, and the figures latents.png and pose.png of a network.

    Args:
        run: finished.
        sample: the galaxies it was scored on, or the sentence that says why they cannot be shown.

    Returns:
        Path of the page.
    """
    table = pd.read_csv(run.folder.predictions, dtype={"id": str})
    errors = table.filter(regex="_predicted$").to_numpy() - table.filter(regex="_voted$").to_numpy()
    shown = isinstance(sample, Sample)
    if shown and sample.model is not None:
        _draw_latents(run, sample)
        _draw_pose(run, sample)
    origin = origin_of(run.folder.path)
    figures = ("votes", "coverage", "losses", "latents", "pose", "reconstructions")
    return write_page(
        run.folder.path,
        "run.html",
        title=_title(run),
        metrics=run.metrics,
        scored="train galaxies outside the labels"
        if "judge" in origin["manifest"]["fingerprints"]
        else "test galaxies",
        scores=_scores(run.metrics, errors),
        bars=_bars(run),
        figures={name: figure_uri(run.folder.figures / f"{name}.png") for name in figures},
        cards=_cards(run, sample, errors) if shown else {},
        missing=None if shown else sample,
        network=run.folder.model.exists(),
        mapped=_MAPPED,
        origin=origin,
    )


def _title(run: FinishedRun) -> str:
    several = len(run.questions.each)
    asked = f"{several} questions, " if several > 1 else ""
    taught = "taught, " if run.config.train.get("teaching_pictures") else ""  # older runs lack the field
    return f"{run.config.regime}, {taught}{asked}{run.config.n_labels or 'all'} labels, seed {run.config.seed}"


def _cards(run: FinishedRun, sample: Sample, errors: np.ndarray) -> dict[str, list[dict[str, Any]]]:
    """The first galaxies, those with the least squared error (N, K) of an answer, and those with the largest."""
    answers = np.maximum(np.isfinite(errors).sum(axis=1), 1)
    order = np.argsort(np.nansum(errors**2, axis=1) / answers, kind="stable")
    shown = {"first": np.arange(min(_SHOWN, len(order))), "best": order[:_EXTREMES], "worst": order[::-1][:_EXTREMES]}
    return {name: galaxy_cards(sample, run, which) for name, which in shown.items()}


def _scores(metrics: dict[str, Any], errors: np.ndarray) -> list[tuple[str, str, str, str]]:
    """Rows of the table of metrics: name, value, value of the constant mean, what it is."""
    constant = metrics["constant_mean"]
    errors = errors[np.isfinite(errors).any(axis=1)]
    answers = np.isfinite(errors).sum(axis=1).mean()  # of a galaxy, which may have been asked only some questions
    squared, absolute = np.nansum(errors**2, axis=1) / answers, np.nansum(np.abs(errors), axis=1)
    intervals = {"vote_rmse": np.sqrt(_mean_interval(squared)), "mean_vote_l1": _mean_interval(absolute)}
    meanings = {
        "vote_rmse": "root mean squared error of the vote fractions",
        "mean_vote_l1": "absolute error of the vote fractions, summed over answers",
        "vote_nll": "negative log likelihood, nats per vote",
        "accuracy": "of the top answer",
    }
    unknown = (np.nan, np.nan)
    rows = [
        (name, with_interval(metrics[name], *intervals.get(name, unknown)), f"{constant[name]:.4f}", meaning)
        for name, meaning in meanings.items()
    ]
    for name, part in metrics.get("by_question", {}).items():
        of_constant = f"{constant['by_question'][name]['vote_rmse']:.4f}"
        meaning = f"{part['n_galaxies']} galaxies; accuracy {part['accuracy']:.3f}"
        rows.append((f"vote_rmse of {name}", f"{part['vote_rmse']:.4f}", of_constant, meaning))
    rows += [
        (f"RMSE of {answer}", f"{value:.4f}", f"{constant['rmse_by_answer'][answer]:.4f}", "")
        for answer, value in metrics["rmse_by_answer"].items()
    ]
    others = {
        "sampling_noise_rmse": "vote_rmse of the true fractions, since votes are few: nothing can go below it",
        "pose_error_degrees": "equivariance error of the pose in degrees, median",
        "prediction_spread_under_rotation": "scatter of the fractions when a galaxy is turned",
        "calibration_error": "mean distance of coverage and level of the intervals",
    }
    return rows + [
        (name, f"{metrics[name]:.4f}", "", meaning) for name, meaning in others.items() if metrics.get(name) is not None
    ]


def _bars(run: FinishedRun) -> list[dict[str, Any]]:
    """Of each question with error bars: name, even concentration, and answers with coverage by level and width."""
    coverage, widths = run.metrics.get("coverage", {}), run.metrics.get("interval_width", {})
    return [
        {
            "name": one.name,
            "concentration": run.metrics.get("even_concentrations", {}).get(one.name),
            "answers": [
                {
                    "name": answer.replace("_", " "),
                    "coverage": {level: shares[answer] for level, shares in coverage.items()},
                    "width": widths[answer],
                }
                for answer in one.answers
            ],
        }
        for one in run.questions.each
        if one.answers[0] in widths
    ]


def _mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Ends of the 95 % bootstrap interval of a mean over galaxies (N,); NaN for a single one."""
    if len(values) < 2:
        return np.nan, np.nan
    drawn = stats.bootstrap(
        (values,), np.mean, n_resamples=_REPLICATES, confidence_level=_LEVEL, method="percentile", random_state=0
    )
    return drawn.confidence_interval.low, drawn.confidence_interval.high


def _draw_latents(run: FinishedRun, sample: Sample) -> None:
    """The map of the latents; none of so few galaxies that it says nothing."""
    chosen = draw_pool(sample.galaxies.ids, _MAPPED)
    if len(chosen) < _FEWEST:
        return
    galaxies = sample.galaxies.select(chosen)
    places = latent_map(sample.predictions["latent_mean"][chosen])
    voted = run.questions.fractions(galaxies.votes)[:, 0]
    path = run.folder.figures / "latents.png"
    latent_figure(places, np.asarray(galaxies.images) / 255.0, voted, run.questions.answers[0], path)


def _draw_pose(run: FinishedRun, sample: Sample) -> None:
    """How the pose follows turned pictures; none for a model without a pose."""
    pose = sample.model.encoder.pose
    if pose is None:
        return
    images = to_float(sample.galaxies.images[:_TURNED])
    elements = pose.group.sample(len(images), 0)
    turned = transform(images, elements, pose.group, SAMPLERS[pose.sampler])
    moved = (pose(turned) - pose(images)).numpy()[:, 0]
    pose_figure(elements.numpy()[:, 0], moved, pose.group.angle_period, run.folder.figures / "pose.png")

"""The page of a run: what it is worth, with intervals, and what it makes of galaxies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.decomposition import PCA

from etvae_tf.data import to_float
from etvae_tf.evaluation import latent_figure, pose_figure
from etvae_tf.geometry import SAMPLERS, transform
from etvae_tf.report.cards import galaxy_cards
from etvae_tf.report.page import figure_uri, origin_of, with_interval, write_page
from etvae_tf.report.sample import Sample
from etvae_tf.training import FinishedRun

__all__ = ["write_run_page"]

_LEVEL = 0.95  # of the intervals over test galaxies
_REPLICATES = 2000  # of the bootstrap
_SHOWN, _EXTREMES = 12, 6  # galaxies in the gallery, and of the best and of the worst
_TURNED = 256  # galaxies that the law of the pose is shown on, as for metrics.json


def write_run_page(run: FinishedRun, sample: Sample | str) -> Path:
    """Writes the run's report.html, and the figures latents.png and pose.png.

    Args:
        run: finished.
        sample: the galaxies it was scored on, or the sentence that says why they cannot be shown.

    Returns:
        Path of the page.
    """
    table = pd.read_csv(run.folder.predictions, dtype={"id": str})
    errors = table.filter(regex="_predicted$").to_numpy() - table.filter(regex="_voted$").to_numpy()
    cards: dict[str, Any] = {}
    if isinstance(sample, Sample):
        answers = np.maximum(np.isfinite(errors).sum(axis=1), 1)
        order = np.argsort(np.nansum(errors**2, axis=1) / answers, kind="stable")
        extremes = {"best": order[:_EXTREMES], "worst": order[::-1][:_EXTREMES]}
        cards = {
            name: galaxy_cards(sample, run, which)
            for name, which in {"first": np.arange(min(_SHOWN, len(order))), **extremes}.items()
        }
        _draw_latents(run, sample)
        _draw_pose(run, sample)
    figures = ("votes", "coverage", "losses", "latents", "pose", "reconstructions")
    return write_page(
        run.folder.path,
        "run.html",
        title=f"{run.config.regime}, {run.config.n_labels} labels, seed {run.config.seed}",
        metrics=run.metrics,
        scores=_scores(run.metrics, errors),
        figures={name: figure_uri(run.folder.figures / f"{name}.png") for name in figures},
        cards=cards,
        missing=None if isinstance(sample, Sample) else sample,
        origin=origin_of(run.folder.path),
    )


def _scores(metrics: dict[str, Any], errors: np.ndarray) -> list[tuple[str, str, str, str]]:
    """Rows of the table of metrics: name, value, value of the constant mean, what it is."""
    constant = metrics["constant_mean"]
    answers = np.isfinite(errors).sum(axis=1).mean()  # of a galaxy, which may have been asked only some questions
    squared, absolute = np.nansum(errors**2, axis=1) / answers, np.nansum(np.abs(errors), axis=1)
    rmse = with_interval(metrics["vote_rmse"], *np.sqrt(_mean_interval(squared)))
    l1 = with_interval(metrics["mean_vote_l1"], *_mean_interval(absolute))
    rows = [
        ("vote_rmse", rmse, f"{constant['vote_rmse']:.4f}", "root mean squared error of the vote fractions"),
        (
            "mean_vote_l1",
            l1,
            f"{constant['mean_vote_l1']:.4f}",
            "absolute error summed over answers",
        ),
        ("vote_nll", f"{metrics['vote_nll']:.4f}", f"{constant['vote_nll']:.4f}", "nats per vote"),
        ("accuracy", f"{metrics['accuracy']:.3f}", f"{constant['accuracy']:.3f}", "of the top answer"),
    ]
    rows += [
        (
            f"vote_rmse of {name}",
            f"{part['vote_rmse']:.4f}",
            _of_question(constant, name),
            f"{part['n_galaxies']} galaxies",
        )
        for name, part in metrics.get("by_question", {}).items()
    ]
    rows += [
        (f"RMSE of {answer}", f"{value:.4f}", f"{constant['rmse_by_answer'][answer]:.4f}", "")
        for answer, value in metrics["rmse_by_answer"].items()
    ]
    others = {
        "sampling_noise_rmse": "vote_rmse of the true fractions, since votes are few: nothing can go below it",
        "pose_error_degrees": "equivariance error of the pose, median",
        "prediction_spread_under_rotation": "scatter of the fractions when a galaxy is turned",
        "calibration_error": "mean distance of coverage and level",
    }
    return rows + [
        (name, f"{metrics[name]:.4f}", "", meaning) for name, meaning in others.items() if metrics.get(name) is not None
    ]


def _of_question(constant: dict[str, Any], name: str) -> str:
    """The constant mean's vote_rmse on a question."""
    return f"{constant['by_question'][name]['vote_rmse']:.4f}"


def _mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Ends of the 95 % bootstrap interval of a mean over galaxies (N,); NaN for a single one."""
    if len(values) < 2:
        return np.nan, np.nan
    drawn = stats.bootstrap(
        (values,), np.mean, n_resamples=_REPLICATES, confidence_level=_LEVEL, method="percentile", random_state=0
    )
    return drawn.confidence_interval.low, drawn.confidence_interval.high


def _draw_latents(run: FinishedRun, sample: Sample) -> None:
    """The two directions in which the latents differ most; none where there are not two galaxies or units."""
    latents = sample.predictions["latent_mean"]
    if min(latents.shape) < 2:
        return
    components = PCA(2, random_state=0)
    places = components.fit_transform(latents)
    shares = components.explained_variance_ratio_
    titles = tuple(f"component {index + 1} ({share:.0%} of the variance)" for index, share in enumerate(shares))
    voted = run.questions.fractions(sample.galaxies.votes)[:, 0]
    path = run.folder.figures / "latents.png"
    latent_figure(places, np.asarray(sample.galaxies.images) / 255.0, voted, run.questions.answers[0], titles, path)


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

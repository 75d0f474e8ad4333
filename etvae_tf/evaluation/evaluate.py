"""A trained model over labelled galaxies: metrics, equivariance, figures, predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data import Galaxies, Questions, evaluation_batches, to_float
from etvae_tf.evaluation.figures import reconstruction_figure, votes_figure
from etvae_tf.evaluation.metrics import evaluate_predictions, prediction_spread
from etvae_tf.files import write_atomically
from etvae_tf.geometry import angle_difference, rotate
from etvae_tf.models import ETVAE

__all__ = [
    "evaluate_model",
    "predict_galaxies",
    "summarise",
    "write_predictions",
    "write_reconstruction_figure",
    "write_votes_figure",
]

_BATCH = 128  # galaxies predicted at once; larger gains nothing on two cores
_ROTATIONS = 8  # random angles per galaxy for the spread of predictions
_ROTATED_GALAXIES = 256  # galaxies turned for the equivariance figures
_SHOWN = 12  # galaxies in the reconstruction figure


def predict_galaxies(model: ETVAE, images: np.ndarray) -> dict[str, np.ndarray]:
    """`model.predict` of bytes.

    Args:
        model: trained.
        images: uint8 array (N, H, W, C).

    Returns:
        The model's predictions, arrays with N rows.
    """
    return model.predict(evaluation_batches(images, _BATCH), verbose=0)


def evaluate_model(
    model: ETVAE,
    galaxies: Galaxies,
    constant: np.ndarray,
    questions: Questions,
    true_pose: np.ndarray | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """All metrics of a model on labelled galaxies.

    Args:
        model: trained.
        galaxies: with votes.
        constant: float array (K,), mean fractions of the training labels: the baseline.
        questions: that were answered, with K answers in all.
        true_pose: float array (N,), position angles in radians modulo pi where a simulation knows them, else NaN.

    Returns:
        metrics as in metrics.json, and the predictions. pose_error_degrees is the median of
        |pose(T_a x) - pose(x) - a| over random a, modulo 2 pi / m; None without pose prediction.
    """
    predictions = predict_galaxies(model, galaxies.images)
    metrics = evaluate_predictions(galaxies.votes, predictions["vote_fractions"], constant, questions)
    some = to_float(galaxies.images[:_ROTATED_GALAXIES])
    pose = model.encoder.pose
    error = None if pose is None else float(np.degrees(np.median(model.check_equivariance(some)[:, 0])))
    metrics["pose_error_degrees"] = error
    metrics["prediction_spread_under_rotation"] = _spread_under_rotation(model, some)
    if true_pose is not None and pose is not None:
        metrics["pose_scatter_degrees"] = _pose_scatter(predictions["pose"][:, 0], true_pose)
    return metrics, predictions


def _spread_under_rotation(model: ETVAE, images: tf.Tensor) -> float:
    """Root-mean-square deviation of the predicted fractions over turned copies of pictures (B, H, W, C)."""
    turned = []
    for seed in range(_ROTATIONS):
        angles = tf.random.stateless_uniform([images.shape[0]], [seed, 0], -math.pi, math.pi)
        turned.append(model.predict(rotate(images, angles), batch_size=_BATCH, verbose=0)["vote_fractions"])
    return prediction_spread(np.stack(turned))


def _pose_scatter(pose: np.ndarray, true_pose: np.ndarray) -> float:
    """Median distance in degrees of pose - truth from its own circular mean: a canonical view may face any way."""
    known = np.isfinite(true_pose)
    offset = 2 * (pose[known] - true_pose[known])
    middle = np.angle(np.mean(np.exp(1j * offset))) / 2
    return float(np.degrees(np.median(np.abs(angle_difference(offset / 2, middle, math.pi)))))


def write_predictions(
    path: Path,
    galaxies: Galaxies,
    predictions: dict[str, np.ndarray],
    questions: Questions,
    marks: Mapping[str, np.ndarray] | None = None,
) -> None:
    """One row per galaxy: id, voted and predicted fraction of each answer, and the pose angle in radians.

    Args:
        path: of the CSV file.
        galaxies: N of them, with votes.
        predictions: of the model.
        questions: that were answered, with K answers in all.
        marks: more columns (N,) by name.
    """
    voted = questions.fractions(galaxies.votes)
    columns: dict[str, np.ndarray] = {"id": galaxies.ids}
    for index, answer in enumerate(questions.answers):
        columns[f"{answer}_voted"] = voted[:, index]
        columns[f"{answer}_predicted"] = predictions["vote_fractions"][:, index]
    if predictions["pose"].shape[1]:
        columns["pose_angle"] = predictions["pose"][:, 0]
    table = pd.DataFrame({**columns, **(marks or {})})
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False))


def write_votes_figure(
    path: Path, galaxies: Galaxies, predictions: dict[str, np.ndarray], questions: Questions
) -> None:
    """Predicted against voted fractions of the galaxies with votes."""
    voting = galaxies.votes.sum(axis=1) > 0
    voted = questions.fractions(galaxies.votes[voting])
    votes_figure(voted, predictions["vote_fractions"][voting], questions, path)


def write_reconstruction_figure(path: Path, model: ETVAE, autoencoder: ETVAE | None, galaxies: Galaxies) -> None:
    """Input, canonical view and, where a decoder was trained, reconstruction of the first galaxies.

    Args:
        path: of the picture.
        model: gives the canonical views where there is no autoencoder.
        autoencoder: gives canonical views and reconstructions; None without a trained decoder.
        galaxies: whose first ones are shown.
    """
    images = to_float(galaxies.images[:_SHOWN])
    posterior, reconstructions = (autoencoder or model).reconstruct(images)
    columns = {"input": images.numpy(), "canonical": posterior.canonical.numpy()}
    if autoencoder is not None:
        columns["reconstruction"] = reconstructions.numpy()
    reconstruction_figure(columns, path)


def summarise(metrics: dict[str, Any], folder: Path) -> str:
    """The lines that scoring a model ends with: metrics as in metrics.json, and the folder that holds them."""
    constant = metrics["constant_mean"]
    pose, spread = metrics["pose_error_degrees"], metrics["prediction_spread_under_rotation"]
    error = "no pose" if pose is None else f"pose error {pose:.2f} degrees (median)"
    parts = metrics.get("by_question", {})
    questions = "; ".join(f"{part['vote_rmse']:.4f} of {name} ({part['n_galaxies']})" for name, part in parts.items())
    each = f"\nvote_rmse by question (galaxies): {questions}" if parts else ""
    covered = metrics.get("coverage", {}).get("90", {})
    shares = "; ".join(f"{share:.3f} of {answer}" for answer, share in covered.items())
    bars = f"\n90 % intervals cover {shares}" if covered else ""
    return (
        f"vote_rmse {metrics['vote_rmse']:.4f} on {metrics['n_galaxies']} galaxies (constant mean "
        f"{constant['vote_rmse']:.4f}), mean_vote_l1 {metrics['mean_vote_l1']:.4f} ({constant['mean_vote_l1']:.4f}), "
        f"vote_nll {metrics['vote_nll']:.4f} ({constant['vote_nll']:.4f}){each}\n"
        f"accuracy {metrics['accuracy']:.3f}, {error}, prediction spread under rotation {spread:.4f}{bars}\n"
        f"everything is in {folder}"
    )

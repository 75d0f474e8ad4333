"""Whole runs: what `python main.py` does, callable from Python."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from etvae_tf.data import Survey, draw_data, load_labelled, load_survey
from etvae_tf.errors import InputError
from etvae_tf.evaluation import (
    evaluate_model,
    loss_figure,
    write_predictions,
    write_reconstruction_figure,
    write_votes_figure,
)
from etvae_tf.files import write_json
from etvae_tf.training import RunFolder, train, validate_config

__all__ = ["evaluate_run", "train_run"]


def train_run(
    config: ConfigDict, workdir: str | None = None, survey: Survey | None = None, shared_vae: Path | None = None
) -> dict[str, Any]:
    """Trains by the config and evaluates on the test galaxies; goes on where an interrupted run stopped.

    Args:
        config: of the run, see configs/default.py.
        workdir: run folder; by default runs/ and a name made of regime, labels, seed and data.
        survey: the config's galaxies, where they are loaded already.
        shared_vae: see `train`.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: a bad config, bad data, or a workdir with another run.
    """
    validate_config(config)
    resolved = json.loads(config.to_json())
    folder = RunFolder(workdir or _default_workdir(config))
    folder.check(resolved)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run already, complete.")
        metrics = json.loads(folder.metrics.read_text())
        _summarise(metrics, folder)
        return metrics
    start = time.perf_counter()
    data = draw_data(survey or load_survey(config), config)
    loaded = time.perf_counter() - start
    folder.claim(resolved, data)
    model, seconds = train(config, data, folder, shared_vae)
    start = time.perf_counter()
    labels = np.concatenate([data.train.votes, data.validation.votes])
    constant = (labels / labels.sum(axis=1, keepdims=True)).mean(axis=0)
    metrics, predictions = evaluate_model(model, data.test, constant, data.answers, data.truth.get("pose"))
    write_predictions(folder.predictions, data.test, predictions, data.answers)
    write_votes_figure(folder.figures / "votes.png", data.test, predictions, data.answers)
    autoencoder = keras.saving.load_model(folder.vae) if folder.vae.exists() else model
    trained = config.regime != "supervised"
    write_reconstruction_figure(folder.figures / "reconstructions.png", autoencoder, data.test, trained)
    loss_figure(pd.read_csv(folder.history), folder.figures / "losses.png")
    metrics["answers"] = list(data.answers)
    metrics["wall_seconds"] = {"data": loaded, **seconds, "evaluation": time.perf_counter() - start}
    write_json(folder.metrics, metrics)
    _summarise(metrics, folder)
    return metrics


def evaluate_run(config: ConfigDict, workdir: str | None) -> dict[str, Any]:
    """Scores a trained run on any labelled table, into RUN/evaluation/TABLE/.

    Args:
        config: its `data` names table, images and columns; pictures are prepared as they were for training.
        workdir: folder of the trained run.

    Returns:
        What that folder's metrics.json holds.

    Raises:
        InputError: no such run, no table, or bad data.
    """
    folder = RunFolder(workdir or _missing("--workdir=RUN"))
    trained = folder.read_config()
    if not folder.metrics.exists():
        raise InputError(f"the run in {folder.path} is not finished; repeat its training command to finish it.")
    if not config.data.table:
        _missing("--data=TABLE and --images=FOLDER_OR_ZIP")
    for field in ("image_size", "channels", "crop_fraction"):
        config.data[field] = trained["data"][field]
    galaxies, answers = load_labelled(config)
    before = json.loads(folder.metrics.read_text())
    if list(answers) != before["answers"]:
        raise InputError(f"the table answers {', '.join(answers)}, but the run learnt {', '.join(before['answers'])}.")
    model = keras.saving.load_model(folder.model)
    constant = [before["constant_mean"]["fractions"][answer] for answer in answers]
    metrics, predictions = evaluate_model(model, galaxies, constant, answers)
    target = folder.path / "evaluation" / Path(config.data.table).stem
    write_predictions(target / "predictions.csv", galaxies, predictions, answers)
    write_votes_figure(target / "votes.png", galaxies, predictions, answers)
    write_json(target / "metrics.json", metrics)
    _summarise(metrics, RunFolder(target))
    return metrics


def _missing(flag: str) -> str:
    raise InputError(f"--mode=evaluate scores a trained run on a table; add {flag}.")


def _default_workdir(config: ConfigDict) -> str:
    source = Path(config.data.table).stem or "synthetic"
    return f"runs/{config.regime}_n{config.n_labels}_seed{config.seed}_{source}"


def _summarise(metrics: dict[str, Any], folder: RunFolder) -> None:
    """The three lines that a run ends with."""
    constant = metrics["constant_mean"]
    pose, spread = metrics["pose_error_degrees"], metrics["prediction_spread_under_rotation"]
    error = "no pose" if pose is None else f"pose error {pose:.2f} degrees (median)"
    print(
        f"vote_rmse {metrics['vote_rmse']:.4f} on {metrics['n_galaxies']} galaxies (constant mean "
        f"{constant['vote_rmse']:.4f}), mean_vote_l1 {metrics['mean_vote_l1']:.4f} ({constant['mean_vote_l1']:.4f}), "
        f"vote_nll {metrics['vote_nll']:.4f} ({constant['vote_nll']:.4f})"
    )
    print(f"accuracy {metrics['accuracy']:.3f}, {error}, prediction spread under rotation {spread:.4f}")
    print(f"everything is in {folder.path}")

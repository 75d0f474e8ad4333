"""A whole run: what `python main.py` does, callable from Python."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from etvae_tf.data import GalaxyData, Questions, Survey, data_fingerprints, draw_data, load_survey
from etvae_tf.evaluation import (
    coverage_figure,
    coverage_metrics,
    evaluate_model,
    fit_concentrations,
    loss_figure,
    predict_galaxies,
    summarise,
    write_predictions,
    write_reconstruction_figure,
    write_votes_figure,
)
from etvae_tf.files import write_json
from etvae_tf.models import ETVAE
from etvae_tf.report import Sample, report, write_run_page
from etvae_tf.training import (
    RunFolder,
    finished_run,
    learn_novelty,
    learnt_by_start,
    load_autoencoder,
    out_of_fold,
    start_fingerprint,
    train,
    validate_config,
)

__all__ = ["train_run"]


def train_run(
    config: ConfigDict, workdir: str | None = None, survey: Survey | None = None, shared_vae: Path | None = None
) -> dict[str, Any]:
    """Trains by the config and evaluates on the test galaxies; goes on where an interrupted run stopped.

    Args:
        config: of the run, see `etvae_tf.config`.
        workdir: run folder; by default runs/ and a name made of regime, labels, seed and data.
        survey: the config's galaxies, where they are loaded already.
        shared_vae: see `train`.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: a bad config, bad data, or a workdir with another run.
    """
    validate_config(config)
    started = start_fingerprint(config.train.init)
    resolved = json.loads(config.to_json())
    folder = RunFolder(workdir or _default_workdir(config))
    folder.check(resolved)
    if folder.metrics.exists():
        folder.check_data({**(survey.fingerprints if survey else data_fingerprints(config)), **started})
        print(f"{folder.path} holds this run already, complete.")
        if not folder.report.exists():  # it was killed before its last step
            report(str(folder.path))
        metrics = json.loads(folder.metrics.read_text())
        print(summarise(metrics, folder.path))
        return metrics
    start = time.perf_counter()
    data = draw_data(survey or load_survey(config), config)
    config = config.copy_and_resolve_references()
    config.n_labels = len(data.train) + len(data.validation)  # 0 stood for all
    data = replace(data, fingerprints={**data.fingerprints, **started})
    loaded = time.perf_counter() - start
    folder.claim(resolved, data)
    model, seconds = train(config, data, folder, shared_vae)
    start = time.perf_counter()
    learn_novelty(model, data.pool, folder.novelty)
    labels = np.concatenate([data.train.votes, data.validation.votes])
    constant = data.questions.mean_fractions(labels)
    metrics, predictions = evaluate_model(model, data.test, constant, data.questions, data.truth.get("pose"))
    write_predictions(folder.predictions, data.test, predictions, data.questions)
    write_votes_figure(folder.figures / "votes.png", data.test, predictions, data.questions)
    autoencoder = load_autoencoder(config, folder, model)
    write_reconstruction_figure(folder.figures / "reconstructions.png", model, autoencoder, data.test)
    loss_figure(pd.read_csv(folder.history), folder.figures / "losses.png")
    metrics |= _error_bars(model, data, folder, config.train, predictions["vote_fractions"])
    if started:
        metrics["test_galaxies_learnt_by_start"] = learnt_by_start(config.train.init, data.test)
    metrics["n_votes"] = _mean_totals(labels, data.questions)
    metrics["wall_seconds"] = {"data": loaded, **seconds, "evaluation": time.perf_counter() - start}
    write_json(folder.metrics, metrics)
    write_run_page(finished_run(folder.path), Sample(data.test, predictions, model, autoencoder))
    print(summarise(metrics, folder.path))
    return metrics


def _error_bars(
    model: ETVAE, data: GalaxyData, folder: RunFolder, config: Any, predicted: np.ndarray
) -> dict[str, Any]:
    """Concentrations of the votes around predictions, and whether their intervals are true of the test galaxies.

    They come from predictions of all labels by models that have not seen them (folds' networks, the process that
    teaches) or, without these, from the validation galaxies. Empty where the run held no labels out, and without
    questions on which none of them has a voted fraction.
    """
    if config.folds or config.teaching_pictures:
        held, fractions = data.train, out_of_fold(config, data, folder)
    elif len(data.validation):
        held, fractions = data.validation, predict_galaxies(model, data.validation.images)["vote_fractions"]
    else:
        return {}
    concentrations = fit_concentrations(held.votes, fractions, data.questions)
    metrics = coverage_metrics(data.test.votes, predicted, concentrations, data.questions)
    if metrics:  # else too few volunteers answered any question on the held-out galaxies
        coverage_figure(metrics["coverage"], data.questions, folder.figures / "coverage.png")
    return metrics


def _mean_totals(votes: np.ndarray, questions: Questions) -> dict[str, float]:
    """Votes on each question, mean over the galaxies that have a voted fraction; no question on which none has."""
    asked_of = zip(questions.slices.items(), questions.asked(votes).T, strict=True)
    return {name: float(votes[asked, place].sum(axis=1).mean()) for (name, place), asked in asked_of if asked.any()}


def _default_workdir(config: ConfigDict) -> str:
    source = Path(config.data.table).stem or "synthetic"
    return f"runs/{config.regime}_n{config.n_labels or 'all'}_seed{config.seed}_{source}"

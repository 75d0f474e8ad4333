"""What a study compares networks with: Gaussian processes on measures and on latents, and means of arms.

They leave predictions, metrics and a page in a run's folder, and no model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from etvae_tf.data import Galaxies, GalaxyData, Questions, Survey, draw_data
from etvae_tf.evaluation import (
    coverage_figure,
    coverage_metrics,
    evaluate_predictions,
    fit_concentrations,
    vote_metrics,
    write_predictions,
    write_votes_figure,
)
from etvae_tf.files import write_json
from etvae_tf.measures import measure_centre
from etvae_tf.report import Sample, write_run_page
from etvae_tf.training import FinishedRun, RunFolder, fractions_by_process, latent_means, out_of_fold_by_process

__all__ = ["PROCESSES", "Features", "mean_run", "probe_latents", "process_run"]

# Regime of a study alone -> whether the process sees the latents of a pre-trained VAE beside the measures.
PROCESSES = {"gaussian_process": False, "gaussian_process_latents": True}


class Features:
    """What Gaussian processes see of a survey's galaxies with votes; each kind is computed once.

    Args:
        survey: the galaxies.
    """

    def __init__(self, survey: Survey):
        learn = survey.learn.select(survey.learn.has_votes)
        self._images = np.concatenate([learn.images, survey.test.images])
        self._place = {name: place for place, name in enumerate(np.concatenate([learn.ids, survey.test.ids]))}
        self._latents: dict[Path, np.ndarray] = {}

    @cached_property
    def _measures(self) -> np.ndarray:
        return measure_centre(self._images).to_numpy()

    def measures(self, galaxies: Galaxies) -> np.ndarray:
        """Float array (N, D), see `etvae_tf.measures.measure_centre`."""
        return self._measures[self._rows(galaxies)]

    def latents(self, galaxies: Galaxies, vae: Path) -> np.ndarray:
        """Posterior means (N, Z) by a saved VAE."""
        if vae not in self._latents:
            self._latents = {vae: latent_means(vae, self._images)}  # one, for a study trains no VAE twice
        return self._latents[vae][self._rows(galaxies)]

    def _rows(self, galaxies: Galaxies) -> np.ndarray:
        return np.array([self._place[name] for name in galaxies.ids], int)


def process_run(config: ConfigDict, folder: RunFolder, survey: Survey, features: Features, vae: Path) -> dict[str, Any]:
    """Fits a Gaussian process on the n labels of a run and scores it; a finished one is read.

    Args:
        config: of the run; its regime is a key of `PROCESSES`.
        folder: of the run.
        survey: its galaxies.
        features: of the survey.
        vae: file of the pre-trained VAE whose latents it sees, where it sees any.

    Returns:
        What metrics.json holds.

    Raises:
        InputError: the folder holds another run.
    """
    resolved = json.loads(config.to_json())
    folder.check(resolved)
    folder.check_data(survey.fingerprints)
    if folder.metrics.exists():
        return json.loads(folder.metrics.read_text())
    data = draw_data(survey, config)
    folder.claim(resolved, data)
    start = time.perf_counter()
    labelled = _labelled(data)

    def seen(galaxies: Galaxies) -> np.ndarray:
        measures = features.measures(galaxies)
        return np.hstack([measures, features.latents(galaxies, vae)]) if PROCESSES[config.regime] else measures

    fractions = fractions_by_process(seen(labelled), labelled.votes, seen(data.test), data.questions)
    bars = _error_bars(seen(labelled), labelled.votes, fractions, data)
    constant = data.questions.mean_fractions(labelled.votes)
    bars["wall_seconds"] = {"process": time.perf_counter() - start}
    return _write(config, folder, data.test, data.questions, fractions, constant, bars)


def _error_bars(features: np.ndarray, votes: np.ndarray, predicted: np.ndarray, data: GalaxyData) -> dict[str, Any]:
    """Concentrations that out-of-fold predictions of the labels give, and the coverage of their intervals."""
    unseen = out_of_fold_by_process(features, votes, data.questions)
    concentrations = fit_concentrations(votes, unseen, data.questions)
    return coverage_metrics(data.test.votes, predicted, concentrations, data.questions)


def mean_run(config: ConfigDict, folder: RunFolder, parts: Sequence[RunFolder], survey: Survey) -> dict[str, Any]:
    """The mean of other runs' predictions, scored.

    Args:
        config: of the first of these runs; the result's folder keeps it under the regime "mean".
        folder: of the result.
        parts: folders of finished runs on the same galaxies.
        survey: their galaxies.

    Returns:
        What metrics.json holds.
    """
    answers = [f"{answer}_predicted" for answer in survey.questions.answers]
    tables = [pd.read_csv(part.predictions, dtype={"id": str}).set_index("id") for part in parts]
    fractions = np.mean([table.loc[survey.test.ids, answers].to_numpy() for table in tables], axis=0)
    shared = json.loads(parts[0].metrics.read_text())["constant_mean"]["fractions"]
    data = draw_data(survey, config)
    config = config.copy_and_resolve_references()
    config.regime = "mean"
    folder.claim(json.loads(config.to_json()), data)
    more = {"mean_of": [part.path.name for part in parts], "wall_seconds": {}}
    return _write(config, folder, data.test, data.questions, fractions, np.array(list(shared.values())), more)


def probe_latents(vae: Path, config: ConfigDict, survey: Survey, features: Features) -> float:
    """How well a Gaussian process predicts votes from the frozen latents of a pre-trained VAE.

    Args:
        vae: file of the VAE; the result is kept beside it.
        config: of a run, whose n labels it is given.
        survey: the galaxies.
        features: of the survey.

    Returns:
        vote_rmse on the survey's test galaxies.
    """
    kept = vae.with_name(f"{vae.stem}_probe_n{config.n_labels}.json")
    if not kept.exists():
        data = draw_data(survey, config)
        labelled = _labelled(data)
        known, others = (features.latents(galaxies, vae) for galaxies in (labelled, data.test))
        fractions = fractions_by_process(known, labelled.votes, others, data.questions)
        write_json(kept, vote_metrics(data.test.votes, fractions, data.questions))
    return json.loads(kept.read_text())["vote_rmse"]


def _write(
    config: ConfigDict,
    folder: RunFolder,
    test: Galaxies,
    questions: Questions,
    fractions: np.ndarray,
    constant: np.ndarray,
    more: dict[str, Any],
) -> dict[str, Any]:
    """Leaves predictions, their pictures, the page and metrics: those of the predictions, and more."""
    metrics = more | evaluate_predictions(test.votes, fractions, constant, questions)
    predictions = {"vote_fractions": fractions, "pose": np.empty((len(fractions), 0))}
    write_predictions(folder.predictions, test, predictions, questions)
    write_votes_figure(folder.figures / "votes.png", test, predictions, questions)
    if "coverage" in metrics:
        coverage_figure(metrics["coverage"], questions, folder.figures / "coverage.png")
    write_run_page(FinishedRun(folder, config, metrics), Sample(test, predictions, None, None))
    write_json(folder.metrics, metrics)
    print(f"vote_rmse {metrics['vote_rmse']:.4f} on {metrics['n_galaxies']} galaxies", flush=True)
    return metrics


def _labelled(data: GalaxyData) -> Galaxies:
    """All n: a process has no epochs to choose, so that validation galaxies are learnt from."""
    parts = (data.train, data.validation)
    return Galaxies(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("ids", "images", "votes")))

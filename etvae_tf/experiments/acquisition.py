"""Does it pay to choose whom volunteers look at? The loop of acquisition on galaxies whose votes are known.

Each strategy begins with labels of its own choice, trains, chooses the next ones among train galaxies, and trains again
from the same pre-trained VAE. Train galaxies that are never candidates judge; test galaxies are never looked at.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from etvae_tf.data import Galaxies, GalaxyData, Survey, draw_data, evaluation_batches, load_survey
from etvae_tf.errors import InputError
from etvae_tf.evaluation import evaluate_predictions, predict_galaxies, write_predictions
from etvae_tf.experiments.heads import FrozenLatents
from etvae_tf.experiments.judges import judged_by_train
from etvae_tf.experiments.report import write_report
from etvae_tf.fields import require, whole
from etvae_tf.files import write_atomically, write_json
from etvae_tf.inference.information import information_function
from etvae_tf.inference.strategies import check_strategy, choose
from etvae_tf.models import ETVAE
from etvae_tf.report import write_study_page
from etvae_tf.training import RunFolder, load_model, train, validate_config

__all__ = ["acquisition_study"]

_BATCH = 128  # galaxies scored at once
_REFERENCE = "random"  # what the other strategies are compared with
_VAE = "vae.keras"
_Result = tuple[np.ndarray, dict[str, np.ndarray]]  # fractions of the judges, and `_information` of the candidates
_METRICS = ("vote_rmse", "mean_vote_l1", "vote_nll")


def acquisition_study(config: ConfigDict, workdir: str | None) -> pd.DataFrame:
    """Runs the loop for every strategy and seed, or goes on where it was interrupted, and writes the report.

    The VAE is pre-trained once, on the pictures of all train galaxies, the judges' among them, and of
    `config.data.unlabelled`; a vae.keras that lies in the folder is taken instead, and must not have learnt votes.

    Args:
        config: of a two_step run, with `acquisition` (see configs/acquisition.py).
        workdir: folder of all; each run has its own in `runs/`.

    Returns:
        What learning_curve.csv holds: one row a run.

    Raises:
        InputError: a bad config, bad data, or a workdir with other runs.
    """
    if not workdir:
        raise InputError("--mode=acquisition_study keeps many runs in one folder; add --workdir=FOLDER.")
    _check(config)
    root, study = Path(workdir), config.acquisition
    run = config.copy_and_resolve_references()
    with run.unlocked():
        del run["acquisition"]
    run.n_labels = study.candidates
    validate_config(run)
    survey, rows = load_survey(run), []
    judged_by_train(survey, study.candidates, int(study.seeds[0]))  # refused before pre-training
    _pretrain(root, run, survey)
    learner = "network" if study.network else "vote head"  # a folder holds runs of one kind, from one VAE
    begun = {"vae": hashlib.sha256((root / _VAE).read_bytes()).hexdigest(), "learner": learner}
    survey = replace(survey, fingerprints={**survey.fingerprints, **begun})
    latents = None if study.network else FrozenLatents(root / _VAE, survey.learn)
    for seed in study.seeds:
        run.seed = int(seed)
        loop = _Loop(root, run, judged_by_train(survey, study.candidates, run.seed), latents)
        for n_labels in range(study.first, study.first + study.rounds * study.batch + 1, study.batch):
            for strategy in (_REFERENCE, *(name for name in study.strategies if name != _REFERENCE)):
                print(f"{strategy}, {n_labels} labels, seed {seed}", flush=True)
                scores = loop.run(strategy, n_labels)
                print(f"vote_rmse {scores['vote_rmse']:.4f}", flush=True)
                rows.append({"arm": strategy, "n_labels": n_labels, "seed": run.seed, **scores})
                table = pd.DataFrame(rows)
                write_atomically(root / "learning_curve.csv", lambda path, table=table: table.to_csv(path, index=False))
        write_report(root, table, study.title, _REFERENCE, "train galaxies that are never candidates")
    write_study_page(root)
    return table


class _Loop:
    """The labels that each strategy has chosen under one seed, and the runs that learn from them.

    Args:
        root: folder of the study.
        config: of a run, with its seed.
        survey: the candidates, `survey.learn`, and the judges, `survey.test`.
        latents: of all train galaxies, for vote heads; None trains whole networks.
    """

    def __init__(self, root: Path, config: ConfigDict, survey: Survey, latents: FrozenLatents | None):
        self._root, self._config, self._survey, self._latents = root, config, survey, latents
        self._labelled: dict[str, np.ndarray] = {}
        self._before: dict[str, RunFolder] = {}
        self._done: dict[tuple[int, ...], RunFolder] = {}

    def run(self, strategy: str, n_labels: int) -> dict[str, Any]:
        """Chooses labels until there are n, learns from them, and is scored."""
        before = self._labelled.get(strategy, np.zeros(0, int))
        labelled = self._labelled[strategy] = self._choose(strategy, before, n_labels - len(before))
        folder = RunFolder(self._root / "runs" / f"{strategy}_n{n_labels}_seed{self._config.seed}")
        same = tuple(sorted(labelled))
        if same in self._done:  # strategies that begin with the same labels learn from them once
            predictions = self._done[same].predictions
            write_atomically(folder.predictions, lambda path: shutil.copyfile(predictions, path))
        else:
            self._learn(folder, np.array(same))
            self._done[same] = folder
        self._before[strategy] = self._done[same]
        metrics = json.loads(self._done[same].metrics.read_text())
        constant = {f"constant_{name}": metrics["constant_mean"][name] for name in _METRICS}
        return {"n_galaxies": metrics["n_galaxies"], **{name: metrics[name] for name in _METRICS}, **constant}

    def _choose(self, strategy: str, before: np.ndarray, n: int) -> np.ndarray:
        """Places of a strategy's labels, n more than before."""
        ids = self._survey.learn.ids
        free = np.setdiff1d(np.arange(len(ids)), before)
        known: dict[str, np.ndarray] = {"latent_mean": np.zeros((len(ids), 0))}
        if strategy in self._before:
            with np.load(_scores_of(self._before[strategy])) as arrays:
                known = dict(arrays)
        elif strategy == "typical":
            known = _information(load_model(self._root / _VAE), self._survey.learn)
        else:
            strategy = _REFERENCE  # nothing is known of votes yet
        information = {name: values[free] for name, values in known.items()}
        latents = information["latent_mean"]
        chosen = choose(strategy, ids[free], information, lambda places: latents[places], n, self._config.seed)
        return np.concatenate([before, free[chosen.places]])

    def _learn(self, folder: RunFolder, labelled: np.ndarray) -> None:
        """Learns from the labels, and scores judges and candidates; a finished run is left as it is."""
        config = self._config.copy_and_resolve_references()
        config.n_labels = len(labelled)
        data = _claim(folder, config, _with_votes_of(self._survey, labelled))
        if folder.metrics.exists():
            return
        learn = self._learn_network if self._latents is None else self._learn_head
        fractions, scores = learn(config, data, folder)
        write_predictions(folder.predictions, data.test, _without_pose(fractions), data.questions)
        write_atomically(_scores_of(folder), lambda path: np.savez(path, **scores))
        constant = data.questions.mean_fractions(data.train.votes)
        write_json(folder.metrics, evaluate_predictions(data.test.votes, fractions, constant, data.questions))

    def _learn_head(self, config: ConfigDict, data: GalaxyData, folder: RunFolder) -> _Result:
        head = self._latents.learn(config, data.train, data.questions.counts)
        return self._latents.predict(head, data.test), self._latents.information(head, self._survey.learn)

    def _learn_network(self, config: ConfigDict, data: GalaxyData, folder: RunFolder) -> _Result:
        model, _ = train(config, data, folder, self._root / _VAE)
        result = predict_galaxies(model, data.test.images)["vote_fractions"], _information(model, self._survey.learn)
        for large in (folder.vae, folder.model):  # of dozens of runs
            large.unlink()
        shutil.rmtree(folder.checkpoints)
        keras.backend.clear_session()
        return result


def _pretrain(root: Path, config: ConfigDict, survey: Survey) -> None:
    """Leaves the VAE that all runs begin with: that of a two_step run, which goes on to learn votes for nothing."""
    if not (root / _VAE).exists():
        folder = RunFolder(root / "pretraining")
        train(config, _claim(folder, config, survey), folder, root / _VAE)


def _claim(folder: RunFolder, config: ConfigDict, survey: Survey) -> GalaxyData:
    """What a run sees, whose folder is made."""
    resolved = json.loads(config.to_json())
    folder.check(resolved)
    data = draw_data(survey, config)
    folder.claim(resolved, data)
    return data


def _without_pose(fractions: np.ndarray) -> dict[str, np.ndarray]:
    return {"vote_fractions": fractions, "pose": np.empty((len(fractions), 0))}


def _information(model: ETVAE, galaxies: Galaxies) -> dict[str, np.ndarray]:
    """Of all candidates, see `information_function`."""
    information = information_function(model)
    outputs = [information(batch) for batch in evaluation_batches(galaxies.images, _BATCH)]
    return {name: np.concatenate([one[name].numpy() for one in outputs]) for name in outputs[0]}


def _with_votes_of(survey: Survey, labelled: np.ndarray) -> Survey:
    """The survey, in which the labelled candidates alone have votes."""
    votes = np.zeros_like(survey.learn.votes)
    votes[labelled] = survey.learn.votes[labelled]
    digest = hashlib.sha256("\n".join(survey.learn.ids[labelled]).encode()).hexdigest()
    fingerprints = {**survey.fingerprints, "labels": digest}
    return replace(survey, learn=replace(survey.learn, votes=votes), fingerprints=fingerprints)


def _scores_of(folder: RunFolder) -> Path:
    return folder.path / "candidates.npz"


def _check(config: ConfigDict) -> None:
    if "acquisition" not in config:
        raise InputError("the config names no strategies to compare; try --config=configs/acquisition.py.")
    study = config.acquisition
    if not (len(study.strategies) and len(study.seeds)):
        raise InputError("config.acquisition needs at least one of each of strategies and seeds.")
    for strategy in study.strategies:
        check_strategy(strategy)
    require(config, ["acquisition.first", "acquisition.batch"], *whole(1))
    require(config, ["acquisition.rounds"], *whole(0))
    wanted = study.first + study.rounds * study.batch
    require(config, ["acquisition.candidates"], *whole(wanted))
    require(
        config, ["data.validation_fraction"], lambda value: value == 0, "0, since there are few labels to learn from,"
    )
    require(config, ["train.folds"], lambda folds: folds == 0, "0, since no error bars are compared,")
    require(config, ["train.init"], lambda path: not path, "no other start than STUDY/vae.keras")
    require(config, ["regime"], lambda regime: regime == "two_step", "two_step, which begins with a VAE without votes,")

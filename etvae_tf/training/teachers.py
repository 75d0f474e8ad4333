"""What teaches the last model of a run: votes that models of several kinds predict for pictures without labels.

Gaussian processes on classical measures, and on measures and latents, know more from few labels than a network does;
networks of folds may be asked as well. Their votes for pictures of the pool train one network, which sees pictures
alone (Hinton et al. 2015, arXiv:1503.02531). How far they are to be trusted, predictions of labelled galaxies tell,
each by models that have not seen it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import QuantileTransformer

from etvae_tf.data import Galaxies, GalaxyData, Questions, draw_pool, evaluation_batches, fold_mask
from etvae_tf.files import write_atomically
from etvae_tf.measures import GaussianProcess, measure_centre
from etvae_tf.models import ETVAE
from etvae_tf.training.finished import load_model
from etvae_tf.training.folder import RunFolder

__all__ = [
    "fractions_by_process",
    "latent_means",
    "out_of_fold",
    "out_of_fold_by_process",
    "predict_fold",
    "taught_galaxies",
]

_BATCH = 128  # galaxies predicted at once
_QUANTILES = 1000  # of the pictures' features: latents and measures together are far from normal
_PROCESS_FOLDS = 4  # of the labels, each predicted by a process that has not seen it, where networks have no folds


def predict_fold(model: ETVAE, fold: int, config: Any, data: GalaxyData, folder: RunFolder) -> None:
    """Keeps what a fold's model predicts: fractions of the labelled galaxies that it has not seen, and of the pictures
    that the last model is taught with.

    Args:
        model: trained on the labels outside the fold.
        fold: its number.
        config: `config.train` of the run.
        data: of the run.
        folder: of the run.
    """
    hidden = fold_mask(len(data.train), config.folds, fold)
    ids, images = _pool(config, data)
    ids, images = np.concatenate([data.train.ids[hidden], ids]), np.concatenate([data.train.images[hidden], images])
    fractions = model.predict(evaluation_batches(images, _BATCH), verbose=0)["vote_fractions"]
    _write(folder.fold(fold), ids, fractions, data.questions)


def out_of_fold(config: Any, data: GalaxyData, folder: RunFolder) -> np.ndarray:
    """Fractions (n, K) of the n train galaxies, each by models that have not learnt from its votes.

    Args:
        config: `config.train` of the run.
        data: of the run.
        folder: of the run, whose folds, if any, are predicted.
    """
    return _mean(_teachers(config, data, folder), data.train.ids)


def taught_galaxies(config: Any, data: GalaxyData, folder: RunFolder) -> Galaxies:
    """What the last model learns from: the labelled galaxies with their votes, and pictures of the pool with those of
    the teachers: Gaussian processes or, where there are folds, their models and these processes, weighted so that the
    labels out of fold are predicted best (stacking; Breiman 1996, doi:10.1007/BF00117832).

    Args:
        config: `config.train` of the run.
        data: of the run.
        folder: of the run, whose folds are predicted.
    """
    ids, images = _pool(config, data)
    teachers = _teachers(config, data, folder)
    shares = ", ".join(f"{name} {weight:.2f}" for name, (_, weight) in teachers.items())
    print(f"taught with {len(ids)} pictures by {shares}", flush=True)
    votes = _mean(teachers, ids)
    for place, parents in zip(data.questions.slices.values(), data.questions.parents, strict=True):
        total = data.train.votes[:, place].sum(axis=1)
        asked = votes[:, list(parents)].sum(axis=1, keepdims=True) if parents else total[total > 0].mean()
        votes[:, place] *= asked  # as sure of themselves as the volunteers
    parts = zip((data.train.ids, data.train.images, data.train.votes), (ids, images, votes), strict=True)
    return Galaxies(*(np.concatenate(part).astype(part[0].dtype) for part in parts))


def _teachers(config: Any, data: GalaxyData, folder: RunFolder) -> dict[str, tuple[pd.DataFrame, float]]:
    """Fractions by id of each kind of teacher, those of labelled galaxies out of fold, and how much it counts."""
    kinds = {}
    if config.folds:
        tables = pd.concat([pd.read_parquet(folder.fold(fold)) for fold in range(config.folds)])
        kinds["networks"] = tables.groupby("id").mean()  # a labelled galaxy is in one of them
    if config.teaching_pictures:
        kinds["processes"] = _process(config, data, folder)
    weights = [1.0]
    if len(kinds) > 1:
        unseen = (kind.loc[data.train.ids].to_numpy() for kind in kinds.values())
        share = _share(*unseen, data.questions.fractions(data.train.votes))
        weights = [share, 1 - share]
    return {name: (kinds[name], weight) for name, weight in zip(kinds, weights, strict=True)}


def _mean(teachers: dict[str, tuple[pd.DataFrame, float]], ids: np.ndarray) -> np.ndarray:
    """Fractions (N, K) by all teachers."""
    return sum(weight * table.loc[ids].to_numpy() for table, weight in teachers.values())


def _share(first: np.ndarray, second: np.ndarray, truth: np.ndarray) -> float:
    """Weight in [0, 1] of the first predictions (N, K) whose mean with the second has the least squared error."""
    known = ~np.isnan(truth)
    apart, missed = (first - second)[known], (truth - second)[known]
    return float(np.clip(apart @ missed / max(apart @ apart, 1e-12), 0.0, 1.0))


def _pool(config: Any, data: GalaxyData) -> tuple[np.ndarray, np.ndarray]:
    """Names and pictures of the pool that are taught with."""
    places = _places(config, data)
    return data.pool_ids[places], data.pool[places]


def _places(config: Any, data: GalaxyData) -> np.ndarray:
    """Where these stand in the pool; no labelled ones."""
    free = np.flatnonzero(~np.isin(data.pool_ids, data.train.ids))
    return free[draw_pool(data.pool_ids[free], config.teaching_pictures)]


def _process(config: Any, data: GalaxyData, folder: RunFolder) -> pd.DataFrame:
    """Fractions by Gaussian processes, by id: out of fold of the labelled galaxies, and of the pictures."""
    if not folder.process.exists():
        votes, questions, opinions = data.train.votes, data.questions, []
        for features, seen in _features(config, data, folder):
            own = out_of_fold_by_process(seen, votes, questions, config.folds or _PROCESS_FOLDS)
            opinions.append(np.concatenate([own, fractions_by_process(seen, votes, features, questions)]))
        ids = np.concatenate([data.train.ids, data.pool_ids[_places(config, data)]])
        _write(folder.process, ids, np.mean(opinions, axis=0), questions)
    return pd.read_parquet(folder.process).set_index("id")


def _features(config: Any, data: GalaxyData, folder: RunFolder) -> list[tuple[np.ndarray, np.ndarray]]:
    """What each process sees of pictures of the pool and of labelled ones: measures, and, where pre-training asked its
    latents for these, measures and latents, made normal by their quantiles over the pictures.
    """
    places, labelled = _places(config, data), np.asarray(data.train.images)
    images = data.pool[places]
    if folder.pool_measures.exists():  # pre-training has asked for them
        known = np.load(folder.pool_measures, mmap_mode="r")[places]
    else:
        known = measure_centre(images).to_numpy()
    measures = known, measure_centre(labelled).to_numpy()
    if not (config.measure_weight and folder.vae.exists()):
        return [measures]
    both = [
        np.hstack([one, latent_means(folder.vae, some)]) for one, some in zip(measures, (images, labelled), strict=True)
    ]
    quantiles = min(len(images), _QUANTILES)
    normal = QuantileTransformer(n_quantiles=quantiles, output_distribution="normal", random_state=0).fit(both[0])
    return [measures, (normal.transform(both[0]), normal.transform(both[1]))]


def latent_means(vae: Path, images: np.ndarray) -> np.ndarray:
    """Posterior means (N, Z) of pictures (N, H, W, C), uint8, by a saved VAE."""
    encoder = load_model(vae).encoder
    return np.concatenate([encoder(batch).loc.numpy() for batch in evaluation_batches(images, _BATCH)])


def out_of_fold_by_process(
    features: np.ndarray, votes: np.ndarray, questions: Questions, folds: int = _PROCESS_FOLDS
) -> np.ndarray:
    """Fractions (n, K) of labelled galaxies, each by a Gaussian process that has not learnt from its votes.

    Args:
        features: array (n, D).
        votes: array (n, K).
        questions: that were answered.
        folds: parts of the galaxies.
    """
    fractions = np.empty(votes.shape)
    for fold in range(folds):
        hidden = fold_mask(len(votes), folds, fold)
        fractions[hidden] = fractions_by_process(features[~hidden], votes[~hidden], features[hidden], questions)
    return fractions


def fractions_by_process(
    features: np.ndarray, votes: np.ndarray, others: np.ndarray, questions: Questions
) -> np.ndarray:
    """What a Gaussian process predicts, question by question.

    Args:
        features: array (n, D), of labelled galaxies.
        votes: array (n, K), theirs.
        others: array (M, D), features of other galaxies.
        questions: that were answered, with K answers in all.

    Returns:
        Fractions (M, K); of a question that fewer than two galaxies have a voted fraction on, the mean of these.
    """
    constant, parts = questions.mean_fractions(votes), []
    for place, asked in zip(questions.slices.values(), questions.asked(votes).T, strict=True):
        if asked.sum() < 2:
            parts.append(np.tile(constant[place], (len(others), 1)))
        else:
            parts.append(GaussianProcess().fit(features[asked], votes[asked, place]).predict(others))
    return np.hstack(parts)


def _write(path: Path, ids: np.ndarray, fractions: np.ndarray, questions: Questions) -> None:
    table = pd.DataFrame({"id": ids, **dict(zip(questions.answers, fractions.T, strict=True))})
    write_atomically(path, lambda temporary: table.to_parquet(temporary, index=False))

"""Vote metrics over a set of galaxies, in NumPy double precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from etvae_tf.data import Questions
from etvae_tf.errors import InputError
from etvae_tf.objectives import vote_nll

__all__ = ["evaluate_predictions", "prediction_spread", "vote_metrics"]

_SMALLEST_FRACTION = 1e-7  # predicted fractions are not taken as smaller in the likelihood


def vote_metrics(votes: np.ndarray, predicted: np.ndarray, questions: Questions) -> dict[str, Any]:
    """How far predicted fractions are from the votes, where `Questions.fractions` says how a galaxy was voted.

    Args:
        votes: array (N, K), counts >= 0.
        predicted: array (N, K), fractions of sum 1 for each question.
        questions: that were answered, with K answers in all.

    Returns:
        n_galaxies; vote_rmse, root of the mean squared error over galaxies and answers; mean_vote_l1, the sum over
        answers of the absolute error, averaged over galaxies (the authors' "RMSE"); vote_nll, multinomial negative
        log likelihood in nats over the number of votes; sampling_noise_rmse, the vote_rmse that the true fractions
        would have since votes are few (None where the votes are no whole counts); rmse_by_answer; accuracy of the top
        answer. With several questions these count every question that a galaxy has votes on, and by_question has the
        same for each one.

    Raises:
        InputError: no galaxy has a vote.
    """
    votes, predicted = np.asarray(votes, np.float64), np.asarray(predicted, np.float64)
    by_question = {
        one.name: metrics
        for one, place in zip(questions.each, questions.slices.values(), strict=True)
        if (metrics := _one_question(votes[:, place], predicted[:, place], Questions((one,))))
    }
    if not by_question:
        raise InputError(f"none of {len(votes)} galaxies has a vote, but at least one was expected to measure against.")
    if len(questions.each) == 1:
        return next(iter(by_question.values()))
    return {**_together(by_question, votes, questions), "by_question": by_question}


def _one_question(votes: np.ndarray, predicted: np.ndarray, question: Questions) -> dict[str, Any] | None:
    """Metrics of one question; None where no galaxy was asked."""
    fractions = question.fractions(votes)
    asked = np.isfinite(fractions[:, 0])
    if not asked.any():
        return None
    votes, predicted, fractions = votes[asked], predicted[asked], fractions[asked]
    error = predicted - fractions
    by_answer = np.sqrt(np.mean(error**2, axis=0))
    nll = vote_nll(tf.constant(votes), tf.math.log(tf.maximum(predicted, _SMALLEST_FRACTION))).numpy()
    return {
        "n_galaxies": len(votes),
        "vote_rmse": float(np.sqrt(np.mean(error**2))),
        "mean_vote_l1": float(np.mean(np.abs(error).sum(axis=1))),
        "vote_nll": float(nll.sum() / votes.sum()),
        "sampling_noise_rmse": _sampling_noise(votes, fractions),
        "rmse_by_answer": dict(zip(question.answers, by_answer.tolist(), strict=True)),
        "accuracy": float(np.mean(predicted.argmax(axis=1) == fractions.argmax(axis=1))),
    }


def _together(by_question: dict[str, dict[str, Any]], votes: np.ndarray, questions: Questions) -> dict[str, Any]:
    """Metrics of several questions as one: every voted fraction counts alike, and in the likelihood every vote."""
    parts = list(by_question.values())
    asked = np.isfinite(questions.fractions(votes))
    cast = [np.sum(votes[:, questions.slices[name]], where=asked[:, questions.slices[name]]) for name in by_question]
    galaxies = np.array([part["n_galaxies"] for part in parts])
    cells = galaxies * [len(part["rmse_by_answer"]) for part in parts]
    n_galaxies = int((votes.sum(axis=1) > 0).sum())

    def mean(name: str, weights: Sequence[float], power: int = 1) -> float | None:
        values = [part[name] for part in parts]
        return None if None in values else float(np.average(np.power(values, power), weights=weights) ** (1 / power))

    return {
        "n_galaxies": n_galaxies,
        "vote_rmse": mean("vote_rmse", cells, 2),
        "mean_vote_l1": mean("mean_vote_l1", galaxies) * galaxies.sum() / n_galaxies,
        "vote_nll": mean("vote_nll", cast),
        "sampling_noise_rmse": mean("sampling_noise_rmse", cells, 2),
        "rmse_by_answer": {name: value for part in parts for name, value in part["rmse_by_answer"].items()},
        "accuracy": mean("accuracy", galaxies),
    }


def _sampling_noise(votes: np.ndarray, fractions: np.ndarray) -> float | None:
    """Root of the mean multinomial variance of voted fractions (N, K), p (1 - p) / (total - 1) without bias."""
    if not np.array_equal(votes, np.round(votes)):
        return None
    total = votes.sum(axis=1, keepdims=True)
    several = total[:, 0] > 1
    variance = fractions[several] * (1 - fractions[several]) / (total[several] - 1)
    return float(np.sqrt(np.mean(variance))) if several.any() else None


def evaluate_predictions(
    votes: np.ndarray, predicted: np.ndarray, constant: np.ndarray, questions: Questions
) -> dict[str, Any]:
    """`vote_metrics` of the predictions, and under "constant_mean" of the constant (K,) with its fractions.

    "questions" has the answers of each one and, in a tree, "asked_after" the answers that lead to it.
    """
    constant = np.asarray(constant, np.float64)
    baseline = vote_metrics(votes, np.tile(constant, (len(votes), 1)), questions)
    baseline["fractions"] = dict(zip(questions.answers, constant.tolist(), strict=True))
    return {
        **vote_metrics(votes, predicted, questions),
        "constant_mean": baseline,
        "questions": {one.name: list(one.answers) for one in questions.each},
        "asked_after": {one.name: list(one.asked_after) for one in questions.each if one.asked_after},
    }


def prediction_spread(predictions: np.ndarray) -> float:
    """Root mean square over galaxies and answers of the standard deviation over copies; predictions (T, N, K)."""
    return float(np.sqrt(np.mean(np.var(np.asarray(predictions, np.float64), axis=0))))

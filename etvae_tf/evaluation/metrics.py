"""Vote metrics over a set of galaxies, in NumPy double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from etvae_tf.data import Questions
from etvae_tf.errors import InputError
from etvae_tf.objectives import vote_nll

__all__ = ["evaluate_predictions", "prediction_spread", "vote_metrics"]

_SMALLEST_FRACTION = 1e-7  # predicted fractions are not taken as smaller in the likelihood


def vote_metrics(votes: np.ndarray, predicted: np.ndarray, questions: Questions) -> dict[str, Any]:
    """How far predicted fractions are from the votes; galaxies without votes are left out.

    Args:
        votes: array (N, K), counts >= 0.
        predicted: array (N, K), fractions of sum 1.
        questions: the one that was answered, with K answers.

    Returns:
        n_galaxies; vote_rmse, root of the mean squared error over galaxies and answers; mean_vote_l1, the sum over
        answers of the absolute error, averaged over galaxies (the authors' "RMSE"); vote_nll, multinomial negative
        log likelihood in nats over the number of all votes; sampling_noise_rmse, the vote_rmse that the true fractions
        would have since votes are few (None where the votes are no whole counts); rmse_by_answer; accuracy of the top
        answer.

    Raises:
        InputError: no galaxy has a vote.
    """
    voting = np.asarray(votes).sum(axis=1) > 0
    if not voting.any():
        raise InputError(f"none of {len(votes)} galaxies has a vote, but at least one was expected to measure against.")
    votes, predicted = np.asarray(votes, np.float64)[voting], np.asarray(predicted, np.float64)[voting]
    fractions = questions.fractions(votes)
    error = predicted - fractions
    by_answer = np.sqrt(np.mean(error**2, axis=0))
    nll = vote_nll(tf.constant(votes), tf.math.log(tf.maximum(predicted, _SMALLEST_FRACTION))).numpy()
    return {
        "n_galaxies": len(votes),
        "vote_rmse": float(np.sqrt(np.mean(error**2))),
        "mean_vote_l1": float(np.mean(np.abs(error).sum(axis=1))),
        "vote_nll": float(nll.sum() / votes.sum()),
        "sampling_noise_rmse": _sampling_noise(votes, fractions),
        "rmse_by_answer": dict(zip(questions.answers, by_answer.tolist(), strict=True)),
        "accuracy": float(np.mean(predicted.argmax(axis=1) == fractions.argmax(axis=1))),
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
    """`vote_metrics` of the predictions, and under "constant_mean" of the constant (K,) with its fractions."""
    constant = np.asarray(constant, np.float64)
    baseline = vote_metrics(votes, np.tile(constant, (len(votes), 1)), questions)
    baseline["fractions"] = dict(zip(questions.answers, constant.tolist(), strict=True))
    return {**vote_metrics(votes, predicted, questions), "constant_mean": baseline}


def prediction_spread(predictions: np.ndarray) -> float:
    """Root mean square over galaxies and answers of the standard deviation over copies; predictions (T, N, K)."""
    return float(np.sqrt(np.mean(np.var(np.asarray(predictions, np.float64), axis=0))))

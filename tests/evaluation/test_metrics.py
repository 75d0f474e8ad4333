"""Metrics against closed values and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from etvae_tf.data import Question, Questions
from etvae_tf.data.schema import SMOOTH_OR_FEATURED
from etvae_tf.errors import InputError
from etvae_tf.evaluation import (
    evaluate_predictions,
    prediction_spread,
    vote_metrics,
)

QUESTIONS = Questions((SMOOTH_OR_FEATURED,))
TWO = Questions((Question("which", ("a", "b")),))
RANDOM = np.random.default_rng(3)


def test_closed_values() -> None:
    metrics = vote_metrics(np.array([[10, 0], [5, 5], [0, 0]]), np.array([[0.8, 0.2], [0.5, 0.5], [0, 1]]), TWO)
    assert metrics["n_galaxies"] == 2, "the galaxy without votes is left out"
    assert metrics["vote_rmse"] == pytest.approx(np.sqrt(2 * 0.04 / 4))
    assert metrics["mean_vote_l1"] == pytest.approx(0.4 / 2)
    assert metrics["rmse_by_answer"]["a"] == pytest.approx(np.sqrt(0.04 / 2))
    assert metrics["accuracy"] == 1.0
    assert metrics["vote_nll"] == pytest.approx(-(10 * np.log(0.8) + np.log(252 / 1024)) / 20)


def test_nll_equals_scipy() -> None:
    votes = RANDOM.multinomial(40, [0.5, 0.4, 0.1], size=20)
    predicted = RANDOM.dirichlet([3, 3, 1], 20)
    expected = -sum(stats.multinomial.logpmf(row, 40, p) for row, p in zip(votes, predicted, strict=True))
    assert vote_metrics(votes, predicted, QUESTIONS)["vote_nll"] == pytest.approx(expected / votes.sum(), rel=1e-6)


def test_perfect_predictions_and_the_constant_mean() -> None:
    votes = RANDOM.multinomial(40, [0.5, 0.4, 0.1], size=20)
    fractions = votes / 40
    metrics = evaluate_predictions(votes, fractions, fractions.mean(axis=0), QUESTIONS)
    assert metrics["vote_rmse"] == 0 and metrics["accuracy"] == 1
    assert metrics["constant_mean"]["vote_rmse"] == pytest.approx(fractions.std(axis=0).__pow__(2).mean() ** 0.5)
    assert metrics["constant_mean"]["fractions"]["smooth"] == pytest.approx(fractions[:, 0].mean())


def test_impossible_predictions_cost_much_but_not_infinity() -> None:
    assert np.isfinite(vote_metrics(np.array([[1, 0]]), np.array([[0.0, 1.0]]), TWO)["vote_nll"])


def test_no_votes_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        vote_metrics(np.zeros((2, 3)), np.ones((2, 3)) / 3, QUESTIONS)


def test_spread() -> None:
    same = np.tile(RANDOM.random((1, 5, 3)), (4, 1, 1))
    assert prediction_spread(same) == pytest.approx(0, abs=1e-12)
    assert prediction_spread(np.array([[[0.0]], [[1.0]]])) == pytest.approx(0.5)


def test_fractions_times_a_pseudo_count_need_not_be_whole_votes() -> None:
    votes, predicted = np.array([[12.5, 7.25, 0.25]]), np.array([[0.6, 0.3, 0.1]])
    coefficient = math.lgamma(21) - sum(math.lgamma(count + 1) for count in votes[0])
    expected = -(coefficient + np.sum(votes * np.log(predicted))) / 20
    assert vote_metrics(votes, predicted, QUESTIONS)["vote_nll"] == pytest.approx(expected, rel=1e-6)


def test_sampling_noise_is_what_the_truth_is_off_by() -> None:
    generator = np.random.RandomState(4)
    truth = generator.dirichlet((2.0, 2.0, 0.5), 20000)
    votes = np.stack([generator.multinomial(40, fractions) for fractions in truth])
    metrics = vote_metrics(votes, truth, QUESTIONS)
    assert metrics["sampling_noise_rmse"] == pytest.approx(metrics["vote_rmse"], rel=0.01)
    assert vote_metrics(votes / 3, truth, QUESTIONS)["sampling_noise_rmse"] is None


def test_a_tree_has_metrics_of_each_question_and_of_all_together() -> None:
    tree = Questions((TWO.each[0], Question("then", ("c", "d", "e"), ("a",))))
    votes = np.array([[10, 30, 12, 0, 0], [20, 20, 1, 1, 1], [40, 0, 10, 10, 20]])
    predicted = np.array([[0.5, 0.5, 0.4, 0.3, 0.3], [0.5, 0.5, 1.0, 0, 0], [0.8, 0.2, 0.25, 0.25, 0.5]])
    metrics = vote_metrics(votes, predicted, tree)
    assert metrics["by_question"]["which"] == vote_metrics(votes[:, :2], predicted[:, :2], TWO)
    then = metrics["by_question"]["then"]
    assert then["n_galaxies"] == 2, "three votes are too few for a fraction"
    assert then["vote_rmse"] == pytest.approx(np.sqrt((0.6**2 + 2 * 0.3**2) / 6))
    error = predicted - tree.fractions(votes)
    assert metrics["vote_rmse"] == pytest.approx(np.sqrt(np.nanmean(error**2)))
    assert metrics["mean_vote_l1"] == pytest.approx(np.nansum(np.abs(error)) / 3)
    assert metrics["accuracy"] == pytest.approx((1 + 1 + 1 + 1) / 5) and metrics["n_galaxies"] == 3
    assert list(metrics["rmse_by_answer"]) == list(tree.answers)
    which, cast = metrics["by_question"]["which"], np.array([120, 52])  # votes on each question that is scored
    expected = (which["vote_nll"] * cast[0] + then["vote_nll"] * cast[1]) / cast.sum()
    assert metrics["vote_nll"] == pytest.approx(expected), "of all votes that count"


def test_a_tree_scores_what_was_asked() -> None:
    tree = Questions((TWO.each[0], Question("then", ("c", "d"), ("a",))))
    metrics = vote_metrics(np.array([[10, 30, 2, 1]]), np.array([[0.5, 0.5, 0.4, 0.6]]), tree)
    assert list(metrics["by_question"]) == ["which"] and metrics["vote_rmse"] == 0.25

"""Error bars: intervals and likelihood against SciPy's, and concentrations that make intervals true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tolerances import COVERAGE_ATOL

from etvae_tf.data import Question, Questions
from etvae_tf.evaluation import (
    concentrations_of,
    coverage_metrics,
    fit_concentrations,
    vote_intervals,
    vote_metrics,
)

ONE = Questions((Question("shape", ("smooth", "featured", "artifact")),))
TWO = Questions((Question("shape", ("smooth", "featured", "artifact")), Question("bar", ("yes", "no"))))
TRUE = 6.0


def simulate(count: int, seed: int, even: float = TRUE) -> tuple[np.ndarray, np.ndarray]:
    """Votes (N, 3) around predicted fractions (N, 3), the third of which are rare."""
    random = np.random.default_rng(seed)
    predicted = random.dirichlet([3.0, 4.0, 0.3], count)
    truth = np.array([random.dirichlet(row + 1e-3) for row in concentrations_of(predicted, even) * predicted])
    return random.multinomial(random.integers(30, 60, count), truth).astype(float), predicted


def test_the_surer_a_prediction_the_higher_its_concentration() -> None:
    (split,), (sure,), (surest,) = concentrations_of(np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]]), TRUE)
    assert split == TRUE and sure == pytest.approx(TRUE / 0.6) and sure < surest < 100 * TRUE
    among_three = concentrations_of(np.array([[1 / 3, 1 / 3, 1 / 3], [0.9, 0.05, 0.05]]), TRUE)
    np.testing.assert_allclose(among_three, TRUE / np.sqrt([[4 / 3], [0.37]]))
    assert np.isnan(concentrations_of(np.array([[0.5, 0.5]]), np.nan)).all()


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_are_quantiles_of_scipys_beta_binomial(level: float) -> None:
    votes, predicted = simulate(20, 0)
    total = votes.sum(axis=1)
    low, high = vote_intervals(predicted, TRUE, total[:, None], level)
    inside = np.clip(predicted, 1e-4, 1 - 1e-4)
    exact = stats.betabinom(total[:, None].astype(int), TRUE * inside, TRUE * (1 - inside))
    np.testing.assert_allclose(low, exact.ppf((1 - level) / 2) / total[:, None])
    np.testing.assert_allclose(high, exact.ppf((1 + level) / 2) / total[:, None])
    assert (low <= high).all() and (low >= 0).all() and (high <= 1).all()


def test_more_votes_and_a_higher_concentration_give_narrower_intervals() -> None:
    fractions = np.array([[0.3, 0.6, 0.1]])

    def width(concentration: float, total: int) -> np.ndarray:
        low, high = vote_intervals(fractions, concentration, total, 0.9)
        return high - low

    assert (width(5.0, 1000) < width(5.0, 10)).all() and (width(50.0, 200) < width(5.0, 200)).all()
    multinomial = stats.binom(200, fractions).interval(0.9)
    np.testing.assert_allclose(vote_intervals(fractions, 1e9, 200, 0.9), np.array(multinomial) / 200)


@pytest.mark.slow
def test_intervals_cover_votes_that_nobody_fitted() -> None:
    concentrations = fit_concentrations(*simulate(2000, 1), ONE)
    assert concentrations[0] == pytest.approx(TRUE, rel=0.25)
    metrics = coverage_metrics(*simulate(2000, 2), concentrations, ONE)
    for answer in ("smooth", "featured"):
        assert metrics["coverage"]["90"][answer] == pytest.approx(0.9, abs=2 * COVERAGE_ATOL)
    assert metrics["calibration_error"] < 0.05
    assert metrics["interval_width"]["artifact"] < metrics["interval_width"]["smooth"] < 1


def test_a_question_that_is_nearly_always_sure_has_the_narrower_of_two_fits() -> None:
    """Edge-on: small concentrations give sure predictions a point as interval, and cover less again."""
    random = np.random.default_rng(5)
    p = np.concatenate([np.full(1700, 0.02), random.uniform(0.2, 0.8, 300)])
    predicted = np.stack([p, 1 - p], axis=1)
    sure = concentrations_of(predicted, TRUE)[:, 0]
    truth = random.beta(sure * p, sure * (1 - p))
    yes = random.binomial(26, truth)
    votes = np.stack([yes, 26 - yes], axis=1).astype(float)
    edge_on = Questions((Question("edge-on", ("yes", "no")),))
    shares = {
        sure: coverage_metrics(votes, predicted, (sure,), edge_on)["coverage"]["90"]["yes"] for sure in (0.1, TRUE)
    }
    assert shares[0.1] < 0.9 <= shares[TRUE], "coverage does not fall with the concentration alone"
    (found,) = fit_concentrations(votes, predicted, edge_on)
    assert found > TRUE / 2
    covered = coverage_metrics(votes, predicted, (found,), edge_on)["coverage"]["90"]["yes"]
    assert covered == pytest.approx(0.9, abs=COVERAGE_ATOL)


def test_where_nothing_covers_enough_the_widest_is_taken() -> None:
    predicted = np.tile([[0.5, 0.5]], (20, 1))
    votes = np.tile([[0.0, 40.0]], (20, 1))
    assert fit_concentrations(votes, predicted, Questions((Question("one", ("a", "b")),)))[0] < 4, "0 must be inside"


def test_overconfident_intervals_are_seen() -> None:
    votes, predicted = simulate(500, 3)
    honest, proud = (coverage_metrics(votes, predicted, (sure,), ONE) for sure in (TRUE, 1e4))
    assert proud["coverage"]["90"]["smooth"] < 0.7 < honest["coverage"]["90"]["smooth"]
    assert proud["calibration_error"] > honest["calibration_error"]
    assert proud["dirichlet_nll"] > honest["dirichlet_nll"]


def test_likelihood_is_scipys_and_the_multinomial_in_the_limit() -> None:
    votes, predicted = simulate(50, 4)
    inside = np.maximum(predicted, 1e-4)
    inside /= inside.sum(axis=1, keepdims=True)
    parameters = concentrations_of(predicted, TRUE) * inside
    exact = stats.dirichlet_multinomial.logpmf(votes.astype(int), parameters, votes.sum(axis=1).astype(int))
    nll = coverage_metrics(votes, predicted, (TRUE,), ONE)["dirichlet_nll"]
    assert nll == pytest.approx(-exact.sum() / votes.sum())
    limit = coverage_metrics(votes, inside, (1e8,), ONE)["dirichlet_nll"]
    assert limit == pytest.approx(vote_metrics(votes, inside, ONE)["vote_nll"], rel=1e-4)


@pytest.mark.slow
def test_each_question_has_its_own_concentration_and_galaxies_that_nobody_was_asked_about_are_left_out() -> None:
    votes, predicted = simulate(400, 5)
    other, sure = simulate(400, 6, even=40.0)
    both = np.hstack([votes, other[:, :2]])
    fractions = np.hstack([predicted, sure[:, :2] / sure[:, :2].sum(axis=1, keepdims=True)])
    both[:100, 3:] = 0
    concentrations = fit_concentrations(both, fractions, TWO)
    assert concentrations[0] == fit_concentrations(votes, predicted, ONE)[0] and concentrations[1] > 2 * TRUE
    metrics = coverage_metrics(both, fractions, concentrations, TWO)
    assert set(metrics["coverage"]["50"]) == {"smooth", "featured", "artifact", "yes", "no"}
    asked = coverage_metrics(both[100:], fractions[100:], concentrations, TWO)
    assert metrics["coverage"]["90"]["yes"] == asked["coverage"]["90"]["yes"]
    unknown = fit_concentrations(both[:100], fractions[:100], TWO)
    assert np.isnan(unknown[1]), "nobody was asked the second question"
    known = coverage_metrics(both, fractions, unknown, TWO)
    assert known["even_concentrations"] == {TWO.each[0].name: unknown[0]}
    assert set(known["coverage"]["50"]) == {"smooth", "featured", "artifact"} and np.isfinite(known["dirichlet_nll"])
    assert coverage_metrics(both, fractions, (np.nan, np.nan), TWO) == {}

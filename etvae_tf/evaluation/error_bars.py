"""How far votes lie from predictions: a Dirichlet-multinomial around the predicted fractions, and whether it is true.

    y ~ DirichletMultinomial(N, c p),    var(y_k / N) = p_k (1 - p_k) (c + N) / (N (c + 1)),

where p are the predicted fractions and c, the concentration, says how sure they are: the votes of N volunteers scatter
around the true fractions, and those around the predicted ones. c to infinity leaves the multinomial alone. A galaxy
whose votes are predicted to be unanimous has a higher one than a galaxy whose votes are predicted to be split:

    c = e / sqrt(2 sum_k p_k (1 - p_k)),

where e, the even concentration, is that of votes split evenly between two answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_probability as tfp
from scipy import optimize, stats

from etvae_tf.data import Questions

__all__ = [
    "LEVELS",
    "SMALLEST_FRACTION",
    "concentrations_of",
    "coverage_metrics",
    "fit_concentrations",
    "vote_deviations",
    "vote_intervals",
]

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of the intervals whose coverage is measured
SMALLEST_FRACTION = 1e-4  # predicted fractions are not taken as smaller: no answer is impossible
_LEVEL = 0.9  # of the intervals that a concentration is fitted to
_LOWEST, _HIGHEST = 0.1, 1e4  # concentrations that are looked at
_GRID = 26  # of them, between which the one that is wanted is searched
_PRECISION = 1e-3  # of the logarithm of a concentration


def concentrations_of(fractions: np.ndarray, even: float) -> np.ndarray:
    """Concentration of each galaxy: the surer a prediction, the higher.

    Args:
        fractions: float array (N, K), predicted answers to one question, of sum 1.
        even: e > 0, see the module; NaN where it is unknown.

    Returns:
        Float array (N, 1), > 0.
    """
    inside = np.maximum(fractions, SMALLEST_FRACTION)
    return even / np.sqrt(2 * np.sum(inside * (1 - inside), axis=-1, keepdims=True))


def vote_intervals(
    fractions: np.ndarray, concentration: float | np.ndarray, total: int | np.ndarray, level: float = 0.9
) -> np.ndarray:
    """Central intervals of the voted fractions of one question, by the beta-binomial that each answer has.

    Args:
        fractions: float array (N, K), predicted, of sum 1.
        concentration: c > 0, a number or an array that fits to (N, K).
        total: votes that are cast, a number or an array that fits to (N, K); rounded to whole numbers >= 1.
        level: probability of an interval, in (0, 1).

    Returns:
        Float array (2, N, K): lower and upper ends, which the interval includes; NaN where fractions or concentration
        are.
    """
    total = np.maximum(np.round(total), 1).astype(int)[..., None]
    concentration = np.asarray(concentration)[..., None]
    inside = np.clip(fractions, SMALLEST_FRACTION, 1 - SMALLEST_FRACTION)[..., None]
    counts = np.arange(total.max(initial=1) + 1)
    chances = stats.betabinom.pmf(counts, total, concentration * inside, concentration * (1 - inside))
    below = np.cumsum(chances, axis=-1)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    ends = [(below < tail - 1e-12).sum(axis=-1) for tail in tails]  # the first count that reaches the tail
    known = np.isfinite(below[..., -1])
    return np.where(known, np.minimum(np.array(ends) / total[..., 0], 1.0), np.nan)


def vote_deviations(fractions: np.ndarray, concentration: float | np.ndarray, total: int | np.ndarray) -> np.ndarray:
    """Standard deviations of the voted fractions: float array (N, K); see `vote_intervals`."""
    total = np.maximum(np.round(total), 1)
    spread = (concentration + total) / (total * (concentration + 1))
    return np.sqrt(fractions * (1 - fractions) * spread)


def fit_concentrations(votes: np.ndarray, fractions: np.ndarray, questions: Questions) -> tuple[float, ...]:
    """For each question, the largest even concentration with which 90 % intervals cover 90 % of held-out votes.

    Where none covers so many, the one that covers most.

    Answers count by their mean p (1 - p): a rare one, which is nearly always predicted to be rare, says little. The
    likelihood of all answers together would be ruled by it.

    Args:
        votes: array (N, K), counts; galaxies without votes are left out.
        fractions: float array (N, K), predicted by models that have not learnt from these votes.
        questions: Q of them, with K answers in all.

    Returns:
        Q even concentrations e between 0.1 and 10,000; NaN for a question on which no galaxy has a voted fraction.
    """
    return tuple(_fit(*part) for part in _by_question(votes, fractions, questions))


def _fit(votes: np.ndarray, fractions: np.ndarray) -> float:
    if not len(votes):
        return float("nan")
    weights = np.mean(fractions * (1 - fractions), axis=0)

    def surplus(log_concentration: float) -> float:
        covered = _covered(votes, fractions, concentrations_of(fractions, np.exp(log_concentration)), _LEVEL)
        return np.average(covered, weights=weights) - _LEVEL

    # From above: very small concentrations may cover less again, where sure predictions have points as intervals.
    grid = np.linspace(np.log(_LOWEST), np.log(_HIGHEST), _GRID)
    place = next((place for place in reversed(range(_GRID)) if surplus(grid[place]) >= 0), None)
    if place is None:
        return float(np.exp(max(reversed(grid), key=surplus)))
    if place == _GRID - 1:
        return _HIGHEST
    return float(np.exp(optimize.bisect(surplus, grid[place], grid[place + 1], xtol=_PRECISION)))


def coverage_metrics(
    votes: np.ndarray, predicted: np.ndarray, concentrations: tuple[float, ...], questions: Questions
) -> dict[str, Any]:
    """Whether intervals cover as many votes as they say.

    Args:
        votes: array (N, K), counts; galaxies without votes are left out.
        predicted: float array (N, K), fractions of sum 1 for each question.
        concentrations: even ones, of each question.
        questions: that were answered.

    Returns:
        even_concentrations, by question, those that are known; coverage, by level in percent and answer, the share of
        voted fractions inside their interval, ends included; interval_width, the mean width of the 90 % intervals, by
        answer; calibration_error, the mean distance of coverage and level over levels and answers, which count by
        their mean p (1 - p); dirichlet_nll, Dirichlet-multinomial negative log likelihood in nats over the number of
        votes. Nothing of questions without a concentration or a voted fraction.
    """
    coverage: dict[str, dict[str, float]] = {f"{100 * level:.0f}": {} for level in LEVELS}
    width: dict[str, float] = {}
    errors, weights, nll, total = [], [], 0.0, 0.0
    parts = _by_question(votes, predicted, questions)
    for one, (own, fractions), even in zip(questions.each, parts, concentrations, strict=True):
        if not len(own) or np.isnan(even):
            continue
        concentration = concentrations_of(fractions, even)
        for level in LEVELS:
            covered = _covered(own, fractions, concentration, level)
            coverage[f"{100 * level:.0f}"] |= dict(zip(one.answers, covered.tolist(), strict=True))
            errors.append(np.abs(covered - level))
            weights.append(np.mean(fractions * (1 - fractions), axis=0))
        low, high = vote_intervals(fractions, concentration, own.sum(axis=1, keepdims=True), _LEVEL)
        width |= dict(zip(one.answers, (high - low).mean(axis=0).tolist(), strict=True))
        nll += _dirichlet_nll(own, fractions, concentration).sum()
        total += own.sum()
    if not total:
        return {}
    named = zip((one.name for one in questions.each), concentrations, strict=True)
    return {
        "even_concentrations": {name: value for name, value in named if np.isfinite(value)},
        "coverage": coverage,
        "interval_width": width,
        "calibration_error": float(np.average(np.concatenate(errors), weights=np.concatenate(weights))),
        "dirichlet_nll": float(nll / total),
    }


def _by_question(
    votes: np.ndarray, fractions: np.ndarray, questions: Questions
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Votes and predicted fractions on each question, of the galaxies that have a voted fraction."""
    votes, fractions = np.asarray(votes, np.float64), np.asarray(fractions, np.float64)
    for place, asked in zip(questions.slices.values(), questions.asked(votes).T, strict=True):
        yield votes[asked, place], fractions[asked, place]


def _covered(votes: np.ndarray, fractions: np.ndarray, concentration: np.ndarray, level: float) -> np.ndarray:
    """Share (K,) of the voted fractions inside their intervals, ends included."""
    total = votes.sum(axis=1, keepdims=True)
    low, high = vote_intervals(fractions, concentration, total, level)
    voted, rounding = votes / total, 1e-9
    return np.mean((voted >= low - rounding) & (voted <= high + rounding), axis=0)


def _dirichlet_nll(votes: np.ndarray, fractions: np.ndarray, concentration: np.ndarray) -> np.ndarray:
    """-log DirichletMultinomial(votes; N, c p): (N,) in nats, with c (N, 1)."""
    inside = np.maximum(fractions, SMALLEST_FRACTION)
    parameters = concentration * inside / inside.sum(axis=1, keepdims=True)
    return -tfp.distributions.DirichletMultinomial(votes.sum(axis=1), parameters).log_prob(votes).numpy()

"""The process against its closed form, and what its predictions always are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tolerances import PROCESS_ATOL

from etvae_tf.errors import InputError
from etvae_tf.measures import GaussianProcess, gaussian_process

GENERATOR = np.random.default_rng(3)
FEATURES = GENERATOR.normal(5, 3, (90, 6))
SCORES = 0.4 * np.stack([FEATURES[:, 0] - 5, np.abs(FEATURES[:, 1] - 5) - 3, np.full(90, -3)], axis=1)
FRACTIONS = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
VOTES = np.stack([GENERATOR.multinomial(40, fractions) for fractions in FRACTIONS])


def test_predictions_are_the_posterior_mean():
    process = GaussianProcess().fit(FEATURES[:60], VOTES[:60])
    mean, spread = FEATURES[:60].mean(axis=0), FEATURES[:60].std(axis=0)
    known, others = ((values - mean) / spread for values in (FEATURES[:60], FEATURES[60:]))
    theta = np.exp(process._process.kernel_.theta)  # amplitude, length, noise

    def covariance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        squared = np.sum((first[:, None] - second) ** 2, axis=-1)
        return theta[0] * np.exp(-0.5 * squared / theta[1] ** 2)

    fractions = VOTES[:60] / 40
    noisy = covariance(known, known) + (theta[2] + 1e-10) * np.eye(60)
    expected = fractions.mean(axis=0) + covariance(others, known) @ np.linalg.solve(
        noisy, fractions - fractions.mean(0)
    )
    expected = np.maximum(expected, 0) / np.maximum(expected, 0).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(process.predict(FEATURES[60:]), expected, rtol=0, atol=PROCESS_ATOL)


def test_learns_what_the_features_say():
    predicted = GaussianProcess().fit(FEATURES[:60], VOTES[:60]).predict(FEATURES[60:])
    error = np.sqrt(np.mean((predicted - FRACTIONS[60:]) ** 2))
    constant = np.sqrt(np.mean((FRACTIONS[:60].mean(axis=0) - FRACTIONS[60:]) ** 2))
    assert error < 0.35 * constant


def test_predictions_are_fractions_even_far_outside():
    process = GaussianProcess().fit(FEATURES, VOTES)
    predicted = process.predict(np.concatenate([FEATURES, 1e6 * FEATURES, -1e6 * FEATURES]))
    assert predicted.shape == (270, 3) and predicted.min() >= 0
    np.testing.assert_allclose(predicted.sum(axis=1), 1)


def test_the_same_labels_give_the_same_process():
    first, second = (GaussianProcess().fit(FEATURES, VOTES).predict(FEATURES) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_units_answers_order_and_tables_do_not_matter():
    plain = GaussianProcess().fit(FEATURES, VOTES).predict(FEATURES)
    table = pd.DataFrame(FEATURES)
    np.testing.assert_allclose(GaussianProcess().fit(table, VOTES / 40).predict(table), plain, atol=PROCESS_ATOL)
    rescaled = GaussianProcess().fit(FEATURES * 1000 + 7, VOTES[:, ::-1]).predict(FEATURES * 1000 + 7)
    np.testing.assert_allclose(rescaled[:, ::-1], plain, atol=1e-4)  # the search for the kernel stops elsewhere


def test_galaxies_without_votes_are_left_out():
    without = np.concatenate([VOTES[:40], np.zeros((20, 3))])
    expected = GaussianProcess().fit(FEATURES[:40], VOTES[:40]).predict(FEATURES)
    np.testing.assert_array_equal(GaussianProcess().fit(FEATURES[:60], without).predict(FEATURES), expected)


@pytest.mark.parametrize("votes", [np.tile([3, 1], (90, 1)), np.eye(2)[np.arange(90) % 2]])
def test_features_that_say_nothing_give_the_mean(votes):
    process = GaussianProcess().fit(np.ones((90, 4)), votes)
    np.testing.assert_allclose(
        process.predict(np.ones((2, 4))), np.tile(votes[:2].mean(axis=0) / votes[0].sum(), (2, 1))
    )


def test_many_galaxies_are_predicted_in_parts(monkeypatch):
    process = GaussianProcess().fit(FEATURES, VOTES)
    whole = process.predict(FEATURES)
    monkeypatch.setattr(gaussian_process, "_CHUNK", 40)
    np.testing.assert_allclose(process.predict(FEATURES), whole, rtol=0, atol=PROCESS_ATOL)
    assert process.predict(FEATURES[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("features", "votes"),
    [
        (FEATURES[0], VOTES),
        (FEATURES[:, :0], VOTES),
        (FEATURES * np.nan, VOTES),
        (FEATURES[:-1], VOTES),
        (FEATURES, VOTES[:, 0]),
        (FEATURES, VOTES[:, :1]),
        (FEATURES, -VOTES),
        (FEATURES, VOTES * np.nan),
        (FEATURES, 0 * VOTES),
    ],
)
def test_unusable_labels(features, votes):
    with pytest.raises(InputError, match=", expected .*; .*\\.$"):
        GaussianProcess().fit(features, votes)


def test_other_features_than_learnt():
    process = GaussianProcess().fit(FEATURES, VOTES)
    with pytest.raises(InputError, match="galaxies with 5 features came, expected 6 as in fit; .*\\.$"):
        process.predict(FEATURES[:, :5])

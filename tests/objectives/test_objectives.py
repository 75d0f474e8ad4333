"""Objectives against SciPy, TFP and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats
from tolerances import KL_ATOL, MONTE_CARLO_SIGMAS

from etvae_tf.objectives import kl_to_standard_normal, pixel_log_likelihood, view_contrast, vote_nll

tfd = tfp.distributions
RANDOM = np.random.default_rng(2)
LOC = tf.constant(RANDOM.standard_normal((4, 6)), tf.float32)
SCALE = tf.constant(RANDOM.uniform(0.2, 2.0, (4, 6)), tf.float32)


def test_kl_of_each_dimension_equals_its_closed_form() -> None:
    loc, scale = LOC.numpy().astype(np.float64), SCALE.numpy().astype(np.float64)
    expected = 0.5 * (scale**2 + loc**2 - 1) - np.log(scale)
    np.testing.assert_allclose(kl_to_standard_normal(LOC, SCALE), expected, atol=KL_ATOL, rtol=1e-5)


def test_kl_of_a_posterior_close_to_the_prior_keeps_its_digits() -> None:
    scale = np.float32(1.0001)  # KL = (scale - 1)^2 to first order, which is lost where 1 is taken from 1
    kl = kl_to_standard_normal(tf.zeros([1, 1]), tf.constant([[scale]]))
    np.testing.assert_allclose(kl, (np.float64(scale) - 1) ** 2, rtol=1e-2)


def test_kl_equals_monte_carlo() -> None:
    posterior = tfd.MultivariateNormalDiag(LOC, SCALE)
    draws = posterior.sample(20000, seed=[0, 1])
    log_ratio = posterior.log_prob(draws) - tfd.MultivariateNormalDiag(tf.zeros(6), tf.ones(6)).log_prob(draws)
    error = np.std(log_ratio, axis=0) / np.sqrt(20000)
    kl = tf.reduce_sum(kl_to_standard_normal(LOC, SCALE), -1).numpy()
    assert np.all(np.abs(np.mean(log_ratio, axis=0) - kl) < MONTE_CARLO_SIGMAS * error)


@pytest.mark.parametrize("kind", ["gaussian", "laplace", "bernoulli"])
def test_pixel_likelihood_sums_log_densities_inside_the_mask(kind: str) -> None:
    images, means = RANDOM.uniform(0.1, 0.9, (2, 3, 4, 4, 2)).astype(np.float32)
    mask = RANDOM.integers(0, 2, (4, 4, 1)).astype(np.float32)
    value = pixel_log_likelihood(tf.constant(images), tf.constant(means), tf.constant(0.2), tf.constant(mask), kind)
    density = {
        "gaussian": stats.norm.logpdf(images, means, 0.2),
        "laplace": stats.laplace.logpdf(images, means, 0.2),
        "bernoulli": images * np.log(means) + (1 - images) * np.log(1 - means),
    }[kind]
    np.testing.assert_allclose(value, (density * mask).sum(axis=(1, 2, 3)), rtol=1e-4)


def test_bernoulli_stays_finite_at_black_and_white() -> None:
    means = tf.Variable([[[[0.0]], [[1.0]]]])
    with tf.GradientTape() as tape:
        value = pixel_log_likelihood(1.0 - means, means, tf.constant(1.0), tf.ones([2, 1, 1]), "bernoulli")
    assert np.isfinite(value).all() and np.isfinite(tape.gradient(value, means)).all()


def test_votes_equal_scipy_multinomial() -> None:
    logits = RANDOM.standard_normal((5, 3)).astype(np.float32)
    votes = RANDOM.multinomial(40, [0.5, 0.4, 0.1], size=5)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = [-stats.multinomial.logpmf(row, 40, p / p.sum()) for row, p in zip(votes, probabilities, strict=True)]
    np.testing.assert_allclose(vote_nll(tf.constant(votes, tf.float32), tf.constant(logits)), expected, rtol=1e-4)


def test_zero_votes_cost_nothing_and_teach_nothing() -> None:
    logits = tf.Variable([[3.0, -200.0, 90.0]])
    with tf.GradientTape() as tape:
        nll = vote_nll(tf.zeros([1, 3]), logits)
    assert float(nll[0]) == 0.0
    np.testing.assert_array_equal(tape.gradient(nll, logits), np.zeros((1, 3)))


def test_extreme_logits_have_finite_gradients() -> None:
    logits = tf.Variable([[500.0, -500.0, 0.0]])
    with tf.GradientTape() as tape:
        nll = vote_nll(tf.constant([[0.0, 40.0, 3.0]]), logits)
    assert np.isfinite(nll).all() and np.isfinite(tape.gradient(nll, logits)).all()


def test_view_contrast_against_its_definition() -> None:
    generator = np.random.RandomState(3)
    first, second = generator.normal(size=(2, 5, 4))
    views = np.concatenate([first, second])
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    expected = np.zeros(5)
    for view in range(10):
        others = [other for other in range(10) if other != view]
        similarity = views[others] @ views[view] / 0.2
        partner = views[(view + 5) % 10] @ views[view] / 0.2
        expected[view % 5] += (np.log(np.sum(np.exp(similarity))) - partner) / 2
    np.testing.assert_allclose(view_contrast(tf.constant(first), tf.constant(second)), expected, rtol=1e-6)


def test_view_contrast_is_least_where_views_agree_alone() -> None:
    told_apart = tf.eye(6)
    assert float(tf.reduce_max(view_contrast(told_apart, told_apart))) < 0.1
    same = tf.ones((6, 4))
    np.testing.assert_allclose(view_contrast(same, same), np.log(11), rtol=1e-5)

"""Novelty: Mahalanobis's distance over the one that 1 % of training-like latents exceed."""

from __future__ import annotations

import numpy as np
from galaxies import tiny_model
from sklearn.covariance import LedoitWolf

from etvae_tf.training import fit_novelty, learn_novelty
from etvae_tf.training.novelty import Novelty, read_novelty

ATOL = 1e-5  # float32 constants


def novelty_of(latents: np.ndarray, novelty: Novelty) -> np.ndarray:
    return np.linalg.norm((latents - novelty.mean) @ novelty.whitening, axis=1)


def draws(count: int, seed: int) -> np.ndarray:
    """Correlated latents of unequal variances, far from the origin."""
    random = np.random.default_rng(seed)
    return 5 + random.normal(size=(count, 4)) @ [[1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0.1, 0], [0, 0, 3, 10]]


def test_it_is_mahalanobis_distance_in_units_of_the_limit():
    latents = draws(4000, 0)
    found = novelty_of(latents, fit_novelty(latents))
    distances = np.sqrt(LedoitWolf().fit(latents).mahalanobis(latents))
    np.testing.assert_allclose(found / distances, found[0] / distances[0], rtol=1e-3)
    assert abs(np.mean(novelty_of(draws(20_000, 1), fit_novelty(latents)) > 1) - 0.01) < 0.004  # of unseen ones


def test_the_limit_is_of_latents_that_it_was_not_fitted_to():
    """With few pictures, the own ones lie far too near."""
    latents = np.random.default_rng(0).normal(size=(120, 40)).astype(np.float32)
    own = novelty_of(latents, fit_novelty(latents))
    unseen = novelty_of(np.random.default_rng(1).normal(size=(4000, 40)), fit_novelty(latents))
    assert own.max() < 1 and np.mean(unseen > 1) < 0.05


def test_latents_that_are_all_the_same_have_a_novelty():
    novelty = fit_novelty(np.ones((20, 3), np.float32))
    assert np.isfinite(novelty_of(np.zeros((2, 3)), novelty)).all()


def test_a_run_keeps_that_of_its_encoder(tmp_path):
    model, path = tiny_model(), tmp_path / "novelty.npz"
    pictures = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 1), np.uint8)
    learn_novelty(model, pictures[:7], path)
    assert read_novelty(path) is None  # seven tell nothing
    learn_novelty(model, pictures, path)
    found, expected = read_novelty(path), fit_novelty(model.encoder(pictures.astype(np.float32) / 255).loc.numpy())
    np.testing.assert_allclose(found.mean, expected.mean, atol=ATOL)
    found, expected = (one.whitening @ one.whitening.T for one in (found, expected))  # which fix no rotation
    np.testing.assert_allclose(found, expected, rtol=1e-2)

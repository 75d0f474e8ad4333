"""Measures of the pool: standardised, measured once, and learnt beside the ELBO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from galaxies import synthetic_images

from etvae_tf.measures import measure_centre
from etvae_tf.training import RunFolder
from etvae_tf.training.measured import pool_measures, standardised

POOL = (255 * np.asarray(synthetic_images(12, 32))).astype(np.uint8)


def test_measures_are_standardised_and_cut_off(tmp_path: Path) -> None:
    raw = measure_centre(POOL).to_numpy()
    kept = pool_measures(POOL, RunFolder(tmp_path))
    np.testing.assert_array_equal(kept, raw)
    found = standardised(kept)
    spread = raw.std(axis=0)
    varies = spread > 1e-3
    assert found.dtype == np.float32 and found.shape == raw.shape and varies.sum() > 80
    expected = np.clip((raw - raw.mean(axis=0))[:, varies] / spread[varies], -5, 5)
    np.testing.assert_allclose(found[:, varies], expected, atol=2e-3)
    assert np.abs(found).max() <= 5


def test_measures_are_made_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    first = np.array(pool_measures(POOL, folder))
    np.testing.assert_array_equal(pool_measures(POOL[::-1], folder), first)  # the file, not the pictures

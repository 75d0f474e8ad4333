"""Planted faults: seeded, of every kind alike, and each what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from etvae_tf.experiments import plant_faults
from etvae_tf.experiments.planted_faults import FAULTS


def galaxies(count: int, size: int = 32, channels: int = 3) -> np.ndarray:
    """Noise from 20 to 59 of 255."""
    return np.random.default_rng(7).integers(20, 60, (count, size, size, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_share_of_the_pictures_changes_and_the_seed_says_which(channels):
    images = galaxies(60, channels=channels)
    planted, faults = plant_faults(images, 0.2, 3)
    assert planted.shape == images.shape and planted.dtype == np.uint8
    assert sorted(faults[faults != ""]) == sorted([*FAULTS] * 4)
    changed = (planted != images).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, faults != "")
    for again, same in ((plant_faults(images, 0.2, 3), True), (plant_faults(images, 0.2, 4), False)):
        assert np.array_equal(again[0], planted) == same and np.array_equal(again[1], faults) == same
    np.testing.assert_array_equal(images, galaxies(60, channels=channels))  # the given ones stay


def test_none_and_all():
    images = galaxies(6)
    assert np.array_equal(plant_faults(images, 0.0, 0)[0], images)
    assert (plant_faults(images, 1.0, 0)[1] != "").all()


@pytest.mark.parametrize("seed", range(8))
def test_each_kind_is_what_its_name_says(seed):
    (picture,) = galaxies(1, size=64) / 255.0
    trails, star, cut = (FAULTS[name](picture, np.random.default_rng(seed)) for name in FAULTS)
    assert (trails >= picture).all() and trails.max() > 0.3
    lines = (trails - picture)[..., 0] > 0.1
    assert 0.02 < lines.mean() < 0.4
    assert any(lines[[0, -1]].ravel()) or any(lines[:, [0, -1]].ravel())  # they reach the rim
    assert (star >= picture).all() and 0.004 < (star[..., 0] >= 1).mean() < 0.12
    changed = (cut != picture).any(axis=-1)
    assert 0.2 <= changed.mean() <= 0.5 and len(np.unique(cut[changed])) == 1
    assert changed.all(axis=0).any() != changed.all(axis=1).any()  # a whole side, and no other
    rim = [changed[0].all(), changed[-1].all(), changed[:, 0].all(), changed[:, -1].all()]
    assert sum(rim) == 1


def test_a_fault_is_as_large_in_larger_pictures():
    small, large = (np.zeros((size, size, 1)) for size in (64, 256))
    for plant in FAULTS.values():
        one, other = (plant(picture + 0.2, np.random.default_rng(1))[..., 0] for picture in (small, large))
        averaged = other.reshape(64, 4, 64, 4).mean(axis=(1, 3))
        assert abs(np.clip(one, 0, 1).mean() - np.clip(averaged, 0, 1).mean()) < 0.02

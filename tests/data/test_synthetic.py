"""The synthetic sky: seeded, plausible, and true to what it says of itself."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from etvae_tf.data.synthetic import QUESTIONS, SyntheticGalaxies, synthesise


@cache
def many() -> SyntheticGalaxies:
    """600 that several tests look at; not made at import, for every worker imports every file."""
    return synthesise(600)


@pytest.mark.parametrize(("size", "channels"), [(32, 1), (64, 3), (256, 1)])
def test_shapes(size: int, channels: int) -> None:
    galaxies = synthesise(3, image_size=size, channels=channels)
    assert galaxies.images.shape == (3, size, size, channels) and galaxies.images.dtype == np.uint8
    assert galaxies.votes.shape == galaxies.fractions.shape == (3, len(QUESTIONS.answers))
    assert len(set(galaxies.ids)) == 3


def test_a_galaxy_depends_on_seed_and_index_alone() -> None:
    whole, tail, other = synthesise(300), synthesise(5, start=295), synthesise(5, seed=1, start=295)
    for name in ("ids", "images", "votes", "fractions", "pose"):
        np.testing.assert_array_equal(getattr(whole, name)[295:], getattr(tail, name))
    assert not np.array_equal(tail.images, other.images)


def test_fractions_and_votes() -> None:
    np.testing.assert_allclose(many().fractions.sum(axis=1), 1, rtol=1e-6)
    assert many().fractions.min() >= 0
    total = many().votes.sum(axis=1)
    assert total.min() >= 30 and total.max() <= 50
    np.testing.assert_array_equal(many().votes, np.round(many().votes))
    means = many().fractions.mean(axis=0)  # real ones: 0.44, 0.54, 0.025
    assert 0.35 < means[0] < 0.6 and 0.35 < means[1] < 0.6 and 0.01 < means[2] < 0.05
    scatter = np.std(many().votes / total[:, None] - many().fractions, axis=0)
    multinomial = np.sqrt(np.mean(many().fractions * (1 - many().fractions) / total[:, None], axis=0))
    assert np.all(scatter > multinomial), "a Dirichlet-multinomial scatters more than a multinomial"
    assert np.all(scatter < 2.5 * multinomial)


def test_pose_is_the_position_angle_of_the_light() -> None:
    light = np.clip(many().images[..., 0].astype(float) - 40, 0, None)  # above sky and noise
    axis = np.arange(64) - 31.5
    near = np.hypot(*np.meshgrid(axis, axis)) < 20
    light = light * near
    x, y = axis[None, None, :], -axis[None, :, None]
    xx, yy, xy = (np.sum(light * moment, axis=(1, 2)) for moment in (x * x, y * y, x * y))
    elongation = np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-9)
    clear = (elongation > 0.6) & np.isfinite(many().pose)
    assert clear.sum() > 50
    difference = 0.5 * np.arctan2(2 * xy, xx - yy)[clear] - many().pose[clear]
    difference -= np.pi * np.round(difference / np.pi)
    assert np.degrees(np.median(np.abs(difference))) < 5


def test_artefacts_are_rare_and_seen_as_such() -> None:
    artefact = np.isnan(many().pose)
    assert 0 < artefact.mean() < 0.05
    assert many().fractions[artefact, 2].min() > 0.5 > many().fractions[~artefact, 2].max()

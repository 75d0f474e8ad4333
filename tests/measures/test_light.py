"""Sky and region."""

from __future__ import annotations

import numpy as np
import pytest
from profiles import draw, sersic

from etvae_tf.measures.light import Grid, find_light, ratio


def test_grid_is_the_plane_of_the_geometry():
    grid = Grid.of(4)
    np.testing.assert_array_equal(grid.x[0], [-0.375, -0.125, 0.125, 0.375])
    np.testing.assert_array_equal(grid.y[:, 0], [0.375, 0.125, -0.125, -0.375])
    assert grid.angle[0, 3] == pytest.approx(np.pi / 4)  # counter-clockwise: the top right corner


@pytest.mark.parametrize("sky", [0.05, 0.15])
def test_sky_is_the_brightness_of_the_rim(sky):
    picture = np.repeat(draw(sersic(0.5, 0.08), sky=sky), 3, axis=-1)
    picture[:, :6, :9] = 0.8  # a neighbour in a corner
    light = find_light(picture)
    np.testing.assert_allclose(light.sky, sky, atol=1e-4)
    np.testing.assert_allclose(light.above, picture.mean(axis=-1) - light.sky[:, None, None], atol=1e-15)
    np.testing.assert_allclose(light.colours, picture - light.sky[:, None, None, None], atol=1e-12)


def test_the_region_is_the_isophote_around_the_middle():
    light = find_light(draw(sersic(0.5, 0.1)))
    smoothed = light.smoothed(1 / 64)
    threshold = 0.05 * light.above[:, light.grid.radius < 3 / 64].max()
    np.testing.assert_array_equal(light.region, smoothed > threshold)
    np.testing.assert_array_equal(light.light, light.above * light.region)


def test_a_neighbour_does_not_belong_to_the_galaxy_and_a_second_picture_not_to_the_first():
    alone = draw(sersic(0.5, 0.08))[0]
    beside = np.maximum(alone, np.roll(draw(sersic(0.5, 0.03))[0], 20, axis=1))
    light = find_light(np.stack([beside, np.ones_like(alone), alone]))
    np.testing.assert_array_equal(light.region[0], light.region[2])
    assert beside[32, 52] > 0.5 and not light.region[0, 32, 52]


def test_without_a_galaxy_the_region_is_a_disc_of_constant_light():
    light = find_light(np.full((2, 64, 64, 1), 0.3))
    np.testing.assert_array_equal(light.region[0], light.grid.radius < 1 / 8)
    np.testing.assert_array_equal(light.light, light.region)


def test_annulus_counts_area():
    for size in (32, 64, 256):
        area = Grid.of(size).annulus(0.1, 0.3).sum() / size**2
        assert area == pytest.approx(np.pi * (0.3**2 - 0.1**2), rel=0.01)


def test_ratio_of_nothing_is_nothing():
    np.testing.assert_array_equal(ratio(np.zeros(2), np.zeros(2), 0), [0, 0])
    assert ratio(30.0, 20.0, 100) == pytest.approx(1.5, rel=0.01)

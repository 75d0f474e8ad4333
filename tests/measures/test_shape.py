"""Ellipticity of inclined discs, harmonics of waves around the middle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from profiles import draw, sersic, spiral
from tolerances import ELLIPTICITY_ATOL, RING_ATOL

from etvae_tf.measures.light import find_light
from etvae_tf.measures.shape import shape_measures


@pytest.mark.parametrize("axis_ratio", [1.0, 0.7, 0.4])
@pytest.mark.parametrize("angle", [0.0, 0.5, 2.0])
def test_ellipticity_of_an_inclined_disc(axis_ratio, angle):
    measures = shape_measures(find_light(draw(sersic(1, 0.14, axis_ratio, angle), 128)))
    assert measures["ellipticity"][0] == pytest.approx(1 - axis_ratio, abs=ELLIPTICITY_ATOL)


def test_ellipticity_is_about_the_centroid():
    shifted = np.roll(draw(sersic(0.5, 0.06)), 2, axis=2)
    assert shape_measures(find_light(shifted))["ellipticity"][0] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_wave_around_the_middle_has_one_harmonic(order):
    light = find_light(np.zeros((1, 64, 64, 1)))
    light = replace(light, above=0.5 * (1 + 0.6 * np.cos(order * (light.grid.angle - 0.3)))[None])
    measures = shape_measures(light)
    for ring in (1, 2, 3):
        for other in (1, 2, 3, 4):
            amplitude = measures[f"ring_{ring}_order_{other}"][0]
            assert amplitude == pytest.approx(0.3 if other == order else 0, abs=RING_ATOL)


def test_bars_and_two_arms_have_a_second_harmonic():
    def bar(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return sersic(1, 0.12)(x, y) * (1 + 2 * (np.abs(y) < 0.03) * (np.abs(x) < 0.12))

    disc, barred, arms = (shape_measures(find_light(draw(galaxy))) for galaxy in (sersic(1, 0.12), bar, spiral(0.0)))
    assert disc["ring_1_order_2"][0] < 1e-9 and disc["ring_2_order_2"][0] < 1e-9
    assert barred["ring_1_order_2"][0] > 0.1 and arms["ring_2_order_2"][0] > 0.05

"""Asymmetry, smoothness, Gini and M20 of pictures for which they are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from profiles import draw, sersic, spiral
from tolerances import FLOOR_RTOL, MEASURE_ATOL

from etvae_tf.measures.light import Light, find_light
from etvae_tf.measures.structure import structure_measures


def measures_of(light: Light) -> dict[str, float]:
    return {name: values[0] for name, values in structure_measures(light).items()}


def light_of(values: np.ndarray, region: np.ndarray) -> Light:
    """Light (H, W) above the sky, in a region that is given."""
    light = find_light(np.zeros((1, *values.shape, 1)))
    return replace(light, above=values[None], region=region[None], light=(values * region)[None])


def test_asymmetry_of_symmetric_light_is_zero():
    inclined = measures_of(find_light(draw(sersic(1, 0.12, 0.5, 0.4))))
    assert inclined["asymmetry"] == pytest.approx(0, abs=MEASURE_ATOL) and inclined["asymmetry_quarter"] > 0.3
    assert measures_of(find_light(draw(sersic(1, 0.1))))["asymmetry_quarter"] == pytest.approx(0, abs=MEASURE_ATOL)


def test_asymmetry_of_one_side_is_two():
    disc = find_light(np.zeros((1, 64, 64, 1))).grid.radius < 0.3
    half = disc & (np.arange(64) < 32)
    measures = measures_of(light_of(half.astype(float), half))
    assert measures["asymmetry"] == pytest.approx(2, rel=FLOOR_RTOL)
    assert measures["asymmetry_quarter"] == pytest.approx(1, rel=FLOOR_RTOL)  # half of each half lies on the other


def test_smoothness_of_a_wave():
    grid = find_light(np.zeros((1, 128, 128, 1))).grid
    k = 2 * np.pi * 16  # 16 waves over the picture
    wave, region = 0.5 * np.cos(k * grid.x), grid.radius < 0.4
    measures = measures_of(light_of(1 + wave, region))
    for scale in (1, 2, 4):
        taken_off = 1 - np.exp(-0.5 * (k * scale / 64) ** 2)  # what a Gaussian leaves of a wave
        expected = np.abs(wave[region]).mean() * taken_off
        assert measures[f"smoothness_{scale}"] == pytest.approx(expected, rel=FLOOR_RTOL)
        assert measures[f"clumpiness_{scale}"] == pytest.approx(expected / 2, rel=FLOOR_RTOL)


def test_arms_are_less_smooth_than_a_disc():
    disc, arms = (measures_of(find_light(draw(spiral(0.0, contrast)))) for contrast in (0, 0.8))
    for name in ("smoothness_1", "smoothness_2", "clumpiness_2"):
        assert arms[name] > disc[name]


def test_gini_and_m20_of_constant_light():
    disc = find_light(np.zeros((1, 64, 64, 1))).grid.radius < 0.3
    measures = measures_of(light_of(0.4 * disc, disc))
    assert measures["gini"] == pytest.approx(0, abs=MEASURE_ATOL)
    assert measures["m20"] == pytest.approx(np.log10(0.2))


def test_gini_of_one_bright_pixel_is_one():
    picture = np.zeros((1, 33, 33, 1))
    picture[0, 16, 16] = 1
    assert measures_of(find_light(picture))["gini"] == pytest.approx(1)


def test_gini_and_m20_of_three_pixels():
    values = np.zeros((32, 32))
    values[16, [10, 16, 22]] = 1, 6, 3
    measures = measures_of(light_of(values, values > 0))
    assert measures["gini"] == pytest.approx((1 * (2 - 4) + 3 * (4 - 4) + 6 * (6 - 4)) / (10 * 2))
    centre = (10 * 1 + 16 * 6 + 22 * 3) / 10
    moments = [6 * (16 - centre) ** 2, 3 * (22 - centre) ** 2, 1 * (10 - centre) ** 2]
    assert measures["m20"] == pytest.approx(np.log10(2 / 6 * moments[0] / sum(moments)), abs=1e-4)


def test_m20_does_not_depend_on_the_order_of_equal_pixels():
    values = np.zeros((32, 32))
    values[10, 16:20], values[20, 3] = 1, 1
    region = values > 0
    assert measures_of(light_of(values, region))["m20"] == pytest.approx(np.log10(0.2), abs=1e-4)

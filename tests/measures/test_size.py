"""Radii and concentration of profiles whose growth of light is known."""

from __future__ import annotations

import numpy as np
import pytest
from profiles import draw, sersic
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincinv
from scipy.stats import norm
from tolerances import CONCENTRATION_ATOL, RADIUS_RTOL

from etvae_tf.measures.light import find_light
from etvae_tf.measures.size import size_measures


def measures_of(picture: np.ndarray) -> dict[str, float]:
    return {name: values[0] for name, values in size_measures(find_light(picture)).items()}


def expected(index: float) -> dict[str, float]:
    """Radii over the half-light radius, from the incomplete gamma function (Graham & Driver 2005, eq. 2)."""
    steepness = gammaincinv(2 * index, 0.5)

    def within(radius: float) -> float:
        return gammainc(2 * index, steepness * radius ** (1 / index))

    def excess(radius: float) -> float:
        return (within(1.25 * radius) - within(0.8 * radius)) / (1.25**2 - 0.8**2) - 0.2 * within(radius)

    petrosian = brentq(excess, 0.5, 10)
    total = within(1.5 * petrosian)
    found = {"petrosian_radius": petrosian}
    for percent in (20, 50, 80, 90):
        found[f"radius_{percent}"] = brentq(lambda radius: within(radius) - percent / 100 * total, 1e-3, 20)  # noqa: B023
    return found


@pytest.mark.parametrize(("index", "radius", "size"), [(0.5, 0.12, 64), (1, 0.08, 64), (1, 0.08, 256), (4, 0.04, 256)])
def test_sersic_profiles(index, radius, size):
    measures, truth = measures_of(draw(sersic(index, radius), size)), expected(index)
    concentration = 5 * np.log10(truth["radius_80"] / truth["radius_20"])
    assert measures["concentration"] == pytest.approx(concentration, abs=CONCENTRATION_ATOL)
    if index < 4:  # the wings of a de Vaucouleurs profile reach the rim, where they count as sky
        for name, value in truth.items():
            assert measures[name] == pytest.approx(value * radius, rel=RADIUS_RTOL), name


def test_a_de_vaucouleurs_profile_is_more_concentrated_than_a_disc():
    bulge, disc = (measures_of(draw(sersic(index, 0.05), 128)) for index in (4, 1))
    assert bulge["concentration"] - disc["concentration"] > 1
    assert bulge["light_within_0.05"] < disc["light_within_0.05"]


def test_amounts_of_a_disc_of_constant_brightness():
    picture = draw(lambda x, y: (np.hypot(x, y) < 0.25).astype(float), 256, sky=0.1)
    measures = measures_of(picture)
    area, seen = np.pi * 0.25**2, np.pi * (0.25 + norm.ppf(0.95) / 64) ** 2  # 5 % of the peak lie outside, smoothed
    assert np.exp(measures["log_light"]) == pytest.approx(0.8 * area, rel=RADIUS_RTOL)
    assert np.exp(measures["log_area"]) == pytest.approx(seen, rel=RADIUS_RTOL)
    assert measures["radius_50"] == pytest.approx(0.25 * np.sqrt(0.5), rel=RADIUS_RTOL)
    assert measures["concentration"] == pytest.approx(5 * np.log10(2), abs=CONCENTRATION_ATOL)
    assert measures["light_within_0.125"] == pytest.approx(0.25, rel=RADIUS_RTOL)
    assert measures["central_brightness"] == pytest.approx(0.8) and measures["sky"] == pytest.approx(0.1)

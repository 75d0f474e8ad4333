"""Measures against statmorph (Rodriguez-Gomez et al. 2019), on galaxies without noise."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from profiles import draw, sersic, spiral
from tolerances import (
    STATMORPH_ASYMMETRY_ATOL,
    STATMORPH_ATOL,
    STATMORPH_CONCENTRATION_ATOL,
    STATMORPH_M20_ATOL,
)

from etvae_tf.measures import measure
from etvae_tf.measures.light import Light, find_light
from etvae_tf.measures.structure import structure_measures

pytestmark = pytest.mark.slow


def lopsided(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A Gaussian galaxy with a clump on one side; nothing reaches the box where statmorph takes the sky."""
    return sersic(0.5, 0.06)(x, y) + 0.6 * sersic(0.5, 0.02)(x - 0.06, y)


GALAXIES = {
    "disc": sersic(1, 0.1, 0.98, 0.3),  # rounding decides what statmorph finds where a galaxy is exactly round
    "inclined": sersic(1, 0.11, 0.5, 0.6),
    "bulge": sersic(2, 0.06, 0.7, 2.0),
    "spiral": spiral(0.3),
    "lopsided": lopsided,
}


@pytest.fixture(scope="module", params=GALAXIES)
def galaxy(request) -> tuple[str, np.ndarray, Light, object]:
    import statmorph  # takes seconds, and quick tests do not need it

    picture = draw(GALAXIES[request.param], 128, blur=0.01)
    light = find_light(picture)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own advice about noise that these pictures lack
        theirs = statmorph.source_morphology(light.above[0], light.region[0].astype(int), gain=1e4)[0]
    return request.param, picture, light, theirs


def test_concentration_and_radii(galaxy):
    _, picture, _, theirs = galaxy
    ours = measure(picture).iloc[0]
    assert ours["concentration"] == pytest.approx(theirs.concentration, abs=STATMORPH_CONCENTRATION_ATOL)


def test_ellipticity(galaxy):
    _, picture, _, theirs = galaxy
    assert measure(picture).iloc[0]["ellipticity"] == pytest.approx(theirs.ellipticity_centroid, abs=STATMORPH_ATOL)


def test_asymmetry(galaxy):
    """statmorph takes off a sky that here is the galaxy's own wing, except where the galaxy ends before it."""
    name, picture, _, theirs = galaxy
    ours = measure(picture).iloc[0]["asymmetry"]
    if name == "lopsided":
        assert ours > 0.1
        assert ours == pytest.approx(theirs.asymmetry, abs=STATMORPH_ASYMMETRY_ATOL)
    else:
        assert ours >= theirs.asymmetry - STATMORPH_ASYMMETRY_ATOL


def test_gini_and_m20_of_the_same_pixels(galaxy):
    """The region differs (statmorph's ends at the Petrosian isophote), so the formulas see statmorph's here."""
    _, _, light, theirs = galaxy
    region = np.zeros_like(light.region)
    region[0][theirs._slice_stamp] = theirs._segmap_gini
    ours = structure_measures(replace(light, region=region, light=light.above * region))
    assert ours["gini"][0] == pytest.approx(theirs.gini, abs=STATMORPH_ATOL)
    assert ours["m20"][0] == pytest.approx(theirs.m20, abs=STATMORPH_M20_ATOL)

"""Colours of galaxies of known colour."""

from __future__ import annotations

import numpy as np
import pytest
from profiles import draw, sersic
from tolerances import FLOOR_RTOL

from etvae_tf.measures.colour import colour_measures
from etvae_tf.measures.light import find_light


def test_colours_are_shares_of_the_mean_above_each_ones_sky():
    disc, middle = draw(sersic(0.5, 0.12)), draw(sersic(0.5, 0.02))
    outer, inner, sky = np.array([0.8, 1.0, 1.2]), np.array([1.5, 1.0, 0.5]), np.array([0.02, 0.05, 0.08])
    plain = colour_measures(find_light(0.5 * disc * outer + sky))
    for name, share in zip(("red", "green", "blue"), outer, strict=True):
        assert plain[name][0] == pytest.approx(share, rel=FLOOR_RTOL)
        assert plain[f"central_{name}"][0] == pytest.approx(share, rel=FLOOR_RTOL)
    cored = colour_measures(find_light(0.3 * disc * outer + 0.3 * middle * inner + sky))
    assert cored["central_red"][0] > cored["red"][0] > plain["red"][0]
    assert cored["central_blue"][0] < cored["blue"][0] < plain["blue"][0]


def test_grey_pictures_have_no_colours():
    assert colour_measures(find_light(draw(sersic(1, 0.1)))) == {}

"""Sizes and concentration from the growth of light with radius, inside the Petrosian aperture."""

from __future__ import annotations

import numpy as np

from etvae_tf.measures.light import DISC, Light, ratio

__all__ = ["size_measures"]

_PETROSIAN = 0.2  # brightness at the Petrosian radius over the mean brightness inside
_APERTURE = 1.5  # Petrosian radii that count as holding all the light
_ANNULUS = (0.8, 1.25)  # of a radius: where the brightness at that radius is taken
_TRIED = np.geomspace(1 / 64, DISC / _ANNULUS[1], 48)  # of H: the Petrosian radius is sought among them
_WITHIN = (0.05, 0.08, 0.125, 0.19, 0.27)  # of H
_CENTRE = 1 / 32  # of H
_SMALLEST_LIGHT = 1e-6  # of a picture full of brightness 1, added before the logarithm


def size_measures(light: Light) -> dict[str, np.ndarray]:
    """How much light there is and how it is spread over radius: arrays (B,). Lengths are in units of H.

    Returns:
        log_light: log of the region's light over that of a picture full of brightness 1.
        log_area: log of the region's area over the picture's.
        petrosian_radius: first radius at which the brightness, averaged from 0.8 to 1.25 radii, is 0.2 of the mean
            brightness inside (Petrosian 1976; annulus of Blanton et al. 2001), at most 0.36.
        radius_20, radius_50, radius_80, radius_90: radii of circles that hold so many per cent of the light within
            1.5 Petrosian radii, or within 0.45 where that is less.
        concentration: C = 5 log10(radius_80 / radius_20) (Bershady et al. 2000; Conselice 2003): 2.7 for an exponential
            disc, 1.5 for constant light.
        light_within_R: light inside the radius R over that inside 0.45.
        central_brightness: mean brightness within 1/32.
        sky: brightness of the rim.
    """
    grid, pixels = light.grid, light.grid.radius.size
    measures = {
        "log_light": np.log(light.light.sum(axis=(1, 2)) / pixels + _SMALLEST_LIGHT),
        "log_area": np.log(light.region.sum(axis=(1, 2)) / pixels),
    }
    measures |= _radii(light)
    positive, disc = np.maximum(light.above, 0), grid.annulus(0, DISC)
    total = np.tensordot(positive, disc)
    for radius in _WITHIN:
        inside = np.tensordot(positive, grid.annulus(0, radius))
        measures[f"light_within_{radius}"] = ratio(inside, total, disc.sum())
    centre = grid.annulus(0, _CENTRE)
    measures["central_brightness"] = np.tensordot(light.above, centre) / centre.sum()
    measures["sky"] = light.sky
    return measures


def _radii(light: Light) -> dict[str, np.ndarray]:
    area, growth = _growth(light)
    petrosian = _petrosian_radius(area, growth)
    aperture = np.minimum(_APERTURE * petrosian, DISC)
    total = _within(area, growth, aperture)
    growth = np.where(total[:, None] > 0, growth, area)  # no light above the sky: as if it were constant
    total = _within(area, growth, aperture)
    measures = {"petrosian_radius": petrosian}
    rows = np.arange(len(growth))
    for percent in (20, 50, 80, 90):
        target = percent / 100 * total
        ring = np.argmax(growth >= target[:, None], axis=1)
        part = (target - growth[rows, ring - 1]) / (growth[rows, ring] - growth[rows, ring - 1])
        measures[f"radius_{percent}"] = np.sqrt((area[ring - 1] + part * (area[ring] - area[ring - 1])) / np.pi)
    return measures | {"concentration": 5 * np.log10(measures["radius_80"] / measures["radius_20"])}


def _growth(light: Light) -> tuple[np.ndarray, np.ndarray]:
    """Area (rings + 1,) in units of H^2, and light (B, rings + 1) inside it, pixels added in the order of their radius.

    Pixels of equal radius come together, so that turning a picture changes nothing.
    """
    size = len(light.grid.radius)
    squared = np.round((2 * size * light.grid.radius) ** 2).ravel()  # whole numbers: equal radii are equal
    order = np.argsort(squared, kind="stable")
    starts = np.flatnonzero(np.diff(squared[order], prepend=-1))
    rings = np.add.reduceat(light.above.reshape(len(light.above), size**2)[:, order], starts, axis=1)
    return np.append(starts, size**2) / size**2, np.cumsum(np.pad(rings, ((0, 0), (1, 0))), axis=1)


def _within(area: np.ndarray, growth: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Light within radii (B,) of circles; between rings it grows linearly with area."""
    wanted, rows = np.pi * radius**2, np.arange(len(growth))
    ring = np.searchsorted(area, wanted)
    part = (wanted - area[ring - 1]) / (area[ring] - area[ring - 1])
    return growth[rows, ring - 1] + part * (growth[rows, ring] - growth[rows, ring - 1])


def _petrosian_radius(area: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """Where the brightness first falls below its share of the mean inside, linearly between the radii tried: (B,)."""
    inner, outer = _ANNULUS
    inside, to_inner, to_outer = (
        np.stack([_within(area, growth, np.full(len(growth), factor * radius)) for radius in _TRIED], axis=1)
        for factor in (1, inner, outer)
    )
    excess = (to_outer - to_inner) / (outer**2 - inner**2) - _PETROSIAN * inside  # brightness times the circle's area
    excess[:, 0] = np.maximum(excess[:, 0], 0)
    excess[:, -1] = np.minimum(excess[:, -1], -1e-12)  # sought from the first radius to the last
    rows, after = np.arange(len(growth)), np.argmax(excess < 0, axis=1)
    before = after - 1
    part = excess[rows, before] / (excess[rows, before] - excess[rows, after])
    return _TRIED[before] + part * (_TRIED[after] - _TRIED[before])

"""Sizes and concentration from the growth of light with radius."""

from __future__ import annotations

import numpy as np

from etvae_tf.measures.light import Grid, Light, ratio

__all__ = ["size_measures"]

_WITHIN = (0.05, 0.08, 0.125, 0.19, 0.27)  # of H


def size_measures(light: Light) -> dict[str, np.ndarray]:
    """How much light there is and how it is spread over radius: arrays (B,).

    Returns:
        log_light, log of the light over that of a picture full of brightness 1.
        log_area, log of the region's area over the picture's.
        radius_20, radius_50, radius_80, radius_90: radii in units of H of the circles with that per cent of the
            region's light.
        concentration: C = 5 log10(radius_80 / radius_20) (Bershady et al. 2000, section 3.1; Conselice 2003, eq. 4):
            2.7 for an exponential disc, 5.2 for a de Vaucouleurs profile, 1.5 for constant light.
        light_within_R: light inside the radius R (in units of H) over that inside 0.45 H, region or not.
        central_brightness: mean brightness within H / 32.
        sky: brightness of the rim.
    """
    grid, pixels = light.grid, light.grid.radius.size
    measures = {
        "log_light": np.log(light.light.sum(axis=(1, 2)) / pixels + 1e-6),
        "log_area": np.log(light.region.sum(axis=(1, 2)) / pixels),
    }
    radii = _radii(light.light, grid, (0.2, 0.5, 0.8, 0.9))
    measures |= {f"radius_{percent}": radius for percent, radius in zip((20, 50, 80, 90), radii, strict=True)}
    measures["concentration"] = 5 * np.log10(measures["radius_80"] / measures["radius_20"])
    positive = np.maximum(light.above, 0)
    total = positive[:, grid.disc].sum(axis=1)
    for radius in _WITHIN:
        inside = positive[:, grid.radius < radius].sum(axis=1)
        measures[f"light_within_{radius}"] = ratio(inside, total, grid.disc.sum())
    measures["central_brightness"] = light.above[:, grid.radius < 1 / 32].mean(axis=1)
    measures["sky"] = light.sky
    return measures


def _radii(light: np.ndarray, grid: Grid, fractions: tuple[float, ...]) -> list[np.ndarray]:
    """Radii (B,) of circles with these fractions of the light (B, H, W), in units of H.

    The circle through a ring of pixel centres counts as having the area of all pixels up to that ring; between rings
    the light grows linearly with area.
    """
    squared = np.round((2 * grid.radius * len(grid.radius)) ** 2).ravel()  # whole numbers: equal radii are equal
    order = np.argsort(squared, kind="stable")
    starts = np.flatnonzero(np.diff(squared[order], prepend=-1))
    area = np.append(starts, squared.size).astype(float)
    rings = np.add.reduceat(light.reshape(len(light), -1)[:, order], starts, axis=1)
    growth = np.cumsum(np.pad(rings, ((0, 0), (1, 0))), axis=1)
    rows, radii = np.arange(len(light)), []
    for fraction in fractions:
        target = fraction * growth[:, -1]
        ring = (growth < target[:, None]).sum(axis=1)
        part = (target - growth[rows, ring - 1]) / (growth[rows, ring] - growth[rows, ring - 1])
        covered = area[ring - 1] + part * (area[ring] - area[ring - 1])
        radii.append(np.sqrt(covered / np.pi) / len(grid.radius))
    return radii

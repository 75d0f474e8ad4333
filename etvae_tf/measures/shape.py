"""Ellipticity of the whole and angular structure ring by ring."""

from __future__ import annotations

import numpy as np

from etvae_tf.measures.light import Light, ratio

__all__ = ["shape_measures"]

_RINGS = ((3 / 64, 7 / 64), (7 / 64, 12 / 64), (12 / 64, 20 / 64))  # of H: core, bar and inner arms, outer arms
_ORDERS = (1, 2, 3, 4)


def shape_measures(light: Light) -> dict[str, np.ndarray]:
    """Shape of the light: arrays (B,).

    Returns:
        ellipticity: 1 - b / a of the second central moments of the region's light.
        ring_R_order_m: amplitude |sum I exp(-i m t)| / sum |I| of the m-th angular harmonic, t the angle, in rings that
            reach from 3 to 7, 7 to 12 and 12 to 20 sixty-fourths of H; lopsided light has m = 1, a bar or two arms
            m = 2 (Rix & Zaritsky 1995).
    """
    grid = light.grid
    values, total = light.light, light.light.sum(axis=(1, 2))
    x, y = grid.x, grid.y
    mean_x, mean_y = (np.sum(values * axis, axis=(1, 2)) / total for axis in (x, y))
    xx, yy, xy = (np.sum(values * product, axis=(1, 2)) / total for product in (x * x, y * y, x * y))
    xx, yy, xy = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    difference, trace = np.hypot(xx - yy, 2 * xy), xx + yy + 1e-12
    axis_ratio = np.sqrt(np.maximum(trace - difference, 0) / (trace + difference))
    measures = {"ellipticity": 1 - axis_ratio}
    for number, (inner, outer) in enumerate(_RINGS, start=1):
        ring = grid.annulus(inner, outer)
        total = np.tensordot(np.abs(light.above), ring)
        waves = ring[..., None] * np.exp(-1j * grid.angle[..., None] * np.array(_ORDERS))
        amplitudes = np.abs(np.tensordot(light.above, waves))
        for order, amplitude in zip(_ORDERS, amplitudes.T, strict=True):
            measures[f"ring_{number}_order_{order}"] = ratio(amplitude, total, ring.sum())
    return measures

"""How uneven the light is: asymmetry, smoothness and clumpiness, Gini coefficient, M20."""

from __future__ import annotations

import numpy as np

from etvae_tf.measures.light import Light, ratio

__all__ = ["structure_measures"]

_SCALES = (1, 2, 4)  # sixty-fourths of H
_CORE = 1 / 32  # of H: left out of smoothness, where the peak itself is what smoothing takes away
_SMALLEST_MOMENT = 1e-9  # of light times H squared, so that a single pixel has an M20


def structure_measures(light: Light) -> dict[str, np.ndarray]:
    """Unevenness of the light: arrays (B,).

    The papers take the sky's own unevenness off, measured on empty sky; a cutout's rim is too small and holds
    neighbours, so nothing is taken off here.

    Returns:
        asymmetry, asymmetry_quarter: A = sum |I - I_turned| / sum |I| (Conselice et al. 2000; Lotz et al. 2004, eq. 10)
            by half a turn and by a quarter about the middle of the picture, over the region and its turned copies.
        smoothness_S: sum |I - I_S| / sum |I| (Lotz et al. 2004, eq. 11), I_S smoothed by a Gaussian of S sixty-fourths
            of H, over the region without its core.
        clumpiness_S: the same of positive differences alone (Conselice 2003, without its factor 10).
        gini: G = sum_i (2 i - n - 1) X_i / (mean(X) n (n - 1)), X_i the region's n pixels in rising order (Lotz et al.
            2004, eq. 6): 0 for constant light, 1 for a single bright pixel.
        m20: log10(M_20 / M_tot), M the second moment about the centroid of the brightest pixels that make 20 % of the
            light, and of all (Lotz et al. 2004, eq. 8); pixels of equal brightness count alike.
    """
    return _asymmetry(light) | _smoothness(light) | {"gini": _gini(light), "m20": _m20(light)}


def _asymmetry(light: Light) -> dict[str, np.ndarray]:
    measures = {}
    for name, turns in (("asymmetry", (0, 2)), ("asymmetry_quarter", (0, 1, 2, 3))):
        region = np.any([np.rot90(light.region, turn, axes=(1, 2)) for turn in turns], axis=0)
        difference = np.abs(light.above - np.rot90(light.above, turns[1], axes=(1, 2)))
        measures[name] = _share(difference, region, light)
    return measures


def _smoothness(light: Light) -> dict[str, np.ndarray]:
    measures = {}
    region = light.region & (light.grid.radius > _CORE)
    for scale in _SCALES:
        difference = light.above - light.smoothed(scale / 64)
        measures[f"smoothness_{scale}"] = _share(np.abs(difference), region, light)
        measures[f"clumpiness_{scale}"] = _share(np.maximum(difference, 0), region, light)
    return measures


def _share(difference: np.ndarray, region: np.ndarray, light: Light) -> np.ndarray:
    """Sum over the region of a difference (B, H, W) over the sum of |I|: array (B,)."""
    total = np.sum(np.abs(light.above) * region, axis=(1, 2))
    return ratio(np.sum(difference * region, axis=(1, 2)), total, region.sum(axis=(1, 2)))


def _gini(light: Light) -> np.ndarray:
    rising = np.sort(light.light.reshape(len(light.light), light.grid.radius.size), axis=1)
    n = light.region.sum(axis=(1, 2))[:, None]
    rank = np.arange(1, rising.shape[1] + 1) - rising.shape[1] + n  # the zeros outside the region come first
    return np.sum((2 * rank - n - 1) * rising, axis=1) / (rising.sum(axis=1) * np.maximum(n[:, 0] - 1, 1))


def _m20(light: Light) -> np.ndarray:
    values = light.light.reshape(len(light.light), light.grid.radius.size)
    total = values.sum(axis=1)
    x, y = light.grid.x.ravel(), light.grid.y.ravel()
    centre_x, centre_y = values @ x / total, values @ y / total
    moment = values * ((x - centre_x[:, None]) ** 2 + (y - centre_y[:, None]) ** 2)
    falling = np.sort(values, axis=1)[:, ::-1]
    crossing = np.sum(np.cumsum(falling, axis=1) < 0.2 * total[:, None], axis=1)
    edge = falling[np.arange(len(values)), crossing][:, None]  # the faintest of the brightest pixels
    brighter, equal = values > edge, values == edge
    part = (0.2 * total - np.sum(values * brighter, axis=1)) / np.sum(values * equal, axis=1)
    brightest = np.sum(moment * brighter, axis=1) + part * np.sum(moment * equal, axis=1)
    return np.log10((brightest + _SMALLEST_MOMENT) / (moment.sum(axis=1) + _SMALLEST_MOMENT))

"""Colours of the whole galaxy and of its middle."""

from __future__ import annotations

import numpy as np

from etvae_tf.measures.light import Light, ratio

__all__ = ["colour_measures"]

_MIDDLE = 1 / 16  # of H


def colour_measures(light: Light) -> dict[str, np.ndarray]:
    """Brightness in red, green and blue over the mean of the three, above each one's sky: arrays (B,).

    Returns:
        red, green, blue over the region, and central_red, central_green, central_blue within H / 16 of the middle;
        nothing for grey pictures.
    """
    if light.colours.shape[-1] == 1:
        return {}
    middle = np.broadcast_to(light.grid.radius < _MIDDLE, light.region.shape)
    measures = {}
    for where, pixels in (("", light.region), ("central_", middle)):
        total, count = np.sum(np.maximum(light.above, 0) * pixels, axis=(1, 2)), pixels.sum(axis=(1, 2))
        for colour, brightness in zip(("red", "green", "blue"), np.moveaxis(light.colours, -1, 0), strict=True):
            measures[where + colour] = ratio(np.sum(brightness * pixels, axis=(1, 2)), total, count)
    return measures

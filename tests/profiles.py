"""Galaxies of analytic profile, whose measures are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from scipy.special import gammaincinv

__all__ = ["draw", "sersic", "spiral"]

_SUBPIXELS = 5  # a side: profiles are averaged over each pixel


def draw(
    brightness: Callable[[np.ndarray, np.ndarray], np.ndarray], size: int = 64, sky: float = 0.0, blur: float = 0.0
) -> np.ndarray:
    """Picture (1, H, W, 1) in [0, 1] of a brightness over x and y (in units of H) blurred by a Gaussian of `blur` H.

    The brightest point, not pixel, is at 0.9.
    """
    axis = (np.arange(size * _SUBPIXELS) + 0.5) / (size * _SUBPIXELS) - 0.5
    light = np.maximum(brightness(axis[None, :], -axis[:, None]), 0)
    if blur:
        light = ndimage.gaussian_filter(light, blur * len(axis))
    pixels = light.reshape(size, _SUBPIXELS, size, _SUBPIXELS).mean(axis=(1, 3)) / light.max()
    return (sky + (0.9 - sky) * pixels)[None, :, :, None]


def sersic(index: float, radius: float, axis_ratio: float = 1.0, angle: float = 0.0) -> Callable:
    """Sersic profile of half-light radius `radius` along the major axis (in units of H), turned by `angle`."""
    steepness = gammaincinv(2 * index, 0.5)

    def brightness(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, across = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
        return np.exp(-steepness * (np.hypot(along, across / axis_ratio) / radius) ** (1 / index))

    return brightness


def spiral(angle: float, contrast: float = 0.8, arms: int = 2, winding: float = 3.0) -> Callable:
    """Disc of half-light radius 0.12 H, inclined to an axis ratio of 0.7, with logarithmic arms; turned by `angle`."""
    disc = sersic(1, 0.12, 0.7, angle)

    def brightness(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, across = np.cos(angle) * x + np.sin(angle) * y, (-np.sin(angle) * x + np.cos(angle) * y) / 0.7
        phase = arms * (np.arctan2(across, along) - winding * np.log(np.hypot(along, across) + 0.05))
        return disc(x, y) * (1 + contrast * np.cos(phase) + 0.2 * along / 0.5)

    return brightness

"""The light that is measured: pictures above their sky, and the region that belongs to the galaxy in the middle.

Lengths are in units of the picture's side H, so that one galaxy has the same measures at every size of its picture.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

__all__ = ["DISC", "Grid", "Light", "find_light", "ratio"]

_RIM = 0.46  # of H: the corners and the outermost pixels beyond it show sky
DISC = 0.45  # of H: nothing outside belongs to the galaxy
_MIDDLE = 3 / 64  # of H: the brightest pixel this near to the middle is the galaxy's peak
_FAINTEST = 0.02  # of [0, 1]: five grey levels; sky fluctuates by less after smoothing
_FAINTEST_OF_PEAK = 0.05
_NO_GALAXY = 1 / 8  # of H: radius of the region where nothing in the middle stands out
_CONNECTED = np.array([np.zeros((3, 3)), [[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.zeros((3, 3))])
_SMALLEST = 1e-3  # of [0, 1], a quarter of a grey level: mean brightness that counts as none in a ratio


@dataclass(frozen=True)
class Grid:
    """Pixel centres of a picture (H, W), from its middle: x right, y up and radius in units of H, angle in radians."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray

    @staticmethod
    @functools.lru_cache(maxsize=8)
    def of(size: int) -> Grid:
        """The grid of pictures with H = W = `size`."""
        axis = (np.arange(size) - (size - 1) / 2) / size
        x, y = np.meshgrid(axis, -axis)
        return Grid(x, y, np.sqrt(x**2 + y**2), np.arctan2(y, x))

    @property
    def rim(self) -> np.ndarray:
        """Where the sky is estimated: bool array (H, W)."""
        return self.radius > _RIM

    @property
    def disc(self) -> np.ndarray:
        """Where a galaxy may be: bool array (H, W)."""
        return self.radius < DISC

    def annulus(self, inner: float, outer: float) -> np.ndarray:
        """Weights (H, W) of pixels between two radii, those on an edge counting in part: a hard edge is a polygon."""
        size = len(self.radius)
        past_inner = np.clip((self.radius - inner) * size + 0.5, 0, 1) if inner > 0 else 1.0
        return past_inner * np.clip((outer - self.radius) * size + 0.5, 0, 1)


@dataclass(frozen=True)
class Light:
    """B pictures, ready to be measured, in float64.

    Attributes:
        grid: where the pixels are.
        sky: array (B,), median brightness of the rim, in [0, 1].
        colours: array (B, H, W, C), brightness above the sky of each colour.
        above: array (B, H, W), brightness above the sky, mean over colours.
        region: bool array (B, H, W), the galaxy's pixels.
        light: array (B, H, W), `above` where positive and inside the region, else 0. Where that is 0 everywhere (a
            black, white or constant picture) the light counts as constant over the region.
    """

    grid: Grid
    sky: np.ndarray
    colours: np.ndarray
    above: np.ndarray
    region: np.ndarray
    light: np.ndarray

    def smoothed(self, sigma: float) -> np.ndarray:
        """`above` after a Gaussian of `sigma` (in units of H): array (B, H, W)."""
        return _smooth(self.above, sigma)


def find_light(pictures: np.ndarray) -> Light:
    """Pictures (B, H, W, C) in [0, 1], sky taken off and the galaxy in the middle found.

    The galaxy is what hangs together with the middle of the picture and is, smoothed by H / 64, brighter than 2 % of
    the range and 5 % of its peak; where there is no such thing, the disc of radius H / 8.
    """
    grid = Grid.of(pictures.shape[1])
    above = pictures.mean(axis=-1)
    sky = np.median(above[:, grid.rim], axis=1)
    above = above - sky[:, None, None]
    colours = pictures - np.median(pictures[:, grid.rim], axis=1)[:, None, None, :]
    region = _galaxy(above, grid)
    light = np.where(region, np.maximum(above, 0), 0)
    dark = ~light.any(axis=(1, 2))
    light[dark] = region[dark]
    return Light(grid, sky, colours, above, region, light)


def ratio(numerator: np.ndarray, denominator: np.ndarray, pixels: np.ndarray | float) -> np.ndarray:
    """numerator / denominator, two sums over `pixels` pixels; near 0 where both are below a quarter grey level."""
    return numerator / (denominator + _SMALLEST * np.maximum(pixels, 1))


def _galaxy(above: np.ndarray, grid: Grid) -> np.ndarray:
    """The galaxy's pixels: bool array (B, H, W)."""
    peak = above[:, grid.radius < _MIDDLE].max(axis=1)
    threshold = np.maximum(_FAINTEST, _FAINTEST_OF_PEAK * peak)[:, None, None]
    labels, count = ndimage.label((_smooth(above, 1 / 64) > threshold) & grid.disc, _CONNECTED)
    central = np.zeros(count + 1, bool)
    central[labels[:, grid.radius < max(1.0, 64 / len(grid.radius)) / 64]] = True
    central[0] = False
    region = central[labels]
    region[~region.any(axis=(1, 2))] = grid.radius < _NO_GALAXY
    return region


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    pixels = sigma * values.shape[1]
    return ndimage.gaussian_filter(values, (0, pixels, pixels))

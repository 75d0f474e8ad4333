"""Faults that surveys' pictures have, planted into whole ones: star trails, saturated stars and cut frames.

All lengths are shares of the picture's side, so that pictures of any size get the same faults.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["FAULTS", "plant_faults"]

_Plant = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def plant_faults(images: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Plants a fault into a share of the pictures, which are drawn; as many of each kind as the share allows.

    Args:
        images: uint8 array (N, H, W, C), H = W.
        share: of the pictures that get a fault, in [0, 1].
        seed: of which pictures, which kind, and where in the picture.

    Returns:
        The pictures, uint8 array (N, H, W, C); and the kind of fault of each, array (N,) of keys of `FAULTS`, empty
        where there is none.
    """
    random = np.random.default_rng(seed)
    planted, kinds = images.copy(), np.full(len(images), "", dtype="U16")
    for place, row in enumerate(random.permutation(len(images))[: round(share * len(images))]):
        kinds[row] = list(FAULTS)[place % len(FAULTS)]
        picture = FAULTS[kinds[row]](images[row] / 255.0, random)
        planted[row] = np.round(255 * np.clip(picture, 0, 1))
    return planted, kinds


def _star_trails(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One to three straight bright lines through the picture, as satellites and aeroplanes draw.

    Each is 1 to 2 % of the side wide (Gaussian), passes the middle at up to 0.3 of the side, and is 0.3 to 0.8 bright.
    """
    down, right = _offsets(picture)
    for _ in range(random.integers(1, 4)):
        angle, away = random.uniform(0, np.pi), random.uniform(-0.3, 0.3)
        width, brightness = random.uniform(0.01, 0.02), random.uniform(0.3, 0.8)
        across = np.cos(angle) * right + np.sin(angle) * down - away
        picture = picture + brightness * np.exp(-0.5 * (across / width) ** 2)[:, :, None]
    return picture


def _saturated_star(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A white disc with a halo, four diffraction spikes and a column of charge that bled.

    It stands 0.1 to 0.45 of the side from the middle; its radius is 4 to 10 % of the side.
    """
    down, right = _offsets(picture)
    angle, away, radius = random.uniform(0, 2 * np.pi), random.uniform(0.1, 0.45), random.uniform(0.04, 0.1)
    down, right = np.abs(down - away * np.sin(angle)), np.abs(right - away * np.cos(angle))
    halo = np.exp(-np.maximum(np.hypot(down, right) - radius, 0) / (0.4 * radius))
    thin, long = 0.12 * radius, 2.5 * radius
    spikes = np.exp(-right / long - (down / thin) ** 2) + np.exp(-down / long - (right / thin) ** 2)
    bleeding = (right < 0.15 * radius) & (down < 5 * radius)
    return np.maximum(picture, (halo + spikes + bleeding)[:, :, None])


def _cut_frame(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A side of the picture, 20 to 50 % of it, lies off the frame: it is black or has one grey level up to 0.5."""
    turns, rows = random.integers(4), round(random.uniform(0.2, 0.5) * len(picture))
    cut = np.rot90(picture, turns).copy()
    cut[:rows] = random.choice([0.0, random.uniform(0, 0.5)])
    return np.rot90(cut, -turns)


def _offsets(picture: np.ndarray) -> np.ndarray:
    """How far each pixel lies below and to the right of the middle, float array (2, H, W), in sides."""
    size = len(picture)
    return (np.indices(picture.shape[:2]) + 0.5) / size - 0.5


FAULTS: dict[str, _Plant] = {
    "star trails": _star_trails,
    "saturated star": _saturated_star,
    "cut frame": _cut_frame,
}
"""What each kind of fault does to a picture, float array (H, W, C) in [0, 1]; what exceeds 1 is cut off afterwards."""

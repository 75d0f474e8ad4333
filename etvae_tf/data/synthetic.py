"""Synthetic galaxies of known morphology, fractions and position angle: functions of (seed, index).

Surface brightness of bulge + disc (Sersic), logarithmic spiral arms and a bar in the disc's plane, inclined, turned,
blurred by a Gaussian PSF, with field stars, artefacts, noise and the asinh stretch of SDSS (Lupton et al. 2004).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from etvae_tf.data.questions import Questions
from etvae_tf.data.schema import SMOOTH_OR_FEATURED

__all__ = ["QUESTIONS", "SyntheticGalaxies", "synthesise"]

QUESTIONS = Questions((SMOOTH_OR_FEATURED,))

_CHUNK = 128  # galaxies drawn at once: their arrays stay in the cache
_CONCENTRATION = 25.0  # of the Dirichlet from which a galaxy's volunteers are drawn
_STARS = 3  # field stars per picture, most of them too faint to see
_COLOUR = {  # relative brightness in i, r, g (red, green, blue of the picture)
    "bulge": (1.10, 1.00, 0.82),
    "disc": (1.00, 1.00, 0.96),
    "arms": (0.90, 1.00, 1.18),
}


@dataclass(frozen=True)
class SyntheticGalaxies:
    """N galaxies and what only a simulation knows of them.

    Attributes:
        ids: str array (N,).
        images: uint8 array (N, H, W, C).
        votes: float32 array (N, 3), 30 to 50 votes over the answers of `QUESTIONS`.
        fractions: float32 array (N, 3), the true vote fractions.
        pose: float32 array (N,), position angle of the major axis in radians, counter-clockwise from +x, in [0, pi);
            NaN for artefacts.
    """

    ids: np.ndarray
    images: np.ndarray
    votes: np.ndarray
    fractions: np.ndarray
    pose: np.ndarray


def synthesise(n: int, seed: int = 0, image_size: int = 64, channels: int = 1, start: int = 0) -> SyntheticGalaxies:
    """Draws galaxies start, ..., start + n - 1 of the sky `seed`.

    Args:
        n: how many.
        seed: of the sky, >= 0.
        image_size: H = W, in pixels.
        channels: C, 1 (grey) or 3 (colour).
        start: index of the first.

    Returns:
        The galaxies; galaxy i of a sky is the same whatever n and start.
    """
    indices = np.array_split(np.arange(start, start + n), max(1, -(-n // _CHUNK)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(lambda chunk: _draw(chunk, seed, image_size, channels), indices))
    images, votes, fractions, pose = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    ids = np.array([f"synthetic-{seed}-{index}" for index in range(start, start + n)], dtype=str)
    return SyntheticGalaxies(ids, images, votes, fractions, pose)


def _draw(indices: np.ndarray, seed: int, size: int, channels: int) -> tuple[np.ndarray, ...]:
    """Pictures (N, H, W, C), votes (N, 3), fractions (N, 3) and position angles (N,) of some galaxies."""
    uniform = np.empty((len(indices), 32), np.float32)
    noise = np.empty((len(indices), size, size, channels), np.float32)
    votes = np.empty((len(indices), 3), np.float32)
    generators = [np.random.Generator(np.random.Philox(key=[seed, index])) for index in indices]
    for row, generator in enumerate(generators):
        uniform[row] = generator.random(32, dtype=np.float32)
        generator.standard_normal(out=noise[row], dtype=np.float32)
    galaxy = _parameters(uniform, size)
    fractions = _fractions(galaxy)
    for row, generator in enumerate(generators):
        volunteers = generator.dirichlet(_CONCENTRATION * fractions[row] + 1e-3)
        votes[row] = generator.multinomial(generator.integers(30, 51), volunteers)
    images = _expose(_light(galaxy, size, channels), galaxy, noise)
    pose = np.where(galaxy["artefact"], np.nan, galaxy["angle"])
    return images, votes, fractions.astype(np.float32), pose.astype(np.float32)


def _parameters(uniform: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Morphology (N,) of galaxies from 32 uniform numbers each."""
    u = iter(uniform.T)

    def between(low: float, high: float) -> np.ndarray:
        return low + (high - low) * next(u)

    kind = next(u)
    elliptical, artefact = kind < 0.36, kind > 0.985
    spiral = ~elliptical & (next(u) < 0.72)
    barred = ~elliptical & (next(u) < 0.38)
    face_on = np.where(elliptical, between(0.55, 1.0), np.clip(between(0.12, 1.05), 0.14, 1.0))
    arms = np.select([next(u) < 0.75, next(u) < 0.7], [2, 3], 4)
    return {
        "elliptical": elliptical,
        "artefact": artefact,
        "angle": between(0.0, np.pi),
        "axis_ratio": face_on,
        "radius": np.where(elliptical, between(0.12, 0.20), between(0.14, 0.24)) * size,
        "bulge": np.where(elliptical, 1.0, between(0.1, 0.7) ** 1.5 + 0.06),
        "bulge_radius": np.where(elliptical, 1.0, between(0.18, 0.4)),
        "sersic": np.where(elliptical, between(1.3, 3.5), between(1.0, 2.5)),
        "arms": arms,
        "arm_contrast": np.where(spiral, between(0.1, 1.0) ** 1.5, 0.0),
        "arm_sharpness": between(1.0, 3.0),
        "winding": between(1.8, 5.0) * np.where(next(u) < 0.5, 1, -1),
        "arm_phase": between(0.0, 2 * np.pi),
        "bar": np.where(barred, between(0.15, 0.5), 0.0),
        "bar_length": between(0.6, 1.1),
        "bar_angle": between(0.0, np.pi),
        "lopsided": between(0.03, 0.3),
        "clumps": np.where(spiral, between(0.0, 0.5), 0.0),
        "psf": between(0.011, 0.021) * size,
        "peak": np.exp(between(np.log(0.7), np.log(2.6))),
        "noise": between(0.008, 0.025),
        "sky": between(0.02, 0.05),
        "star_x": np.stack([between(-0.5, 0.5) * size for _ in range(_STARS)], axis=-1),
    } | _stars(uniform, size)


def _stars(uniform: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Field stars (N, stars), from numbers the morphology has used, scrambled: they need no more randomness."""
    scrambled = (uniform[:, : 2 * _STARS] * 977.0) % 1.0
    return {"star_y": (scrambled[:, :_STARS] - 0.5) * size, "star_flux": 0.9 * scrambled[:, _STARS:] ** 6}


def _fractions(galaxy: dict[str, np.ndarray]) -> np.ndarray:
    """True vote fractions (N, 3): what of the structure can be seen decides."""
    open_view = np.clip(galaxy["axis_ratio"] / 0.5, 0.3, 1.0)
    visible = np.clip((galaxy["peak"] / galaxy["noise"] - 12) / 80, 0.2, 1.0)
    arms = galaxy["arm_contrast"] * (1 - 0.6 * galaxy["bulge"]) * open_view
    edge = np.clip(0.45 - galaxy["axis_ratio"], 0, None) * 5.0
    featured = -0.6 + visible * (6.5 * arms + 3.5 * galaxy["bar"] * open_view + 1.5 * galaxy["clumps"]) + edge
    featured = np.where(galaxy["elliptical"], -2.4 + 1.5 * (1 - galaxy["axis_ratio"]), featured)
    artefact = np.where(galaxy["artefact"], 3.5, -4.2 + 0.8 * (1 - visible))
    weights = np.exp(np.stack([np.zeros_like(featured), featured, artefact], axis=-1))
    return weights / weights.sum(axis=-1, keepdims=True)


def _light(galaxy: dict[str, np.ndarray], size: int, channels: int) -> np.ndarray:
    """Brightness before the atmosphere: float32 array (N, H, W, C)."""
    g = {name: value.astype(np.float32)[:, None, None] for name, value in galaxy.items() if value.ndim == 1}
    axis = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    x, y = axis[None, None, :], -axis[None, :, None]
    along = np.cos(g["angle"]) * x + np.sin(g["angle"]) * y
    across = (-np.sin(g["angle"]) * x + np.cos(g["angle"]) * y) / g["axis_ratio"]
    radius = np.sqrt(along**2 + across**2) / g["radius"] + np.float32(1e-3)
    phase = np.arctan2(across, along)
    disc = np.exp(-1.68 * radius) * (1 + g["lopsided"] * radius * np.cos(phase - 2 * g["bar_angle"]))
    disc = np.maximum(disc, 0)
    log_radius = np.log(radius)
    wave = np.cos(g["arms"] * (phase - g["arm_phase"] - g["winding"] * np.maximum(log_radius, -1.2)))
    ramp = np.clip((radius - 0.25) / 0.5, 0, 1)
    arms = g["arm_contrast"] * ramp * (np.exp(g["arm_sharpness"] * (wave - 1)) * 2.2 - 0.55)
    clumps = 1 + g["clumps"] * ramp * np.sin(9 * phase + 3 * g["arm_phase"]) * np.sin(11 * radius + 5 * phase)
    turn = phase - g["bar_angle"]
    bar_x, bar_y = radius * np.cos(turn), radius * np.sin(turn)
    bar = 2.0 * g["bar"] * np.exp(-np.square(np.square(bar_x / g["bar_length"])) - np.square(bar_y / 0.18))
    fall = np.exp((log_radius - np.log(g["bulge_radius"])) / g["sersic"])
    bulge = 4.0 * g["bulge"] * np.exp(-(2 * g["sersic"] - 0.33) * (fall - 0.3))
    bulge = np.where(g["elliptical"] > 0, 0.25 * bulge, bulge)
    parts = {"bulge": bulge + bar, "disc": disc * (g["elliptical"] == 0), "arms": disc * arms * clumps}
    light = np.stack(
        [sum(_COLOUR[name][channel] * part for name, part in parts.items()) for channel in range(3)], axis=-1
    )
    return light if channels == 3 else light.mean(axis=-1, keepdims=True)


def _expose(light: np.ndarray, galaxy: dict[str, np.ndarray], noise: np.ndarray) -> np.ndarray:
    """From light (N, H, W, C) to pictures: PSF, field stars, artefacts, photon noise, sky, stretch; uint8."""
    size, channels = light.shape[1], light.shape[3]
    blur = _gaussian_matrix(galaxy["psf"], size)
    flat = np.matmul(blur, light.reshape(len(light), size, size * channels))
    light = np.matmul(blur[:, None], flat.reshape(light.shape))
    light *= (galaxy["peak"] / light.reshape(len(light), -1).max(axis=1))[:, None, None, None].astype(np.float32)
    light[galaxy["artefact"]] = 0.0
    light += _point_sources(galaxy, size)[..., None]
    sigma = galaxy["noise"].astype(np.float32)[:, None, None, None]
    light += sigma * np.sqrt(1 + 4 * light) * noise
    sky = galaxy["sky"].astype(np.float32)[:, None, None, None]
    stretched = sky + 0.42 * np.arcsinh(light / 0.35)
    return (np.clip(stretched, 0, 1) * 255 + 0.5).astype(np.uint8)


def _gaussian_matrix(sigma: np.ndarray, size: int) -> np.ndarray:
    """Blur along one axis as a matrix (N, size, size) with rows of sum 1 away from the edges."""
    offset = np.subtract.outer(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    kernel = np.exp(-0.5 * (offset / sigma[:, None, None].astype(np.float32)) ** 2)
    return kernel / kernel.sum(axis=2).max(axis=1)[:, None, None]


def _point_sources(galaxy: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Field stars everywhere; in artefacts a saturated star with spikes and a satellite's trail: (N, H, W)."""
    axis = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    width = galaxy["psf"].astype(np.float32)[:, None, None] * 1.3
    light = np.zeros((len(width), size, size), np.float32)
    for star in range(_STARS):
        x, y, flux = (galaxy[f"star_{name}"][:, star].astype(np.float32)[:, None] for name in ("x", "y", "flux"))
        column = np.exp(-0.5 * ((axis[None] - x) / width[:, 0]) ** 2)
        row = flux * np.exp(-0.5 * ((axis[None] + y) / width[:, 0]) ** 2)
        light += row[:, :, None] * column[:, None, :]
    which = galaxy["artefact"]
    if which.any():
        light[which] += _artefacts({name: value[which] for name, value in galaxy.items()}, axis)
    return light


def _artefacts(galaxy: dict[str, np.ndarray], axis: np.ndarray) -> np.ndarray:
    """A star too bright for the camera, with four spikes, and a trail across the picture: (N, H, W)."""
    size = len(axis)
    angle, width = (galaxy[name].astype(np.float32)[:, None, None] for name in ("angle", "psf"))
    x, y = axis[None, None, :] - galaxy["star_x"][:, 0, None, None] * 0.2, -axis[None, :, None]
    halo = 9.0 * np.exp(-np.sqrt(x**2 + y**2) / (2.5 * width))
    spikes = 3.0 * (np.exp(-np.abs(x) / width) * np.exp(-np.abs(y) / (0.2 * size))
                    + np.exp(-np.abs(y) / width) * np.exp(-np.abs(x) / (0.2 * size)))  # fmt: skip
    distance = np.sin(angle) * x - np.cos(angle) * y - 0.2 * size
    trail = 2.0 * np.exp(-0.5 * (distance / width) ** 2)
    star = (galaxy["arm_phase"] < 4.5)[:, None, None]
    return np.where(star, halo + spikes, trail).astype(np.float32)

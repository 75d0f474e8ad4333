"""Oriented energies: a wavelet scattering transform, averaged over place and orientation (Bruna & Mallat 2013).

A picture passes Morlet wavelets of four scales and eight orientations; the modulus is averaged (order 1), or passes
wavelets of the larger scales again and then is averaged (order 2: bars, arms and rings differ here). What depends on
the picture's orientation is averaged away: order 1 over orientation, order 2 over pairs of orientations of equal
difference.

    psi_jl(k) = exp(-((u - q)^2 / 2 + 2 v^2) / s^2) - c exp(-(u^2 / 2 + 2 v^2) / s^2),  q = 24 / 2^j,  s = 12.7 / 2^j,
    S_1 = <|x * psi_jl|>,  S_2 = <||x * psi_jl| * psi_JL|>,  j = 0, ..., 3,  J > j,

where frequencies are in cycles per picture, u along and v across the orientation pi l / 8, and c makes psi_jl(0) = 0:
wavelengths are 1/24 to 1/3 of the picture, whatever its size in pixels.
"""

from __future__ import annotations

import functools

import numpy as np

from etvae_tf.measures.light import Light

__all__ = ["scattering_measures"]

_ORIENTATIONS = 8
_FREQUENCY, _WIDTH = 24.0, 12.7  # cycles per picture, of the finest scale; both halve from scale to scale
_SAMPLES = (64, 40, 20, 12)  # points a side at which each scale is kept; its frequencies above half as many are dropped
_FADE = (0.44, 0.48)  # of H: radii between which the picture fades out, so that its border is no edge
_WINDOW = 0.16  # of H: standard deviation of the Gaussian over which the middle is averaged
_SMALLEST = 1e-4  # of [0, 1], added before the logarithm


def scattering_measures(light: Light) -> dict[str, np.ndarray]:
    """log(energy + 1e-4) of 39 energies, averaged over the middle and over the whole picture: arrays (B,).

    Returns:
        wavelet_PLACE_0: mean brightness, PLACE = middle or whole; scales are counted from 1, the finest.
        wavelet_PLACE_j: S_1 of scale j, mean over orientation l.
        wavelet_PLACE_j_order: modulus of the mean of S_1 exp(2 pi i l / 8), how much one orientation prevails.
        wavelet_PLACE_j_J_d: S_2 over scales j and J, mean over pairs of orientations d (0 to 4) eighths of pi apart.
    """
    size = len(light.grid.radius)
    inner, outer = _FADE
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((light.grid.radius - inner) / (outer - inner), 0, 1))
    picture = (light.above * fade).astype(np.float32)
    energies = _averages("0", picture)
    spectrum = _to_spectrum(picture, min(_limit(0), (size - 1) // 2))
    for scale in range(len(_SAMPLES)):
        modulus = np.abs(_filtered(spectrum, scale))
        averages = _averages("", modulus)
        for place, values in averages.items():
            order = np.abs(values @ np.exp(2j * np.pi * np.arange(_ORIENTATIONS) / _ORIENTATIONS)) / _ORIENTATIONS
            energies[f"{place}{scale + 1}"] = values.mean(axis=1)
            energies[f"{place}{scale + 1}_order"] = order
        for larger in range(scale + 1, len(_SAMPLES)):
            again = _to_spectrum(modulus, _limit(larger))
            pairs = _averages("", np.abs(_filtered(again, larger)))
            for place, values in pairs.items():
                for difference, mean in enumerate(_by_difference(values)):
                    energies[f"{place}{scale + 1}_{larger + 1}_{difference}"] = mean
    return {f"wavelet_{name}": np.log(np.abs(energy) + _SMALLEST) for name, energy in energies.items()}


def _limit(scale: int) -> int:
    """Highest frequency kept at a scale, in cycles per picture."""
    return (_SAMPLES[scale] - 1) // 2


def _averages(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Means over the last two axes, weighted by the window on the middle and plain."""
    axis = (np.arange(values.shape[-1]) - (values.shape[-1] - 1) / 2) / values.shape[-1]
    window = np.exp(-0.5 * (axis / _WINDOW) ** 2)
    window = (window / window.sum()).astype(np.float32)
    return {f"middle_{name}": values @ window @ window, f"whole_{name}": values.mean(axis=(-2, -1))}


def _by_difference(values: np.ndarray) -> list[np.ndarray]:
    """Means of (B, first, second orientation) over pairs of equal difference, 0 to 4 eighths of pi: arrays (B,)."""
    steps = np.subtract.outer(np.arange(_ORIENTATIONS), np.arange(_ORIENTATIONS)) % _ORIENTATIONS
    steps = np.minimum(steps, _ORIENTATIONS - steps)
    return [values[:, steps == difference].mean(axis=1) for difference in range(_ORIENTATIONS // 2 + 1)]


def _to_spectrum(values: np.ndarray, limit: int) -> np.ndarray:
    """Fourier coefficients (..., 2 limit + 1, 2 limit + 1) about the middle; frequencies -limit to limit."""
    basis = _basis(values.shape[-1], limit)
    return basis.conj() @ values @ basis.conj().T / np.float32(values.shape[-1] ** 2)


def _filtered(spectrum: np.ndarray, scale: int) -> np.ndarray:
    """The picture after the wavelets of a scale: complex array (..., orientations, samples, samples)."""
    limit = min(_limit(scale), spectrum.shape[-1] // 2)
    margin = spectrum.shape[-1] // 2 - limit
    kept = spectrum[..., margin : spectrum.shape[-1] - margin, margin : spectrum.shape[-1] - margin]
    basis = _basis(_SAMPLES[scale], limit)
    return basis.T @ (kept[..., None, :, :] * _wavelets(scale, limit)) @ basis


@functools.lru_cache(maxsize=64)
def _basis(size: int, limit: int) -> np.ndarray:
    """exp(2 pi i k n / size), k from -limit to limit and n from the middle of `size` points: complex64 array."""
    n = np.arange(size) - (size - 1) / 2
    return np.exp(2j * np.pi * np.outer(np.arange(-limit, limit + 1), n) / size).astype(np.complex64)


@functools.lru_cache(maxsize=64)
def _wavelets(scale: int, limit: int) -> np.ndarray:
    """psi of all orientations at frequencies -limit to limit: float32 array (orientations, rows, columns)."""
    k = np.arange(-limit, limit + 1)
    centre, width = _FREQUENCY / 2**scale, _WIDTH / 2**scale
    angle = np.pi * np.arange(_ORIENTATIONS)[:, None, None] / _ORIENTATIONS
    along, across = np.cos(angle) * k - np.sin(angle) * k[:, None], np.sin(angle) * k + np.cos(angle) * k[:, None]

    def bump(shift: float) -> np.ndarray:
        return np.exp(-(0.5 * (along - shift) ** 2 + 2 * across**2) / width**2)

    return (bump(centre) - np.exp(-0.5 * (centre / width) ** 2) * bump(0.0)).astype(np.float32)

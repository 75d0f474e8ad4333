"""Oriented energies against a transform at full resolution by NumPy's FFT, and of single waves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tolerances import SUBSAMPLED_ATOL

from etvae_tf.data import synthesise
from etvae_tf.measures.light import Light, find_light
from etvae_tf.measures.scattering import scattering_measures

SIZE = 64


def wavelet(scale: int, orientation: int) -> np.ndarray:
    """psi at the frequencies of np.fft, as the module's docstring has it: array (H, W)."""
    k = np.fft.fftfreq(SIZE, 1 / SIZE)
    angle, centre, width = np.pi * orientation / 8, 24 / 2**scale, 12.7 / 2**scale
    along = np.cos(angle) * k - np.sin(angle) * k[:, None]
    across = np.sin(angle) * k + np.cos(angle) * k[:, None]
    envelope = np.exp(-2 * (across / width) ** 2)
    bump = np.exp(-0.5 * ((along - centre) / width) ** 2)
    return envelope * (bump - np.exp(-0.5 * (centre / width) ** 2 - 0.5 * (along / width) ** 2))


def filtered(picture: np.ndarray, scale: int, orientation: int) -> np.ndarray:
    return np.abs(np.fft.ifft2(np.fft.fft2(picture) * wavelet(scale, orientation)))


def faded(light: Light) -> np.ndarray:
    radius = light.grid.radius
    return light.above[0] * (0.5 + 0.5 * np.cos(np.pi * np.clip((radius - 0.44) / 0.04, 0, 1)))


@pytest.mark.parametrize("galaxy", [0, 1])
def test_energies_against_the_fast_fourier_transform(galaxy):
    light = find_light(synthesise(1, start=galaxy).images / 255.0)
    measures, picture = scattering_measures(light), faded(light)
    window = np.exp(-0.5 * ((np.arange(SIZE) - 31.5) / SIZE / 0.16) ** 2)
    window /= window.sum()
    for scale in range(4):
        moduli = [filtered(picture, scale, orientation) for orientation in range(8)]
        whole, middle = np.mean(moduli, axis=(1, 2)), np.array(moduli) @ window @ window
        expected = {f"whole_{scale + 1}": whole.mean(), f"middle_{scale + 1}": middle.mean()}
        waves = np.exp(2j * np.pi * np.arange(8) / 8)
        expected |= {f"whole_{scale + 1}_order": np.abs((whole * waves).mean())}
        for larger in range(scale + 1, 4):
            pairs = [[filtered(first, larger, second).mean() for second in range(8)] for first in moduli]
            for difference in range(5):
                apart = [pairs[a][b] for a in range(8) for b in range(8) if (a - b) % 8 in (difference, 8 - difference)]
                expected[f"whole_{scale + 1}_{larger + 1}_{difference}"] = np.mean(
                    apart if difference else np.diag(pairs)
                )
        for name, energy in expected.items():
            assert measures[f"wavelet_{name}"][0] == pytest.approx(np.log(energy + 1e-4), abs=SUBSAMPLED_ATOL), name


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_wave_is_seen_at_its_scale_and_has_one_orientation(scale):
    light = find_light(np.zeros((1, SIZE, SIZE, 1)))
    frequency = 24 / 2 ** (scale - 1)
    light = replace(light, above=0.5 * np.cos(2 * np.pi * frequency * light.grid.x)[None])
    measures = scattering_measures(light)
    energies = [measures[f"wavelet_middle_{other}"][0] for other in (1, 2, 3, 4)]
    assert np.argmax(energies) == scale - 1
    assert measures[f"wavelet_middle_{scale}_order"][0] > energies[scale - 1] - 0.3

"""Classical morphology of pictures as a table: one row a galaxy, one column a measure."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from etvae_tf.errors import InputError
from etvae_tf.measures.colour import colour_measures
from etvae_tf.measures.light import find_light
from etvae_tf.measures.scattering import scattering_measures
from etvae_tf.measures.shape import shape_measures
from etvae_tf.measures.size import size_measures
from etvae_tf.measures.structure import structure_measures

__all__ = ["measure", "measure_centre"]

_KINDS = (size_measures, structure_measures, shape_measures, colour_measures, scattering_measures)
_SMALLEST_SIDE, _LARGEST_SIDE = 32, 256  # pixels
_CENTRE = 0.6  # of H: the part that says most of the votes; beyond it are sky, companions and outermost spiral arms
_CHUNK = 2**17  # pixels measured at once: their arrays stay in the cache


def measure(images: np.ndarray) -> pd.DataFrame:
    """Measures the galaxy in the middle of each picture; no labels, nothing random.

    Turning a picture by quarter turns and mirroring it change no measure; lengths are in units of the picture's side.
    Every picture has finite measures; black, white and constant ones have those of constant light.

    Args:
        images: array (N, H, W, C), uint8 or floating point in [0, 1], H = W from 32 to 256 pixels, C = 1 (grey) or
            3 (red, green, blue), stretched for display, with the galaxy in the middle and sky at the rim.

    Returns:
        Table of N rows, float64: 44 classical measures (38 for grey pictures, which have no colours), described at
        `size_measures`, `structure_measures`, `shape_measures` and `colour_measures`, and 78 oriented energies whose
        names begin with "wavelet_", described at `scattering_measures`.

    Raises:
        InputError: pictures of another shape, type or range.
    """
    return _measured(_checked(images))


def measure_centre(images: np.ndarray) -> pd.DataFrame:
    """Measures the central part of each picture, 0.6 of its side, as if it were the whole.

    What Gaussian processes see, and what pre-training asks of the latent: from the centre, votes are told better than
    from whole pictures (docs/experiments.md, "What classical measures know").

    Args:
        images: as `measure` takes them.

    Returns:
        The table of `measure`; lengths are in units of the part's side.

    Raises:
        InputError: pictures of another shape, type or range.
    """
    images = _checked(images)
    edge = round((1 - _CENTRE) / 2 * images.shape[1])
    return _measured(images[:, edge:-edge, edge:-edge])


def _measured(images: np.ndarray) -> pd.DataFrame:
    size = max(1, _CHUNK // images.shape[1] ** 2)
    chunks = [images[start : start + size] for start in range(0, max(len(images), 1), size)]
    # One thread a chunk: threads of the matrix products would wait for each other.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        return pd.concat(pool.map(_measure, chunks), ignore_index=True)


def _measure(images: np.ndarray) -> pd.DataFrame:
    brightest = 255.0 if images.dtype == np.uint8 else 1.0
    light = find_light(images.astype(np.float64) / brightest)
    return pd.DataFrame({name: values for kind in _KINDS for name, values in kind(light).items()}, dtype=np.float64)


def _checked(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    height, width, channels = images.shape[1:] if images.ndim == 4 else (0, 0, 0)
    if height != width or not _SMALLEST_SIDE <= height <= _LARGEST_SIDE or channels not in (1, 3):
        raise InputError(
            f"pictures of shape {images.shape} came, expected (N, H, W, C) with H = W from {_SMALLEST_SIDE} to "
            f"{_LARGEST_SIDE} and C of 1 or 3; crop or resize them."
        )
    floating = np.issubdtype(images.dtype, np.floating)
    if not floating and images.dtype != np.uint8:
        raise InputError(
            f"pictures of type {images.dtype} came, expected uint8 or floating point in [0, 1]; convert them."
        )
    if floating and not np.all((images >= 0) & (images <= 1)):
        raise InputError(
            f"brightness from {images.min():g} to {images.max():g} came, expected [0, 1] in floating-point pictures; "
            "divide it by its largest possible value."
        )
    return images

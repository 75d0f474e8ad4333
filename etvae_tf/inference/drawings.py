"""Galaxies as pictures on one sheet: in rows with their names, or where they lie on a map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from etvae_tf.data import to_float
from etvae_tf.data.images import read_images
from etvae_tf.data.sources import ImageSource
from etvae_tf.evaluation import as_shown, mosaic
from etvae_tf.files import write_atomically

__all__ = ["draw_map", "draw_sheet", "read_pictures"]

_COLUMNS = 8  # galaxies in a row
_DPI = 100


def read_pictures(source: ImageSource, names: Sequence[str], preparation: tuple[int, int, float]) -> np.ndarray:
    """Pictures as the model sees them, float array (N, H, W, C) in [0, 1]; black where one cannot be read.

    Args:
        source: where they lie.
        names: of N pictures.
        preparation: image_size, channels and crop_fraction.
    """
    return to_float(read_images(source, names, *preparation)[0]).numpy()


def draw_sheet(pictures: np.ndarray, titles: Sequence[str], heading: str, path: str | Path) -> None:
    """Galaxies in rows of eight, each with a title.

    Args:
        pictures: float array (N, H, W, C), in [0, 1]; see `as_shown`.
        titles: N of them.
        heading: of the sheet.
        path: of the PNG.
    """
    rows = -(-len(pictures) // _COLUMNS)
    figure = Figure(figsize=(1.5 * _COLUMNS, 1.75 * rows + 0.4), layout="constrained")
    axes = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axis in axes:
        axis.set_axis_off()
    for axis, picture, title in zip(axes, pictures, titles, strict=False):
        axis.imshow(as_shown(picture), cmap="gray", vmin=0, vmax=1, interpolation="bilinear")
        axis.set_title(title, fontsize=8)
    figure.suptitle(heading, fontsize=10)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=_DPI))


def draw_map(places: np.ndarray, pictures: np.ndarray, heading: str, path: str | Path) -> None:
    """Galaxies where they lie on a map; in each of its cells, the one nearest to the middle.

    Args:
        places: float array (N, 2), of any scale.
        pictures: float array (N, H, W, C), in [0, 1].
        heading: of the map.
        path: of the PNG.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    figure = Figure(figsize=(8, 8.3), layout="constrained")
    axis = figure.subplots()
    inside = (places - low) / (np.maximum(high - low, 1e-12) * (1 + 1e-6))  # < 1, as the cells are
    axis.imshow(mosaic(inside, pictures))
    axis.set_axis_off()
    axis.set_title(heading, fontsize=10)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=_DPI))

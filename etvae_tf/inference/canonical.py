"""Canonical pictures of a survey of any length in one NPZ file, of which a batch at a time is in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from etvae_tf.files import write_atomically

__all__ = ["CanonicalPictures"]


class CanonicalPictures:
    """Rows of a memory-mapped file, which is put into an NPZ file in the end.

    Args:
        path: of the file, .npy; one that a killed walk left is gone on with.
        count: N, how many pictures there will be.
        shape: of each, (H, W, C).
    """

    def __init__(self, path: Path, count: int, shape: tuple[int, int, int]):
        self._path = path
        mode = "r+" if path.exists() else "w+"
        self._pictures = np.lib.format.open_memmap(path, mode, np.uint8, (count, *shape))

    def put(self, start: int, pictures: np.ndarray) -> None:
        """Keeps a batch.

        Args:
            start: row of its first picture.
            pictures: float array (B, H W C), in [0, 1]; NaN, where a picture could not be read, becomes black.
        """
        levels = np.round(255 * np.nan_to_num(pictures)).astype(np.uint8)
        self._pictures[start : start + len(levels)] = levels.reshape(-1, *self._pictures.shape[1:])

    def write(self, path: Path, names: Sequence[str]) -> None:
        """Writes the NPZ file: id, str (N,), and canonical, uint8 (N, H, W, C).

        Args:
            path: of the NPZ file.
            names: of the N pictures.
        """
        self._pictures.flush()

        def pack(temporary: Path) -> None:
            with zipfile.ZipFile(temporary, "w") as archive:
                with archive.open("id.npy", "w") as file:
                    np.lib.format.write_array(file, np.array(names, str))
                archive.write(self._path, "canonical.npy")

        write_atomically(path, pack)

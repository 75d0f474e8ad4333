"""Pictures in memory-mapped files: selections and joins that copy none of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["MappedPictures", "join", "select"]


class MappedPictures:
    """Rows of memory-mapped arrays, which an index reads: it gives what it would give of an array, uint8.

    Attributes:
        shape: (N, H, W, C).
        ndim: 4.
        dtype: uint8.

    Args:
        files: memory-mapped uint8 arrays (M, H, W, C).
        rows: int array (N,), counted on from one file to the next; all of them where it is None.
    """

    ndim, dtype = 4, np.dtype(np.uint8)

    def __init__(self, files: Sequence[np.ndarray], rows: np.ndarray | None = None):
        self._files = tuple(file.view(np.ndarray) for file in files)  # np.memmap itself is slow to index
        self._starts = np.cumsum([0, *map(len, files)])
        self._rows = np.arange(self._starts[-1]) if rows is None else rows
        self.shape = (len(self._rows), *files[0].shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which: int | slice | np.ndarray) -> np.ndarray:
        rows = self._rows[which]
        places = np.searchsorted(self._starts, rows, side="right") - 1
        if rows.ndim == 0:
            return self._files[places][rows - self._starts[places]]
        pictures = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for place in np.unique(places):
            inside = places == place
            pictures[inside] = self._files[place][rows[inside] - self._starts[place]]
        return pictures

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("mapped pictures become an array by a copy.")
        return self[:].astype(dtype or self.dtype, copy=False)

    def select(self, which: np.ndarray) -> MappedPictures:
        """The pictures at `which`: int array of positions, or bool array (N,); none is read."""
        return MappedPictures(self._files, self._rows[which])

    def join(self, other: MappedPictures) -> MappedPictures:
        """These pictures and then those; none is read."""
        return MappedPictures(
            (*self._files, *other._files), np.concatenate([self._rows, other._rows + self._starts[-1]])
        )


def select(pictures: np.ndarray | MappedPictures, which: np.ndarray) -> np.ndarray | MappedPictures:
    """The pictures at `which`: int array of positions, or bool array (N,)."""
    return pictures.select(which) if isinstance(pictures, MappedPictures) else pictures[which]


def join(first: np.ndarray | MappedPictures, second: np.ndarray | MappedPictures) -> np.ndarray | MappedPictures:
    """The pictures of both, one after the other; mapped if both are."""
    if isinstance(first, MappedPictures) and isinstance(second, MappedPictures):
        return first.join(second)
    return np.concatenate([first, second])

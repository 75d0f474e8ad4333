"""A walk over any number of pictures: they are read, decoded and scored at the same time, rows are kept in parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data.sources import ImageSource
from etvae_tf.inference.parts import Parts
from etvae_tf.progress import Progress
from etvae_tf.serving.decoding import decode_files

__all__ = ["BATCH", "ROWS", "walk_pictures"]

BATCH = 64  # pictures scored at once
ROWS = 64 * BATCH  # in a part of the table: what a killed walk loses at most
_AHEAD = 2  # batches that are read, and decoded, before the model is ready for them


def walk_pictures(
    parts: Parts,
    source: ImageSource,
    names: Sequence[str],
    preparation: tuple[int, int, float],
    score: Callable[[Sequence[str], tf.Tensor, tf.Tensor], pd.DataFrame],
) -> None:
    """Scores what is left of the pictures, into parts of `ROWS` rows.

    Args:
        parts: of the table, some of which may be done.
        source: where the pictures lie.
        names: theirs; there need not be one of each.
        preparation: image_size, channels and crop_fraction.
        score: gives the rows of B pictures: their names, the pictures, uint8 (B, H, W, C), and which could be decoded,
            bool (B,); the others are black.
    """
    count, done = len(names), min(len(parts) * ROWS, len(names))
    if done:
        print(f"going on: {done} of {count} pictures are scored already", flush=True)
    bar = Progress(count, "picture", done)
    batches = _decoded(source, names[done:], preparation)
    for _ in range(done, count, ROWS):
        tables = []
        for batch in itertools.islice(batches, ROWS // BATCH):
            tables.append(score(*batch))
            bar.add(len(batch[0]))
        parts.append(pd.concat(tables, ignore_index=True))


def _decoded(
    source: ImageSource, names: Sequence[str], preparation: tuple[int, int, float]
) -> Iterator[tuple[Sequence[str], tf.Tensor, tf.Tensor]]:
    """Names, pictures and which are ok, a batch at a time; reading runs ahead, so that files do not pile up."""

    def read(start: np.ndarray) -> np.ndarray:
        return np.array([source.read(name) for name in names[start : start + BATCH]], object)

    def files(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return start, tf.ensure_shape(tf.numpy_function(read, [start], tf.string), [None])

    def decode(start: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return start, *decode_files(encoded, *preparation)

    starts = tf.data.Dataset.range(0, len(names), BATCH)
    for start, pictures, ok in starts.map(files).prefetch(_AHEAD).map(decode).prefetch(_AHEAD):
        yield names[int(start) : int(start) + BATCH], pictures, ok

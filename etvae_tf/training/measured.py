"""Classical measures of the pool, which pre-training asks of the latent: morphology that needs no labels."""

from __future__ import annotations

import numpy as np

from etvae_tf.data.mapped import MappedPictures
from etvae_tf.files import write_atomically
from etvae_tf.measures import measure_centre
from etvae_tf.progress import Progress
from etvae_tf.training.folder import RunFolder

__all__ = ["pool_measures", "standardised"]

_CHUNK = 2048  # pictures measured between two lines of progress
_OUTLIER = 5.0  # standard deviations at which a measure is cut off: one odd picture must not rule the error


def pool_measures(pool: np.ndarray | MappedPictures, folder: RunFolder) -> np.ndarray:
    """Measures of a run's pool, see `etvae_tf.measures.measure_centre`; made once.

    Args:
        pool: uint8 array (M, H, W, C).
        folder: of the run, which keeps them until training has ended.

    Returns:
        float64 array (M, D), mapped from the folder's file.
    """
    if not folder.pool_measures.exists():
        progress, parts = Progress(len(pool), "measured picture"), []
        for start in range(0, len(pool), _CHUNK):
            parts.append(measure_centre(pool[start : start + _CHUNK]).to_numpy())
            progress.add(len(parts[-1]))
        write_atomically(folder.pool_measures, lambda path: np.save(path, np.concatenate(parts)))
    return np.load(folder.pool_measures, mmap_mode="r")


def standardised(measures: np.ndarray) -> np.ndarray:
    """Measures (M, D) as pre-training asks for them: float32, each with mean 0 and standard deviation 1 over the
    pictures, and cut off."""
    measures = measures.astype(np.float32)
    mean, spread = measures.mean(axis=0), measures.std(axis=0)
    return np.clip((measures - mean) / np.maximum(spread, 1e-6), -_OUTLIER, _OUTLIER)

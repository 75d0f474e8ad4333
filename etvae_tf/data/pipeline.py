"""Batches as functions of (seed, step): a run stopped at step s and started there again sees the same.

Pictures stay where they are, as uint8 in memory or a memory map. `Dataset.from_tensor_slices` would copy them
into the graph, which ends at 2 GB; one `tf.numpy_function` call a batch gathers its rows instead, at a cost
of microseconds.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from etvae_tf.data.augmentation import DRAWS, augment, flip
from etvae_tf.data.images import to_float
from etvae_tf.data.mapped import MappedPictures

__all__ = ["batches", "evaluation_batches"]

_ORDER, _AUGMENTATION = 0, 1  # purposes of random numbers, so that no two share a stream; views count on from 1


def batches(
    arrays: Any,
    batch_size: int,
    seed: int,
    *,
    steps: int,
    first_step: int = 0,
    augment_flips: bool = True,
    augment_rotations: bool = False,
    augment_jitter: float = 0.0,
    augment_outskirts: float = 0.0,
    view: int = 0,
) -> tf.data.Dataset:
    """Shuffled, augmented batches; the one at step s depends on (seed, s) alone.

    The examples are dealt out in one seeded permutation after another. A batch may straddle two of them, so
    every batch is full and each example comes once in every N, whatever the batch size.

    Args:
        arrays: array, or tuple or dict of arrays, each with N rows; uint8 arrays (N, H, W, C) are pictures, in memory
            or mapped.
        batch_size: B.
        seed: >= 0; streams with the same seed and N share their order, and their augmentation if `view` is equal too.
        steps: how many batches.
        first_step: the step of the first batch; equals skipping as many batches.
        augment_flips: mirror each picture left-right and up-down, each with probability 1/2.
        augment_rotations: turn each picture by an angle uniform in [0, 2 pi).
        augment_jitter: 1 magnifies by up to a factor of 1.5, shifts by up to 3 % of the size, brightens or dims the
            picture by up to 1.5 and each channel by up to 1.2, and adds uniform noise with a standard deviation
            of 2 % of the range; less than 1 does so much less of each, 0 nothing.
        augment_outskirts: probability that a picture gets the outskirts of the next one in its batch, so that sky and
            companions say nothing of the galaxy (as CutMix, Yun et al. 2019, but the votes stay those of the galaxy).
        view: >= 0, which of several views of the same galaxies.

    Returns:
        Dataset with the structure of `arrays`: pictures as float32 (B, H, W, C) in [0, 1], others unchanged.
    """
    arrays = tf.nest.map_structure(lambda one: one if isinstance(one, MappedPictures) else np.asarray(one), arrays)
    rows = tf.nest.flatten(arrays)
    count = len(rows[0])
    if count == 0 or any(len(array) != count for array in rows):
        raise ValueError(f"arrays have {[len(array) for array in rows]} rows, expected the same number, above 0.")

    def gather(step: np.ndarray) -> list[np.ndarray]:
        positions = _positions(count, batch_size, seed, int(step))
        draws = _generator(seed, _AUGMENTATION + view, int(step)).random((batch_size, 2 + DRAWS), np.float32)
        taken = [array[positions] for array in rows]
        if augment_flips:
            taken = [flip(array, draws[:, :2] < 0.5) if _are_pictures(array) else array for array in taken]
        return [*taken, draws[:, 2:]]

    def batch(step: tf.Tensor) -> Any:
        *gathered, draws = tf.numpy_function(gather, [step], [*(array.dtype for array in rows), tf.float32])
        draws = tf.ensure_shape(draws, (batch_size, DRAWS))

        def finish(array: np.ndarray, tensor: tf.Tensor) -> tf.Tensor:
            tensor = tf.ensure_shape(tensor, (batch_size, *array.shape[1:]))
            if not _are_pictures(array):
                return tensor
            noise = tf.stack([seed, step + (view << 32)])  # there are fewer steps than that
            options = {"rotations": augment_rotations, "jitter": augment_jitter, "outskirts": augment_outskirts}
            return augment(to_float(tensor), draws, noise, **options)

        return tf.nest.map_structure(finish, arrays, tf.nest.pack_sequence_as(arrays, gathered))

    numbers = tf.data.Dataset.range(first_step, first_step + steps)
    return numbers.map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def evaluation_batches(images: np.ndarray | MappedPictures, batch_size: int) -> tf.data.Dataset:
    """Pictures in order, once; the last batch may be smaller.

    Args:
        images: uint8 array (N, H, W, C).
        batch_size: B.

    Returns:
        Dataset of float32 (B, H, W, C) in [0, 1].
    """

    def batch(start: tf.Tensor) -> tf.Tensor:
        pictures = tf.numpy_function(lambda first: images[first : first + batch_size], [start], tf.uint8)
        return to_float(tf.ensure_shape(pictures, (None, *images.shape[1:])))

    return tf.data.Dataset.range(0, len(images), batch_size).map(batch).prefetch(tf.data.AUTOTUNE)


def _positions(count: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Row numbers (B,) of the batch at `step`."""
    dealt = step * batch_size + np.arange(batch_size, dtype=np.int64)
    epochs, places = np.divmod(dealt, count)
    # One slice per epoch, in order: a batch is a run of places.
    return np.concatenate([_order(count, seed, int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])


# A permutation and not tf.random.experimental.index_shuffle: that refuses one seed per index in TensorFlow
# 2.15 and 2.21, which a batch that straddles epochs needs. The cache holds the orders of batches in flight.
@functools.lru_cache(maxsize=8)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The permutation (N,) of an epoch."""
    return _generator(seed, _ORDER, epoch).permutation(count)


def _generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, purpose, number))))


def _are_pictures(array: np.ndarray | MappedPictures) -> bool:
    return array.ndim == 4 and array.dtype == np.uint8

"""Mapped pictures answer as the array that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from etvae_tf.data import batches, evaluation_batches
from etvae_tf.data.mapped import MappedPictures, join, select

ARRAY = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)


@pytest.fixture
def mapped(tmp_path):
    """All of ARRAY, in two files."""
    for name, rows in (("a", ARRAY[:7]), ("b", ARRAY[7:])):
        np.save(tmp_path / f"{name}.npy", rows)
    first, second = (MappedPictures([np.load(tmp_path / f"{name}.npy", mmap_mode="r")]) for name in "ab")
    return first.join(second)


@pytest.mark.parametrize(
    "which",
    [
        0,
        6,
        7,
        -1,
        slice(5, 9),
        slice(None),
        slice(0),
        np.array([8, 2, 2, 19]),
        np.arange(20) % 3 == 0,
        np.array([], int),
    ],
    ids=str,
)
def test_an_index_gives_what_it_gives_of_the_array(mapped, which):
    assert (mapped.shape, mapped.ndim, mapped.dtype, len(mapped)) == (ARRAY.shape, 4, ARRAY.dtype, 20)
    np.testing.assert_array_equal(mapped[which], ARRAY[which])
    assert type(mapped[which]) is np.ndarray


def test_selections_and_joins_are_those_of_the_array(mapped):
    odd, few = np.arange(20) % 2 == 1, np.array([9, 0, 4])
    one, two = select(mapped, odd), select(select(mapped, odd), few)
    assert isinstance(two, MappedPictures)
    np.testing.assert_array_equal(two, ARRAY[odd][few])
    both = join(one, two)
    assert isinstance(both, MappedPictures)
    np.testing.assert_array_equal(both, np.concatenate([ARRAY[odd], ARRAY[odd][few]]))
    np.testing.assert_array_equal(join(ARRAY[:2], two), np.concatenate([ARRAY[:2], ARRAY[odd][few]]))
    np.testing.assert_array_equal(np.stack(list(two)), ARRAY[odd][few])
    with pytest.raises(IndexError):
        mapped[20]
    with pytest.raises(ValueError, match="by a copy"):
        two.__array__(copy=False)


def test_pipelines_give_the_same_batches(mapped):
    """Bit by bit, with every augmentation."""
    options = {"steps": 6, "augment_rotations": True, "augment_jitter": 1.0}
    for one, other in zip(batches(mapped, 8, 3, **options), batches(ARRAY, 8, 3, **options), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(evaluation_batches(mapped, 8), evaluation_batches(ARRAY, 8), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(tf.cast(mapped, tf.float32), tf.cast(ARRAY, tf.float32))

"""Splits and draws: functions of ids and seeds alone, nested, and fair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from etvae_tf.data.splits import draw_labels, draw_pool, hash_split, read_split, validation_mask
from etvae_tf.errors import InputError

IDS = np.array([str(100000 + 7 * number) for number in range(4000)])
ALL = np.ones(len(IDS), bool)


def test_hash_split_is_stable_and_fair():
    test = hash_split(IDS, 0.25)
    assert abs(test.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(IDS))  # four binomial standard deviations
    order = np.random.default_rng(0).permutation(len(IDS))[:1000]
    np.testing.assert_array_equal(hash_split(IDS[order], 0.25), test[order])
    assert (hash_split(IDS, 0.25, seed=1) != test).any()
    assert (hash_split(IDS, 0.5) >= test).all()  # a larger test set contains the smaller


def test_draws_are_nested_whatever_the_row_order():
    drawn = draw_labels(IDS, ALL, 300, seed=3)
    assert len(set(drawn)) == 300
    np.testing.assert_array_equal(draw_labels(IDS, ALL, 100, seed=3), drawn[:100])
    np.testing.assert_array_equal(IDS[::-1][draw_labels(IDS[::-1], ALL, 300, seed=3)], IDS[drawn])
    assert len(np.intersect1d(drawn, draw_labels(IDS, ALL, 300, seed=4))) < 100


def test_draws_only_galaxies_with_votes():
    votes = np.arange(len(IDS)) % 2 == 0
    assert votes[draw_labels(IDS, votes, 2000, seed=0)].all()
    with pytest.raises(InputError, match="n_labels=2001, but only 2000 galaxies have votes; lower --n_labels"):
        draw_labels(IDS, votes, 2001, seed=0)
    with pytest.raises(
        InputError,
        match=r"n_labels=2001, but only 2000 of the 2011 galaxies with votes are train galaxies "
        r"\(8 are test galaxies and 3 are copies of test galaxies\); lower --n_labels",
    ):
        set_aside = {"test galaxies": 8, "copies of test galaxies": 3}
        draw_labels(IDS, votes, 2001, seed=0, set_aside=set_aside)
    with pytest.raises(InputError, match="n_labels=-1, expected at least 0"):
        draw_labels(IDS, votes, -1, seed=0)
    with pytest.raises(InputError, match="n_labels=0, but only 0 galaxies have votes"):
        draw_labels(IDS, ~votes & votes, 0, seed=0)
    every = draw_labels(IDS, votes, 0, seed=0)
    np.testing.assert_array_equal(every, draw_labels(IDS, votes, 2000, seed=0))


def test_a_small_pool_is_nested_and_says_nothing_of_the_labels():
    pool = draw_pool(IDS, 400)
    assert (np.diff(pool) > 0).all() and len(pool) == 400
    assert set(draw_pool(IDS, 100)) < set(pool)
    np.testing.assert_array_equal(np.sort(IDS[::-1][draw_pool(IDS[::-1], 400)]), np.sort(IDS[pool]))
    labelled = draw_labels(IDS, ALL, 400, seed=0)
    assert 15 < len(np.intersect1d(pool, labelled)) < 65  # 40 by chance; one order for both would give 400
    np.testing.assert_array_equal(draw_pool(IDS[:5], 9), np.arange(5))


def test_draw_does_not_depend_on_the_split():
    test = hash_split(IDS, 0.25, seed=0)
    drawn = draw_labels(IDS, ALL, 400, seed=0)
    assert 0.15 < test[drawn].mean() < 0.35  # hashes of one purpose would give 0 or 1


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.3])
def test_validation_is_nested_and_exact(fraction):
    large = validation_mask(1200, fraction)
    for n in (2, 10, 100, 300, 1200):
        mask = validation_mask(n, fraction)
        np.testing.assert_array_equal(mask, large[:n])
        assert mask.sum() == -(-round(n * fraction * 100) // 100)


def test_validation_of_nothing():
    assert not validation_mask(5, 0.0).any()
    with pytest.raises(InputError, match="n_labels=1 with validation_fraction=0.1 leaves no galaxy to train on"):
        validation_mask(1, 0.1)
    with pytest.raises(InputError, match="validation_fraction=1"):
        validation_mask(10, 1.0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, 1e-9])
def test_hash_split_refuses_empty_parts(fraction):
    with pytest.raises(InputError, match="test_fraction="):
        hash_split(IDS[:50], fraction)


def write(path, **columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("column", ["id", "GalaxyID", "id_str", "name"])
def test_reads_a_split(tmp_path, column):
    path = write(tmp_path / "s.csv", **{column: [3, 1, 2, 9], "split": ["train", "test", "train", "test"]})
    np.testing.assert_array_equal(read_split(path, np.array(["1", "2", "3"]), "name"), [True, False, False])


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"id": [1, 2], "split": ["train", "test"]}, r"does not place 1 of 3 galaxies \(3\)"),
        (
            {"id": [1, 2, 3], "split": ["train", "test", "valid"]},
            "validation galaxies are taken out of the n labels",
        ),
        (
            {"id": [1, 2, 3], "split": ["train", "test", "a"]},
            "split values a, expected only train and test.$",
        ),
        ({"id": [1, 2, 3], "split": ["train", "test", None]}, r"split values \(empty\)"),
        ({"id": [1, 2, 3], "split": ["train"] * 3}, "puts 0 of 3 galaxies in test"),
        ({"id": [1, 2, 2], "split": ["train", "test", "test"]}, "more than once"),
        ({"id": [1, 2, 3]}, "expected id and split"),
        ({"split": ["train"] * 3}, "expected id and split"),
    ],
)
def test_refuses_splits(tmp_path, columns, sentence):
    with pytest.raises(InputError, match=sentence):
        read_split(write(tmp_path / "s.csv", **columns), np.array(["1", "2", "3"]))


def test_real_split(real_data):
    table = pd.read_csv(real_data / "kaggle" / "split.csv", dtype=str)
    test = read_split(real_data / "kaggle" / "split.csv", table["GalaxyID"].to_numpy(str), "GalaxyID")
    assert (int((~test).sum()), int(test.sum())) == (2500, 1000)

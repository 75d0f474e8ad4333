"""Who is train, who is test, and which galaxies lend their labels: functions of identifiers and seeds alone.

Every choice orders galaxies by a SHA-256 of (purpose, seed, id), so neither row order nor added rows change
it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from etvae_tf.data.tables import first_few, read_ids, read_table
from etvae_tf.errors import InputError

__all__ = ["draw_labels", "draw_pool", "fold_mask", "hash_split", "read_split", "validation_mask"]


def read_split(path: str | Path, ids: np.ndarray, id_column: str = "") -> np.ndarray:
    """Reads a fixed split.

    Args:
        path: CSV with a column `split` of "train" or "test", and identifiers in the first there is of
            `id_column`, id, GalaxyID, id_str.
        ids: str array (N,), the galaxies to place; the file may list more.
        id_column: the catalogue's own id column.

    Returns:
        bool array (N,): true for test.

    Raises:
        InputError: missing columns or galaxies, values other than train and test, or no galaxy in either.
    """
    table = read_table(path, (id_column, "split"))
    columns = [column for column in (id_column, "id", "GalaxyID", "id_str") if column in table.columns]
    if not columns or "split" not in table.columns:
        raise InputError(f"{path} has the columns {first_few(table.columns)}, expected id and split (train or test).")
    values = table["split"].fillna("(empty)").astype(str).str.strip().str.lower()
    unknown = sorted(set(values) - {"train", "test"})
    if unknown:
        hint = (
            "; validation galaxies are taken out of the n labels, so mark them train"
            if _means_validation(unknown)
            else ""
        )
        raise InputError(f"{path} has the split values {first_few(unknown)}, expected only train and test{hint}.")
    is_test = dict(zip(read_ids(table, columns[0], path), values == "test", strict=True))
    missing = [name for name in ids if name not in is_test]
    if missing:
        raise InputError(
            f"{path} does not place {len(missing)} of {len(ids)} galaxies ({first_few(missing)}) in train or "
            "test; add their rows."
        )
    test = np.array([is_test[name] for name in ids], bool)
    _check_both(test, f"{path} puts")
    return test


def hash_split(ids: np.ndarray, test_fraction: float, seed: int = 0) -> np.ndarray:
    """Splits by a hash of (seed, id), so that a galaxy keeps its place when others are added.

    Args:
        ids: str array (N,).
        test_fraction: expected part of test galaxies, in (0, 1).
        seed: which split; not the run's seed, so that all runs share one test set.

    Returns:
        bool array (N,): true for test.

    Raises:
        InputError: the fraction is out of range, or leaves no galaxy for test or train.
    """
    if not 0 < test_fraction < 1:
        raise InputError(f"test_fraction={test_fraction}, expected a number between 0 and 1; 0.25 is usual.")
    test = _hashes("split", seed, ids) < int(test_fraction * 2**64)
    _check_both(test, f"test_fraction={test_fraction} puts")
    return test


def draw_labels(
    ids: np.ndarray, has_votes: np.ndarray, n: int, seed: int, set_aside: Mapping[str, int] | None = None
) -> np.ndarray:
    """Draws the galaxies whose labels are used; a smaller n of one seed gives the first part of a larger.

    Args:
        ids: str array (N,), the train galaxies.
        has_votes: bool array (N,).
        n: how many; 0 for all.
        seed: the run's seed.
        set_aside: how many galaxies with votes are not among `ids`, by what they are, for the error's sentence.

    Returns:
        int array (n,) of positions, in drawing order.

    Raises:
        InputError: n is below 0 or above the number of galaxies with votes, or there are none.
    """
    available = np.flatnonzero(has_votes)
    if n < 0:
        raise InputError(f"n_labels={n}, expected at least 0; raise --n_labels.")
    if n > len(available) or not len(available):
        raise InputError(
            f"n_labels={n}, but only {_count(len(available), set_aside or {})}; lower --n_labels (0 takes all of them) "
            "or add labelled rows."
        )
    return available[_order("labels", seed, ids[available])[: n or len(available)]]


def draw_pool(ids: np.ndarray, limit: int) -> np.ndarray:
    """Draws the pictures that a limited pool holds: the same ones for every seed, and independent of drawn labels.

    Args:
        ids: str array (M,).
        limit: how many at most; a smaller limit draws part of what a larger one does.

    Returns:
        int array of positions, in the order of `ids`.
    """
    return np.sort(_order("pool", 0, ids)[:limit])


def validation_mask(n: int, validation_fraction: float) -> np.ndarray:
    """Which of n drawn galaxies validate: spread evenly over the draw, so nested draws have nested masks.

    Args:
        n: number of drawn galaxies.
        validation_fraction: in [0, 1); 0 for none.

    Returns:
        bool array (n,), ceil(n validation_fraction) of them true.

    Raises:
        InputError: the fraction is out of range, or leaves no galaxy to train on.
    """
    if not 0 <= validation_fraction < 1:
        raise InputError(f"validation_fraction={validation_fraction}, expected a number in [0, 1); 0.1 is usual.")
    # Rounded first: 70 * 0.1 is 7.000000000000001, which must not count as 8.
    counts = [math.ceil(round(number * validation_fraction, 9)) for number in range(n + 1)]
    mask = np.diff(counts) > 0
    if mask.all():
        raise InputError(
            f"n_labels={n} with validation_fraction={validation_fraction} leaves no galaxy to train on; "
            "raise --n_labels or set --config.data.validation_fraction=0."
        )
    return mask


def fold_mask(n: int, folds: int, fold: int) -> np.ndarray:
    """Which of n drawn galaxies make up a fold: every `folds`-th of them, so that folds differ by one at most.

    Args:
        n: number of drawn galaxies.
        folds: how many there are.
        fold: which one, in [0, folds).

    Returns:
        bool array (n,).
    """
    return np.arange(n) % folds == fold


def _hashes(purpose: str, seed: int, ids: np.ndarray) -> np.ndarray:
    """uint64 array (N,), uniform over identifiers."""
    digests = b"".join(hashlib.sha256(f"{purpose}:{seed}:{name}".encode()).digest()[:8] for name in ids)
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def _order(purpose: str, seed: int, ids: np.ndarray) -> np.ndarray:
    """The seeded order of galaxies: int array (N,) of positions."""
    return np.lexsort((ids, _hashes(purpose, seed, ids)))


def _count(available: int, set_aside: Mapping[str, int]) -> str:
    """How many galaxies can lend their labels, and where the others went."""
    aside = {what: count for what, count in set_aside.items() if count}
    if not aside:
        return f"{available} galaxies have votes"
    rest = " and ".join(f"{count} are {what}" for what, count in aside.items())
    return f"{available} of the {available + sum(aside.values())} galaxies with votes are train galaxies ({rest})"


def _means_validation(values: Sequence[str]) -> bool:
    return any(value.startswith("val") or value in ("dev", "development") for value in values)


def _check_both(test: np.ndarray, who: str) -> None:
    if test.all() or not test.any():
        raise InputError(f"{who} {int(test.sum())} of {len(test)} galaxies in test; expected some in train and test.")

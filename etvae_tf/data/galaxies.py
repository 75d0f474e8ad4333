"""Galaxies: identifiers, pictures as bytes, votes as counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from etvae_tf.data.mapped import MappedPictures, select
from etvae_tf.data.questions import Questions

__all__ = ["Galaxies", "GalaxyData", "SharedData", "Survey"]


@dataclass(frozen=True)
class Galaxies:
    """N galaxies with pictures and votes.

    Attributes:
        ids: str array (N,).
        images: uint8 array (N, H, W, C), row 0 on top.
        votes: float32 array (N, K), vote counts per answer, >= 0; all zero for a galaxy without votes.
    """

    ids: np.ndarray
    images: np.ndarray | MappedPictures
    votes: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def has_votes(self) -> np.ndarray:
        """bool array (N,): the galaxies with at least one vote."""
        return self.votes.sum(axis=1) > 0

    def select(self, which: np.ndarray) -> Galaxies:
        """The galaxies at `which`: int array of positions, or bool array (N,)."""
        return Galaxies(self.ids[which], select(self.images, which), self.votes[which])


@dataclass(frozen=True, kw_only=True)
class SharedData:
    """What the runs on the same data share, whichever labels they draw.

    Attributes:
        questions: that volunteers answered; K answers in all.
        test: labelled galaxies that no training step sees, not even as pictures.
        pool_ids: str array (M,).
        pool: uint8 array (M, H, W, C), pictures learnt from without labels.
        pool_hashes: uint8 array (M, 216), of `picture_hashes`.
        split: columns id, split ("train" or "test"); one row per galaxy of the table.
        fingerprints: SHA-256 by input name.
        copies_left_out: copies of test galaxies that were left out: "train" galaxies with votes, and "pool" pictures
            (those of the train galaxies among them); beside them galaxies with votes "without_picture".
        truth: what only a simulation knows of the test galaxies, e.g. "pose" in radians (N,); empty for real ones.
    """

    questions: Questions
    test: Galaxies
    pool_ids: np.ndarray
    pool: np.ndarray | MappedPictures
    pool_hashes: np.ndarray
    split: pd.DataFrame
    fingerprints: dict[str, str]
    copies_left_out: dict[str, int]
    truth: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Survey(SharedData):
    """All galaxies there are, before labels are drawn.

    Attributes:
        learn: train galaxies, with the votes that labels are drawn from.
    """

    learn: Galaxies


@dataclass(frozen=True, kw_only=True)
class GalaxyData(SharedData):
    """All a run sees: its n labelled galaxies, in two parts, and what it shares with other runs.

    Attributes:
        train: labelled galaxies whose votes are learnt from.
        validation: labelled galaxies held out of the n, and out of the pool.
    """

    train: Galaxies
    validation: Galaxies

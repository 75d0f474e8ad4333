"""Galaxies in memory: identifiers, pictures as bytes, votes as counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from etvae_tf.data.questions import Questions

__all__ = ["Galaxies", "GalaxyData", "Survey"]


@dataclass(frozen=True)
class Galaxies:
    """N galaxies with pictures and votes.

    Attributes:
        ids: str array (N,).
        images: uint8 array (N, H, W, C), row 0 on top.
        votes: float32 array (N, K), vote counts per answer, >= 0; all zero for a galaxy without votes.
    """

    ids: np.ndarray
    images: np.ndarray
    votes: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, which: np.ndarray) -> Galaxies:
        """The galaxies at `which`: int array of positions, or bool array (N,)."""
        return Galaxies(self.ids[which], self.images[which], self.votes[which])


@dataclass(frozen=True)
class GalaxyData:
    """All a run sees: the n labelled galaxies (train and validation), the test galaxies, and the pool without labels.

    Attributes:
        questions: that volunteers answered; K answers in all.
        train: labelled galaxies whose votes are learnt from.
        validation: labelled galaxies held out of the n.
        test: labelled galaxies that no training step sees, not even as pictures.
        pool_ids: str array (M,).
        pool: uint8 array (M, H, W, C), pictures learnt from without labels.
        split: columns id, split ("train" or "test"); one row per galaxy of the table.
        fingerprints: SHA-256 by input name.
        truth: what only a simulation knows of the test galaxies, e.g. "pose" in radians (N,); empty for real ones.
    """

    questions: Questions
    train: Galaxies
    validation: Galaxies
    test: Galaxies
    pool_ids: np.ndarray
    pool: np.ndarray
    split: pd.DataFrame
    fingerprints: dict[str, str] = field(default_factory=dict)
    truth: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Survey:
    """All galaxies that the runs on the same data share, before labels are drawn.

    Attributes:
        learn: train galaxies, with the votes that labels are drawn from.
        questions, test, pool_ids, pool, split, fingerprints, truth: as in `GalaxyData`.
    """

    questions: Questions
    learn: Galaxies
    test: Galaxies
    pool_ids: np.ndarray
    pool: np.ndarray
    split: pd.DataFrame
    fingerprints: dict[str, str] = field(default_factory=dict)
    truth: dict[str, np.ndarray] = field(default_factory=dict)

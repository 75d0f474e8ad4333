"""A walk over the pictures of a survey: rows are kept in parts as they come, and a killed walk goes on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etvae_tf.data.sources import ImageSource
from etvae_tf.inference import scoring
from etvae_tf.inference.listing import Listing
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import Scorer
from etvae_tf.progress import Progress

__all__ = ["job_of", "latent_columns", "readable", "walk"]

BATCHES = 64  # in a part of the table: what a killed walk loses at most


def job_of(listing: Listing, scorer: Scorer, **others: Any) -> dict[str, Any]:
    """What the rows of a table depend on, for `Parts`: pictures, model, and what else is given."""
    return {
        "pictures": listing.source.digest(listing.names, quick=True),
        "model": _digest(scorer.source),
        "preparation": list(scorer.preparation),
        **others,
        "length of parts": BATCHES * scoring.BATCH,
    }


def walk(names: Sequence[str], parts: Parts, rows_from: Callable[[int], Iterator[pd.DataFrame]]) -> None:
    """Fills what is left of the parts, and tells how far it is.

    Args:
        names: of all N pictures.
        parts: of their table.
        rows_from: gives the rows from a position in `names` on, a batch at a time.
    """
    length = BATCHES * scoring.BATCH
    count, done = len(names), min(len(parts) * length, len(names))
    if done:
        print(f"going on: {done} of {count} pictures are scored already", flush=True)
    bar = Progress(count, "picture", done)
    batches = rows_from(done)
    for _ in range(done, count, length):
        tables = []
        for table in itertools.islice(batches, BATCHES):
            tables.append(table)
            bar.add(len(table))
        parts.append(pd.concat(tables, ignore_index=True))


def readable(names: Sequence[str], ok: Sequence[bool], source: ImageSource) -> dict[str, Any]:
    """The columns ok and reason of a batch: why ok is false, empty where it is true."""
    reasons = ["" if good else source.why_unreadable(name) for name, good in zip(names, ok, strict=True)]
    return {"ok": ok, "reason": pd.Series(reasons, dtype=object)}


def latent_columns(latents: np.ndarray) -> dict[str, np.ndarray]:
    """The columns latent_0, latent_1, ... of latents (B, Z)."""
    return {f"latent_{index}": latents[:, index] for index in range(latents.shape[1])}


def _digest(source: Path) -> str:
    """SHA-256 of a model: of a run or an exported version."""
    trained = [source / name for name in ("model.keras", "vae.keras", "novelty.npz")]
    files = [path for path in trained if path.exists()]
    files = files if trained[0].exists() else sorted(path for path in source.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(source)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()

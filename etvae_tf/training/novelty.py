"""How unlike the training pictures a galaxy is: the distance of its latent from theirs.

The distance is Mahalanobis's, by a mean and a covariance (Ledoit and Wolf 2004) of the latents of training pictures,
over the distance that 1 % of pictures exceed which the mean and the covariance were not fitted to. Above 1 a galaxy is
unlike the training pictures, and what error bars promise was learnt from others.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.covariance import LedoitWolf

from etvae_tf.data import evaluation_batches
from etvae_tf.files import write_atomically
from etvae_tf.models import ETVAE

__all__ = ["Novelty", "fit_novelty", "learn_novelty", "read_novelty"]

_EXCEEDING = 0.01  # of the pictures like the training's have a novelty above 1
_FOLDS = 4
_PICTURES = 2000  # that a reference is made of, at most: some 30 for each of 64 latents
_FEWEST = 8  # pictures: two in each fold
_BATCH = 128  # pictures encoded at once
_SMALLEST = 1e-12  # of a limit: latents that are all the same have none


class Novelty(NamedTuple):
    """What a latent's novelty is computed from: |(latent - mean) whitening|, which is 1 at the limit.

    Attributes:
        mean: float32 array (Z,).
        whitening: float32 array (Z, Z).
    """

    mean: np.ndarray
    whitening: np.ndarray


def fit_novelty(latents: np.ndarray) -> Novelty:
    """Fits the reference, and the limit by four folds.

    Args:
        latents: posterior means, float array (N, Z), of N >= 8 training pictures.
    """
    latents = latents.astype(np.float64)
    fold = np.arange(len(latents)) % _FOLDS
    unseen = [LedoitWolf().fit(latents[fold != one]).mahalanobis(latents[fold == one]) for one in range(_FOLDS)]
    limit = np.sqrt(np.quantile(np.concatenate(unseen), 1 - _EXCEEDING))
    reference = LedoitWolf().fit(latents)
    variances, directions = np.linalg.eigh(reference.precision_)
    whitening = directions * np.sqrt(np.maximum(variances, 0)) / max(limit, _SMALLEST)
    return Novelty(reference.location_.astype(np.float32), whitening.astype(np.float32))


def learn_novelty(model: ETVAE, pictures: np.ndarray, path: Path) -> None:
    """Writes the reference of a trained model, from at most 2,000 training pictures, taken at equal steps.

    Args:
        model: trained.
        pictures: uint8 array (N, H, W, C), or mapped pictures; fewer than 8 tell nothing, and nothing is written.
        path: of the NPZ file.
    """
    if len(pictures) < _FEWEST:
        return
    rows = np.unique(np.linspace(0, len(pictures) - 1, _PICTURES).astype(int))
    batches = evaluation_batches(pictures[rows], _BATCH)
    novelty = fit_novelty(np.concatenate([model.encoder(batch).loc.numpy() for batch in batches]))
    write_atomically(path, lambda temporary: np.savez(temporary, **novelty._asdict()))


def read_novelty(path: Path) -> Novelty | None:
    """What `learn_novelty` wrote; None where there is no such file, as in runs of an earlier release."""
    if not path.exists():
        return None
    with np.load(path) as arrays:
        return Novelty(arrays["mean"], arrays["whitening"])

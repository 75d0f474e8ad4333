"""Which candidates to ask volunteers about next: a batch by one of four strategies.

- `bald`, `entropy`: the most informative ones, spread over the latent space: of the ten times as many with the highest
  scores, k-means weighted by the scores makes as many clusters as are wanted, and of each the galaxy nearest to the
  centre is taken (Zhdanov 2019, arXiv:1901.05954).
- `typical`: the latents make as many clusters as are wanted, and of each the galaxy whose neighbours are nearest is
  taken (Hacohen et al. 2022, arXiv:2202.02794): for the first labels, when nothing is known of votes.
- `random`: what the others must beat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from etvae_tf.data import draw_labels, draw_pool
from etvae_tf.errors import InputError

__all__ = ["STRATEGIES", "Chosen", "check_number", "check_strategy", "choose"]

STRATEGIES = {  # -> the measure of information that it takes, if any
    "bald": "mutual_information",
    "entropy": "entropy",
    "typical": None,
    "random": None,
}
_SHORTLIST = 10  # candidates looked at for each one that is chosen
_CLUSTERED = 20_000  # candidates that are clustered at most, for typicality
_NEIGHBOURS = 20  # of a galaxy in its cluster, whose mean distance says how typical it is
_LEAST_WEIGHT = 1e-6  # in k-means, of a candidate with the score 0


class Chosen(NamedTuple):
    """A batch of n candidates, the highest score first.

    Attributes:
        places: int array (n,), theirs among the candidates.
        scores: float array (n,): mutual information or entropy in nats, the inverse of the mean distance to the
            neighbours, or NaN at random.
    """

    places: np.ndarray
    scores: np.ndarray


def check_strategy(strategy: str) -> None:
    """Refuses what is no strategy.

    Raises:
        InputError: it is none of `STRATEGIES`.
    """
    if strategy not in STRATEGIES:
        raise InputError(f"strategy={strategy} came, but one of {', '.join(STRATEGIES)} was expected; mend --strategy.")


def check_number(n: int, candidates: int) -> None:
    """Refuses to choose more than there are.

    Raises:
        InputError: n is below 1 or above the number of candidates.
    """
    if not 1 <= n <= candidates:
        raise InputError(
            f"n_galaxies={n} came, but there are {candidates} candidates; lower --n_galaxies, or give more pictures."
        )


def choose(
    strategy: str,
    ids: np.ndarray,
    information: Mapping[str, np.ndarray],
    latents: Callable[[np.ndarray], np.ndarray],
    n: int,
    seed: int = 0,
) -> Chosen:
    """Chooses a batch; the same for the same candidates and seed, in whichever order they come.

    Args:
        strategy: a key of `STRATEGIES`.
        ids: str array (N,), of the candidates.
        information: float arrays (N,) by the names in `STRATEGIES`.
        latents: gives posterior means (M, Z) of the candidates at M places.
        n: how many.
        seed: of k-means and of the random order.

    Raises:
        InputError: no such strategy, n below 1 or above N.
    """
    check_strategy(strategy)
    check_number(n, len(ids))
    if strategy == "random":
        return Chosen(draw_labels(ids, np.ones(len(ids), bool), n, seed), np.full(n, np.nan))
    if strategy == "typical":
        places = draw_pool(ids, max(_CLUSTERED, n))
        places = places[np.argsort(ids[places])]
        clustered = latents(places)
        scores = np.empty(len(places))
        clusters = _clusters(clustered, np.ones(len(places)), n, seed)
        for members in clusters:
            scores[members] = _typicality(clustered[members])
        taken = [members[np.argmax(scores[members])] for members in clusters]
    else:
        everything = information[STRATEGIES[strategy]]
        places = np.lexsort((ids, -everything))[: _SHORTLIST * n]
        shortlist, scores = latents(places), everything[places]
        clusters = _clusters(shortlist, np.maximum(scores, _LEAST_WEIGHT), n, seed)
        taken = [members[_nearest(shortlist[members], scores[members])] for members in clusters]
    return _ranked(places, scores, np.array(taken), n)


def _clusters(latents: np.ndarray, weights: np.ndarray, n: int, seed: int) -> list[np.ndarray]:
    """Places of the members of n clusters; of fewer where fewer latents differ."""
    different = len(np.unique(latents, axis=0))
    means = KMeans(min(n, different), n_init=1, random_state=seed).fit(latents, sample_weight=weights)
    return [np.flatnonzero(means.labels_ == one) for one in np.unique(means.labels_)]


def _nearest(latents: np.ndarray, weights: np.ndarray) -> int:
    """Which member of a cluster is nearest to its weighted centre."""
    centre = np.average(latents, axis=0, weights=np.maximum(weights, _LEAST_WEIGHT))
    return int(np.argmin(np.linalg.norm(latents - centre, axis=1)))


def _typicality(latents: np.ndarray) -> np.ndarray:
    """Inverse mean distance to the nearest neighbours in the cluster, (M,); 0 for one that is alone."""
    neighbours = min(_NEIGHBOURS, len(latents) - 1)
    if not neighbours:
        return np.zeros(1)
    distances, _ = NearestNeighbors(n_neighbors=neighbours).fit(latents).kneighbors()
    return 1 / np.maximum(distances.mean(axis=1), np.finfo(float).tiny)


def _ranked(places: np.ndarray, scores: np.ndarray, taken: np.ndarray, n: int) -> Chosen:
    """Those taken, filled up by score where there are fewer than n, the highest score first."""
    others = np.setdiff1d(np.argsort(-scores, kind="stable"), taken, assume_unique=True)
    taken = np.concatenate([taken, others[: n - len(taken)]])
    taken = taken[np.argsort(-scores[taken], kind="stable")]
    return Chosen(places[taken], scores[taken])

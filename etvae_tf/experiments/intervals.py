"""95 % intervals by the bootstrap, over seeds and galaxies at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Interval", "metric_interval", "resampling_weights"]

_REPLICATES = 2000
_COVERAGE = (2.5, 97.5)  # percentiles


class Interval(NamedTuple):
    """A mean over seeds, with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def resampling_weights(seeds: int, galaxies: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Which seeds and which galaxies each bootstrap replicate draws; shared by whatever is compared.

    Args:
        seeds: S, runs that differ in the seed alone.
        galaxies: N, test galaxies common to all runs.
        seed: of the draws.

    Returns:
        Float arrays (S, R) and (N, R): how often each is drawn, over the number of draws; columns sum to 1.
    """
    generator = np.random.default_rng(seed)
    by_seed = generator.multinomial(seeds, np.full(seeds, 1 / seeds), _REPLICATES).T / seeds
    by_galaxy = generator.multinomial(galaxies, np.full(galaxies, 1 / galaxies), _REPLICATES).T / galaxies
    return by_seed, by_galaxy


def metric_interval(
    errors: np.ndarray, weights: tuple[np.ndarray, np.ndarray], root: bool, reference: np.ndarray | None = None
) -> Interval:
    """Mean over seeds of a metric of one arm, or of its difference to another arm's.

    Seeds are paired with seeds and galaxies with galaxies, so what both arms share cancels in a difference.

    Args:
        errors: float array (S, N), the error of each galaxy under each seed (squared for an RMSE).
        weights: `resampling_weights(S, N)`.
        root: take the root of the mean over galaxies.
        reference: (S, N), errors of the arm that is subtracted.
    """
    by_seed, by_galaxy = weights

    def metric(values: np.ndarray, galaxies: np.ndarray) -> np.ndarray:
        mean = values @ galaxies
        return np.sqrt(mean) if root else mean

    def total(galaxies: np.ndarray) -> np.ndarray:
        own = metric(errors, galaxies)
        return own if reference is None else own - metric(reference, galaxies)

    uniform = np.full((errors.shape[1], 1), 1 / errors.shape[1])
    replicates = np.sum(total(by_galaxy) * by_seed, axis=0)
    low, high = np.percentile(replicates, _COVERAGE)
    return Interval(float(total(uniform).mean()), float(low), float(high))

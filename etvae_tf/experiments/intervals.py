"""95 % intervals: over seeds by Student's t, which holds for few of them, and over galaxies by the bootstrap, apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

__all__ = ["Interval", "galaxy_share", "seed_interval"]

_LEVEL = 0.95
_REPLICATES = 2000


class Interval(NamedTuple):
    """A mean over seeds, with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


def seed_interval(values: np.ndarray) -> Interval:
    """Mean and 95 % t interval over seeds.

    A bootstrap over three seeds covers about 75 % where 95 % is meant, this covers 95 % of normal values. For a
    difference between arms, give each seed's difference: what both arms share at a seed cancels.

    Args:
        values: float array (S,), one number a seed.

    Returns:
        The interval; its ends are NaN for one seed, which says nothing of others.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, np.nan, np.nan)
    reach = float(stats.t.ppf((1 + _LEVEL) / 2, len(values) - 1) * stats.sem(values))
    return Interval(mean, mean - reach, mean + reach)


def galaxy_share(errors: np.ndarray, root: bool, reference: np.ndarray | None = None, seed: int = 0) -> float:
    """Half the width of the 95 % interval that the choice of scored galaxies alone gives, by the bootstrap.

    Args:
        errors: float array (S, N), the error of each galaxy under each seed (squared for an RMSE); NaN where a seed
            did not score a galaxy.
        root: take the root of the mean over galaxies.
        reference: (S, N), errors of the arm that is subtracted, on the same galaxies.
        seed: of the draws.
    """
    galaxies = errors.shape[1]
    drawn = np.random.default_rng(seed).multinomial(galaxies, np.full(galaxies, 1 / galaxies), _REPLICATES).T

    def metric(values: np.ndarray) -> np.ndarray:
        means = (np.nan_to_num(values) @ drawn) / (np.isfinite(values).astype(float) @ drawn)
        return (np.sqrt(means) if root else means).mean(axis=0)

    replicates = metric(errors) if reference is None else metric(errors) - metric(reference)
    low, high = np.percentile(replicates, [50 * (1 - _LEVEL), 50 * (1 + _LEVEL)])
    return float(high - low) / 2

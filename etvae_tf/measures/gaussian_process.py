"""Gaussian process from measures to vote fractions (Rasmussen & Williams 2006, ch. 2): the baseline to beat.

    f ~ GP(mean, a exp(-|u - v|^2 / (2 r^2))),  fraction = f + noise of variance w,

where u, v are standardised measures; a, r and w maximise the marginal likelihood of the labels.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from etvae_tf.errors import InputError

__all__ = ["GaussianProcess"]

_OUTLIER = 5.0  # standard deviations at which a measure is cut off: one odd picture must not rule the distances
_CHUNK = 4096  # galaxies predicted at once: their covariance with the labelled ones stays small


class GaussianProcess:
    """Vote fractions from features, by Gaussian-process regression.

    All answers share one kernel, so that predictions sum to 1 before negative ones are cut off. Nothing is random: the
    same labels give the same process, on one core as on many.
    """

    def fit(self, features: pd.DataFrame | np.ndarray, votes: np.ndarray) -> GaussianProcess:
        """Learns from labelled galaxies; takes seconds for 1,000 of them and grows with the cube of their number.

        Args:
            features: table or array (n, D), in any units.
            votes: array (n, K), counts or fractions >= 0 over K >= 2 answers; galaxies without votes are left out.

        Returns:
            This process.

        Raises:
            InputError: shapes that do not fit, values that are not finite, or fewer than two galaxies with votes.
        """
        features, votes = _checked_features(features), _checked_votes(votes)
        if len(features) != len(votes):
            raise InputError(
                f"features of {len(features)} galaxies came with votes of {len(votes)}, expected as many; "
                "give both the same rows."
            )
        voting = votes.sum(axis=1) > 0
        if voting.sum() < 2:
            raise InputError(
                f"{voting.sum()} of {len(votes)} galaxies have votes, expected at least 2; add labelled galaxies."
            )
        features, fractions = features[voting], votes[voting] / votes[voting].sum(axis=1, keepdims=True)
        self._scaler = StandardScaler().fit(features)
        self._mean = fractions.mean(axis=0)
        distance = np.sqrt(features.shape[1])  # between two galaxies, to a factor of about 1.4
        kernel = ConstantKernel(0.05) * RBF(distance, (0.3 * distance, 100 * distance)) + WhiteKernel(0.02, (1e-3, 1.0))
        self._process = GaussianProcessRegressor(kernel)
        # One thread, since sums in another order lead the search for the parameters elsewhere.
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            # A parameter at its bound is an answer, such as "the measures say nothing" or "there is no noise".
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._process.fit(self._standardised(features), fractions - self._mean)
        return self

    def predict(self, features: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Predicts the vote fractions of galaxies.

        Args:
            features: table or array (N, D), the same D measures as in `fit`.

        Returns:
            float64 array (N, K), each row >= 0 and of sum 1.

        Raises:
            InputError: another number of features than in `fit`, or values that are not finite.
        """
        features = _checked_features(features)
        if features.shape[1] != self._scaler.n_features_in_:
            raise InputError(
                f"galaxies with {features.shape[1]} features came, expected {self._scaler.n_features_in_} as in fit; "
                "measure pictures of the same number of channels."
            )
        starts = range(0, len(features), _CHUNK)
        with threadpool_limits(1, user_api="blas"):
            chunks = [self._process.predict(self._standardised(features[start : start + _CHUNK])) for start in starts]
        fractions = np.maximum(np.concatenate(chunks) + self._mean, 0) if chunks else np.empty((0, len(self._mean)))
        return fractions / fractions.sum(axis=1, keepdims=True)

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return np.clip(self._scaler.transform(features), -_OUTLIER, _OUTLIER)


def _checked_features(features: pd.DataFrame | np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or features.shape[1] == 0 or not np.isfinite(features).all():
        raise InputError(
            f"features of shape {features.shape} came, expected finite numbers (galaxies, measures); "
            "take them from etvae_tf.measures.measure."
        )
    return features


def _checked_votes(votes: np.ndarray) -> np.ndarray:
    votes = np.asarray(votes, np.float64)
    if votes.ndim != 2 or votes.shape[1] < 2 or not (np.isfinite(votes) & (votes >= 0)).all():
        raise InputError(
            f"votes of shape {votes.shape} came, expected finite numbers >= 0 (galaxies, answers) for two or more "
            "answers; leave galaxies that nobody classified out, or give them zeros."
        )
    return votes

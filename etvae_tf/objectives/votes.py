"""Multinomial likelihood of the votes (Eq. 1-2)."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["vote_nll"]


def vote_nll(votes: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-log Multinomial(votes; N, softmax(logits)), N = that galaxy's vote total.

    Args:
        votes: float tensor (B, K), counts >= 0; fractions times a pseudo-count need not be whole numbers.
        logits: float tensor (B, K).

    Returns:
        float tensor (B,), in nats. A galaxy without votes costs 0 and gives no gradient.
    """
    total = tf.reduce_sum(votes, axis=-1)
    return -tfp.distributions.Multinomial(total, logits=logits).log_prob(votes)

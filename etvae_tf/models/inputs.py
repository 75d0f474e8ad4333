"""What Keras users may bring to a training step, and what Keras's callbacks expect back from it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from etvae_tf.errors import InputError

__all__ = ["as_floats", "with_loss"]


def as_floats(batch: Any, dtype: str) -> Any:
    """Pictures and votes in one type: NumPy's fractions are float64, counts are integers.

    Raises:
        InputError: pictures are bytes.
    """

    def cast(values: tf.Tensor) -> tf.Tensor:
        if values.dtype == tf.uint8:
            raise InputError("uint8 pictures came, but floats in [0, 1] were expected; divide them by 255.")
        return tf.cast(values, dtype)

    return tf.nest.map_structure(cast, batch)


def with_loss(logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Adds `loss`, vote_nll - elbo of those that are there, in nats: TerminateOnNaN looks at nothing else."""
    return {**logs, "loss": logs.get("vote_nll", 0.0) - logs.get("elbo", 0.0)}

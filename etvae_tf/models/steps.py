"""What training steps are made of: seeds, the warm-up of a weight, an optimizer's step, the loss for Keras."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

__all__ = ["descend", "draw_seed", "warmth", "with_loss"]


def draw_seed(seed: int, objective: int, step: int | tf.Tensor) -> tf.Tensor:
    """The seed of one draw, another one for each seed, objective and step, and in each replica of a strategy.

    Args:
        seed: of the model, in [0, 2 ** 32).
        objective: 0 or 1.
        step: whole number, >= -1.

    Returns:
        int32 tensor (2,).
    """
    high, low = divmod(2 * seed + objective, 2**32)  # 33 bits: the highest is the step's sign
    step = tf.bitwise.bitwise_xor(tf.cast(step, tf.int32), np.int32(-(2**31) * high))
    both = tf.stack([np.uint32(low).astype(np.int32), step])
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync > 1:
        both = tf.random.experimental.stateless_fold_in(both, replica.replica_id_in_sync_group)
    return both


def warmth(step: tf.Tensor, steps: int) -> tf.Tensor:
    """Rises linearly to 1 over so many steps."""
    return tf.minimum(1.0, tf.cast(step + 1, tf.float32) / max(steps, 1))


def descend(optimizer: keras.optimizers.Optimizer, tape: tf.GradientTape, loss: tf.Tensor, variables: list) -> None:
    """One step of an optimizer; Keras 3 divides the gradients by a loss_scale_factor, so they are multiplied first."""
    factor = getattr(optimizer, "loss_scale_factor", None)
    scale = None if factor is None else tf.constant(factor, loss.dtype)
    gradients = tape.gradient(loss, variables, output_gradients=scale)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))


def with_loss(logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Adds `loss`, vote_nll - elbo of those that are there, in nats: TerminateOnNaN looks at nothing else."""
    return {**logs, "loss": logs.get("vote_nll", 0.0) - logs.get("elbo", 0.0)}

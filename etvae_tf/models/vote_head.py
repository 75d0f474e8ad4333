"""Vote head: from the latent to the logits of every answer, their likelihood (Eq. 1-2) and their fractions."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import keras
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.layers.precision import refuse_precision
from etvae_tf.objectives import vote_nll

__all__ = ["VoteHead"]


@keras.saving.register_keras_serializable("etvae_tf")
class VoteHead(keras.layers.Layer):
    """Two-layer network on the latent, and what its logits mean.

    Each of Q questions has its own answers: a slice of the K logits, with a softmax and a multinomial of its own.
    Votes and fractions lie side by side in the same order.

    Input (B, Z); output logits (B, K).

    Args:
        answers: how many each question has, a tuple of Q whole numbers >= 2; K is their sum.
        units: of the hidden layer.

    Raises:
        InputError: answers is something else.
    """

    def __init__(self, answers: tuple[int, ...], units: int = 64, **kwargs):
        super().__init__(**kwargs)
        refuse_precision(self)
        if not isinstance(answers, tuple | list) or not answers or not all(_is_count(count) for count in answers):
            raise InputError(
                f"answers={answers!r} came, but a tuple with each question's number of answers, at least 2, was "
                "expected; one question of three is answers=(3,)."
            )
        self.answers = tuple(int(count) for count in answers)
        self.units = units
        self.hidden = keras.layers.Dense(units, activation="relu", kernel_initializer="he_normal", name="hidden")
        self.logits = keras.layers.Dense(sum(self.answers), name="logits")

    def build(self, input_shape: tuple) -> None:
        """Builds both layers for (B, Z)."""
        self.hidden.build(input_shape)
        self.logits.build((None, self.units))
        self.built = True

    def call(self, latent: tf.Tensor) -> tf.Tensor:
        """Logits (B, K) of latents (B, Z)."""
        return self.logits(self.hidden(latent))

    def fractions(self, logits: tf.Tensor) -> tf.Tensor:
        """Expected fractions of each question's votes, which add up to 1: logits (..., K) to (..., K)."""
        return tf.concat([tf.nn.softmax(one) for one in self._questions(logits)], axis=-1)

    def squared_error(self, votes: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """How far fractions are from those of the votes that were cast.

        Args:
            votes: float tensor (B, K), counts >= 0.
            logits: float tensor (B, K).

        Returns:
            float tensor (B,), the squared error averaged over answers. Each question counts by its votes over those on
            the question that the galaxy has most votes on.
        """
        totals = [tf.reduce_sum(one, axis=-1, keepdims=True) for one in self._questions(votes)]
        most = tf.reduce_max(tf.concat(totals, axis=-1), axis=-1, keepdims=True)
        squared = [
            tf.math.divide_no_nan(total, most) * tf.square(tf.nn.softmax(one) - tf.math.divide_no_nan(cast, total))
            for total, one, cast in zip(totals, self._questions(logits), self._questions(votes), strict=True)
        ]
        return tf.reduce_mean(tf.concat(squared, axis=-1), axis=-1)

    def nll(self, votes: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Negative log likelihood of each question's votes.

        Args:
            votes: float tensor (B, K), counts >= 0.
            logits: float tensor (B, K).

        Returns:
            float tensor (B, Q), in nats. A question that nobody was asked costs 0 and gives no gradient.
        """
        pairs = zip(self._questions(votes), self._questions(logits), strict=True)
        return tf.stack([vote_nll(*pair) for pair in pairs], axis=-1)

    def _questions(self, values: tf.Tensor) -> list[tf.Tensor]:
        """Each question's slice (..., K_q) of values (..., K)."""
        return tf.split(values, self.answers, axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, Z) to (B, K)."""
        return (input_shape[0], sum(self.answers))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "answers": list(self.answers), "units": self.units}


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and value >= 2

"""Classifier: from the latent to the vote logits."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["Classifier"]


@keras.saving.register_keras_serializable("etvae_tf")
class Classifier(keras.layers.Layer):
    """Two-layer network on the latent.

    Input (B, Z), and a seed (2,) in training, when hidden units are dropped; output logits (B, K).
    """

    def __init__(self, answers: int, units: int = 64, dropout: float = 0.0, **kwargs):
        """Args:
        answers: K.
        units: of the hidden layer.
        dropout: fraction of hidden units dropped in training, in [0, 1).
        """
        super().__init__(**kwargs)
        self.answers = answers
        self.units = units
        self.dropout = dropout
        self.hidden = keras.layers.Dense(units, activation="relu", kernel_initializer="he_normal", name="hidden")
        self.logits = keras.layers.Dense(answers, name="logits")

    def build(self, input_shape: tuple) -> None:
        """Builds both layers for (B, Z)."""
        self.hidden.build(input_shape)
        self.logits.build((None, self.units))
        self.built = True

    def call(self, latent: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Logits (B, K) of latents (B, Z)."""
        hidden = self.hidden(latent)
        if seed is not None and self.dropout:
            hidden = tf.nn.experimental.stateless_dropout(hidden, self.dropout, seed)
        return self.logits(hidden)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """(B, Z) to (B, K)."""
        return (input_shape[0], self.answers)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "answers": self.answers, "units": self.units, "dropout": self.dropout}

"""What pre-training asks of the latent beside the ELBO; no exported model holds it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.objectives import view_contrast

__all__ = ["Pretext"]


@keras.saving.register_keras_serializable("etvae_tf")
class Pretext(keras.layers.Layer):
    """Tasks without labels: find the other view of a galaxy, and tell its classical measures.

    Args:
        latent_dim: Z.
        measures: D, how many measures of a galaxy are told from its latent; 0 for none.
    """

    def __init__(self, latent_dim: int, measures: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim, self.measures = latent_dim, measures
        # Views of a galaxy share this many of its latents; the others may tell how they differ, which the pixels need.
        self.shared_dim = -(-latent_dim // 2)
        hidden = keras.layers.Dense(4 * latent_dim, activation="relu", kernel_initializer="he_normal")
        self.projection = keras.Sequential([hidden, keras.layers.Dense(latent_dim)], name="projection")
        self.measured = keras.layers.Dense(measures, name="measured") if measures else None

    def build(self, input_shape: tuple | None = None) -> None:
        """Builds what compares views, and what tells measures."""
        self.projection.build((None, self.shared_dim))
        if self.measured is not None:
            self.measured.build((None, self.latent_dim))
        self.built = True

    def call(self, latent: tf.Tensor) -> tf.Tensor:
        """What the view contrast compares: a function (B, Z) of the shared half of latents (B, Z)."""
        return self.projection(latent[:, : self.shared_dim])

    def variables_of(self, view_weight: float, measure_weight: float) -> list:
        """What a step moves whose loss holds the tasks with these weights."""
        views = self.projection.trainable_variables if view_weight else []
        return [*views, *(self.measured.trainable_variables if measure_weight else [])]

    def refuse_weight(self, measure_weight: float) -> None:
        """Raises an InputError on a weight of measures where there are none."""
        if measure_weight and not self.measures:
            raise InputError(
                f"measure_weight={measure_weight} came to a model of no measures; build it with measures= as many as "
                "each galaxy has, or leave the weight out."
            )

    def view_contrast(self, latent: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Contrast (B,) in nats of latents (B, Z) and those of other views (B, Z) of the same galaxies."""
        return view_contrast(self(latent), self(other))

    def measure_error(self, latent: tf.Tensor, measures: tf.Tensor) -> tf.Tensor:
        """Mean squared error (B,) of the standardised measures (B, D) that latents (B, Z) tell; a linear function, so
        that the latent, not this layer, has to know them."""
        return tf.reduce_mean((self.measured(latent) - measures) ** 2, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "latent_dim": self.latent_dim, "measures": self.measures}

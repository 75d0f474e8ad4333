"""Reparameterised draws from the Gaussian posterior q(z | x)."""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from etvae_tf.layers.precision import refuse_precision

__all__ = ["PosteriorSampling"]


@keras.saving.register_keras_serializable("etvae_tf")
class PosteriorSampling(keras.layers.Layer):
    """z ~ N(loc, diag(scale^2)), a function of the seed alone; gradients reach loc and scale.

    Inputs loc and scale (B, Z), scale > 0, and seed, int tensor (2,); output (B, Z).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        refuse_precision(self)
        self.built = True  # it has no weights

    def call(self, loc: tf.Tensor, scale: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """One draw for each row."""
        return tfp.distributions.MultivariateNormalDiag(loc, scale).sample(seed=seed)

    def compute_output_shape(self, loc_shape: tuple, scale_shape: tuple = (), seed_shape: tuple = ()) -> tuple:
        """As loc's."""
        return tuple(loc_shape)

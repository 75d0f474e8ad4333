"""Geometry and likelihoods need float32: layers of another dtype policy are refused in one sentence."""

from __future__ import annotations

import keras

from etvae_tf.errors import InputError

__all__ = ["refuse_precision"]


def refuse_precision(layer: keras.layers.Layer) -> None:
    """Raises an InputError on a layer that does not hold and compute everything in float32."""
    for kind in (layer.compute_dtype, layer.variable_dtype):
        if kind != "float32":
            raise InputError(
                f"{layer.name} got a dtype policy with {kind}, but this layer is computed in float32; call "
                'keras.mixed_precision.set_global_policy("float32") before it is built, or give it dtype="float32".'
            )

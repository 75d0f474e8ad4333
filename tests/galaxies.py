"""Galaxies and tiny models that tests share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from configs import quicktest
from etvae_tf import ETVAE, build_model
from etvae_tf.data import synthesise
from etvae_tf.data.images import load_images, open_images


@cache
def synthetic_images(count: int, size: int = 64, channels: int = 1) -> tf.Tensor:
    """float32 (B, H, W, C) in [0, 1]."""
    return tf.constant(synthesise(count, image_size=size, channels=channels).images, tf.float32) / 255.0


@cache
def real_images(folder: Path, count: int, size: int = 64) -> tf.Tensor:
    """The first of the Kaggle galaxies: float32 (B, H, W, 1) in [0, 1]."""
    source = open_images(folder / "kaggle" / "images.zip")
    return tf.constant(load_images(source, np.array(sorted(source.names)[:count]), size, 1, 1.0), tf.float32) / 255.0


def tiny_model(seed: int = 0, channels: int = 1, size: int = 32, measures: int = 0, **changes: object) -> ETVAE:
    """The quick test's model, built; `changes` override fields of config.model (dots as double underscores)."""
    config = quicktest.get_config().model
    config.update_from_flattened_dict({name.replace("__", "."): value for name, value in changes.items()})
    keras.utils.set_random_seed(seed)
    return build_model(config, size, channels, (3,), seed, measures)

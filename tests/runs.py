"""Runs of the smallest configuration, and what tests look at in them."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ml_collections import ConfigDict

from configs import quicktest
from etvae_tf.data import GalaxyData, load_data
from etvae_tf.models import ETVAE, build_model
from etvae_tf.training import RunFolder, phases, train


def plain_config() -> ConfigDict:
    """The quick test's, with one convolution and no pose: half the time, for what has nothing to do with the pose."""
    config = quicktest.get_config()
    config.model.filters, config.model.pose.group = (4,), "none"
    return config


def run(regime: str, folder: Path, skipped: tuple = (), **changes: object) -> tuple[ETVAE, GalaxyData, RunFolder]:
    config = plain_config()
    config.regime = regime
    config.update_from_flattened_dict({name.replace("__", "."): value for name, value in changes.items()})
    data, run_folder = load_data(config), RunFolder(folder)
    run_folder.claim(json.loads(config.to_json()), data)
    model, seconds = train(config, data, run_folder)
    plan = [phase.name for phase in phases(regime, config.train, config.n_labels, len(data.pool))]
    assert list(seconds) == [name for name in plan if name not in skipped]
    return model, data, run_folder


def fresh_model() -> ETVAE:
    """The weights every run of seed 0 starts from."""
    config = plain_config()
    keras.utils.set_random_seed(0)
    return build_model(config.model, config.data.image_size, config.data.channels, (3,))


def same_weights(first: keras.layers.Layer, second: keras.layers.Layer) -> bool:
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def batches_seen(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Everything handed to `train_step`, run eagerly."""
    seen: list[dict] = []
    original = ETVAE.train_step

    def train_step(self: ETVAE, batch: dict) -> dict:
        seen.append(tf.nest.map_structure(np.asarray, batch))
        return original(self, batch)

    monkeypatch.setattr(ETVAE, "train_step", train_step)
    return seen

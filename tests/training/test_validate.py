"""Impossible configs are refused before anything is read."""

from __future__ import annotations

import pytest

from configs import quicktest
from etvae_tf.errors import InputError
from etvae_tf.training import validate_config


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("regime", "semi", "supervised, alternating, two_step"),
        ("data.image_size", 50, "try 48"),
        ("data.image_size", 512, "try 256"),
        ("data.channels", 2, "1, 3"),
        ("data.crop_fraction", 0.0, r"\(0, 1\]"),
        ("data.validation_fraction", 1.0, r"\[0, 1\)"),
        ("data.augment_outskirts", 1.1, r"\[0, 1\]"),
        ("model.filters", (), "whole numbers"),
        ("model.residual", (2,), "different whole numbers from 0 to 1"),
        ("model.residual", (1, 1), "different whole numbers from 0 to 1"),
        ("model.pose.order", 0, "whole number >= 1"),
        ("model.pose.group", "shear", "rotation_scale"),
        ("model.pixel_likelihood", "poisson", "gaussian"),
        ("model.sampler", "opencv", "gather"),
        ("train.vae_steps_per_picture", -0.1, "number >= 0"),
        ("train.vae_learning_rate", -1.0, "number > 0"),
        ("n_labels", 1, ">= 2"),
        ("train.folds", 1, "0, or a whole number from 2 to n_labels / 2"),
        ("train.folds", 21, "0, or a whole number from 2"),
    ],
)
def test_impossible_configs_are_refused(field: str, value: object, sentence: str) -> None:
    config = quicktest.get_config()
    config.update_from_flattened_dict({field: value})
    with pytest.raises(InputError, match=sentence):
        validate_config(config)


@pytest.mark.parametrize(
    "change",
    [
        {"regime": "supervised"},
        {"train.init": "run"},
        {"regime": "alternating", "train.alternating_from_scratch": True},
    ],
)
def test_measures_are_asked_for_by_pre_training_alone(change: dict) -> None:
    config = quicktest.get_config()
    config.update_from_flattened_dict({"regime": "two_step", "train.measure_weight": 1.0})
    validate_config(config)
    config.update_from_flattened_dict(change)
    with pytest.raises(InputError, match="measure_weight=1 came to a run without pre-training, expected 0; "):
        validate_config(config)

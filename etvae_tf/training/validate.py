"""Refuses impossible configs before anything is read, built or written."""

from __future__ import annotations

from typing import Any

from etvae_tf.data.validate import validate_data
from etvae_tf.errors import InputError
from etvae_tf.fields import choose, require, whole
from etvae_tf.models.validate import validate_model
from etvae_tf.training.phases import REGIMES, phases
from etvae_tf.training.start import check_start

__all__ = ["validate_config"]

_LARGEST_SEED = 2**32 - 1  # of NumPy's


def validate_config(config: Any) -> None:
    """Checks every field that can be wrong by itself; each room checks its own.

    Args:
        config: a whole run's config.

    Raises:
        InputError: names the field, what came and what was expected; or `check_start` refuses what it starts from.
    """
    choose(config, "regime", REGIMES)
    require(config, ["n_labels"], lambda value: value == 0 or value >= 2, "0 for all there are, or a whole number >= 2")
    require(config, ["seed"], lambda value: 0 <= value <= _LARGEST_SEED, f"a whole number from 0 to {_LARGEST_SEED}")
    sizes = ("steps_per_epoch", "vae_batch", "unlabelled_batch", "labelled_batch")
    require(config, [f"train.{name}" for name in sizes], *whole(1))
    folds = "0, or a whole number from 2 to n_labels / 2"
    require(
        config, ["train.folds"], lambda value: value == 0 or 2 <= value <= (config.n_labels or 2 * value) / 2, folds
    )
    require(config, ["train.teaching_pictures"], *whole(0))
    if config.train.teaching_pictures and config.regime != "two_step":
        raise InputError(
            f"train.teaching_pictures={config.train.teaching_pictures} with regime={config.regime}: what is taught is "
            "the last model of two_step; add --regime=two_step, or set --config.train.teaching_pictures=0."
        )
    require(config, ["train.teaching_steps"], *whole(1))
    require(config, ["train.member"], *whole(0))
    positive = ("vote_steps_per_label", "vae_learning_rate", "vote_learning_rate")
    require(config, [f"train.{name}" for name in positive], lambda value: value > 0, "a number > 0")
    others = (
        "vae_steps", "vae_steps_per_picture", "vote_steps", "kl_weight", "view_weight", "measure_weight",
        "alternating_vae_rate", "kl_warmup_steps",
    )  # fmt: skip
    require(config, [f"train.{name}" for name in others], lambda value: value >= 0, "a number >= 0")
    if config.train.measure_weight and not any(
        phase.measures for phase in phases(config.regime, config.train, config.n_labels, 1)
    ):
        raise InputError(
            f"train.measure_weight={config.train.measure_weight:g} came to a run without pre-training, expected 0; "
            "set --config.train.measure_weight=0, or choose two_step without --init."
        )
    validate_data(config)
    validate_model(config)
    check_start(config)

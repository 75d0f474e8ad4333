"""Refuses impossible `data` fields of a config before anything is read."""

from __future__ import annotations

from typing import Any

from etvae_tf.data.schema import KINDS
from etvae_tf.errors import InputError
from etvae_tf.fields import choose, require, whole

__all__ = ["validate_data"]


def validate_data(config: Any) -> None:
    """Checks every field of `config.data` that can be wrong by itself.

    Args:
        config: a whole run's config.

    Raises:
        InputError: names the field, what came and what was expected.
    """
    choose(config, "data.label_kind", KINDS)
    choose(config, "data.channels", (1, 3))
    sizes = ("image_size", "augment_jitter_labels", "synthetic_train", "synthetic_test")
    require(config, [f"data.{name}" for name in sizes], *whole(1))
    require(config, ["data.pool_limit"], *whole(0))
    require(config, ["data.pseudo_count"], lambda value: value > 0, "a number > 0")
    require(config, ["data.augment_jitter"], lambda value: value >= 0, "a number >= 0")
    fractions = ("data.test_fraction", "data.validation_fraction", "data.missing_pictures")
    require(config, fractions, lambda value: 0 <= value < 1, "a fraction in [0, 1)")
    require(config, ["data.augment_outskirts"], lambda value: 0 <= value <= 1, "a probability in [0, 1]")
    require(config, ["data.crop_fraction"], lambda value: 0 < value <= 1, "a fraction in (0, 1]")
    if config.data.get("questions") and config.data.answer_columns:
        raise InputError(
            "data.questions names questions of a known decision tree and data.answer_columns own columns; give one of "
            "the two."
        )
    size, step = config.data.image_size, 2 ** len(config.model.filters)
    if not 32 <= size <= 256 or size % step:
        raise InputError(
            f"data.image_size is {size}, but a size from 32 to 256 divisible by {step} (2 to the number of "
            f"model.filters) was expected; try {min(256, max(32, size // step * step))}."
        )

"""Refuses impossible `model` fields of a config before anything is built."""

from __future__ import annotations

from typing import Any

from etvae_tf.fields import choose, require, whole
from etvae_tf.geometry import GROUPS, SAMPLERS
from etvae_tf.objectives import PIXEL_LIKELIHOODS

__all__ = ["validate_model"]


def validate_model(config: Any) -> None:
    """Checks every field of `config.model` that can be wrong by itself.

    Args:
        config: a whole run's config.

    Raises:
        InputError: names the field, what came and what was expected.
    """
    choose(config, "model.pose.group", [*GROUPS, "none"])
    choose(config, "model.sampler", SAMPLERS)
    choose(config, "model.pixel_likelihood", PIXEL_LIKELIHOODS)
    sizes = ("latent_dim", "pose.order", "pose.angles", "pose.radii", "classifier.units")
    require(config, [f"model.{name}" for name in sizes], *whole(1))
    require(config, ["model.pose.blur"], lambda value: value >= 0, "a number >= 0")
    filters = ("model.filters", "model.pose.filters")
    require(config, filters, lambda value: len(value) and min(value) >= 1, "one or more whole numbers >= 1")
    stages = range(len(config.model.filters))
    numbers = f"a tuple of different whole numbers from 0 to {len(stages) - 1}, the convolutions of model.filters,"
    require(config, ["model.residual"], lambda value: set(value) <= {*stages} and len({*value}) == len(value), numbers)

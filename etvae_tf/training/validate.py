"""Refuses impossible configs before anything is read, built or written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from etvae_tf.errors import InputError
from etvae_tf.geometry import GROUPS, SAMPLERS
from etvae_tf.objectives import PIXEL_LIKELIHOODS
from etvae_tf.training.phases import REGIMES

__all__ = ["validate_config"]

_POSITIVE_INTEGERS = (
    "data.image_size", "model.latent_dim", "model.pose.order", "model.pose.angles", "model.pose.radii",
    "model.classifier.units", "train.steps_per_epoch", "data.augment_jitter_labels",
    "train.vae_batch", "train.unlabelled_batch", "train.labelled_batch", "data.synthetic_train",
    "data.synthetic_test",
)  # fmt: skip
_POSITIVE = ("data.pseudo_count", "train.vote_steps_per_label", "train.vae_learning_rate", "train.vote_learning_rate")
_NOT_NEGATIVE = (
    "train.vae_steps", "train.vae_steps_per_picture", "train.vote_steps",
    "train.kl_weight", "train.view_weight", "train.alternating_vae_rate", "train.kl_warmup_steps", "train.weight_decay",
    "model.pose.blur", "data.pool_limit", "data.augment_jitter", "seed",
)  # fmt: skip
_FRACTIONS = (
    "data.test_fraction",
    "data.validation_fraction",
)


def validate_config(config: Any) -> None:
    """Checks every field that can be wrong by itself.

    Args:
        config: a whole run's config.

    Raises:
        InputError: names the field, what came and what was expected.
    """
    _check_choices(config)
    for name in _POSITIVE_INTEGERS:
        _require(config, name, lambda value: value >= 1 and value == int(value), "a whole number >= 1")
    for name in _POSITIVE:
        _require(config, name, lambda value: value > 0, "a number > 0")
    for name in _NOT_NEGATIVE:
        _require(config, name, lambda value: value >= 0, "a number >= 0")
    for name in _FRACTIONS:
        _require(config, name, lambda value: 0 <= value < 1, "a fraction in [0, 1)")
    _require(config, "data.augment_outskirts", lambda value: 0 <= value <= 1, "a probability in [0, 1]")
    _require(config, "data.crop_fraction", lambda value: 0 < value <= 1, "a fraction in (0, 1]")
    _require(config, "n_labels", lambda value: value >= 2, "a whole number >= 2")
    for name in ("model.filters", "model.pose.filters"):
        _require(config, name, lambda value: len(value) and min(value) >= 1, "one or more whole numbers >= 1")
    _check_picture(config)


def _check_choices(config: Any) -> None:
    _choose(config, "regime", REGIMES)
    _choose(config, "model.pose.group", [*GROUPS, "none"])
    _choose(config, "model.sampler", SAMPLERS)
    _choose(config, "model.pixel_likelihood", PIXEL_LIKELIHOODS)
    _choose(config, "data.label_kind", ("auto", "counts", "fractions"))
    _choose(config, "data.channels", (1, 3))


def _check_picture(config: Any) -> None:
    size, step = config.data.image_size, 2 ** len(config.model.filters)
    if not 32 <= size <= 256 or size % step:
        raise InputError(
            f"data.image_size is {size}, but a size from 32 to 256 divisible by {step} (2 to the number of "
            f"model.filters) was expected; try {min(256, max(32, size // step * step))}."
        )


def _value(config: Any, name: str) -> Any:
    for part in name.split("."):
        config = config[part]
    return config


def _require(config: Any, name: str, holds: Any, expected: str) -> None:
    value = _value(config, name)
    if not holds(value):
        raise InputError(f"{name} is {value}, but {expected} was expected; mend it with {_flag(name)}=VALUE.")


def _choose(config: Any, name: str, choices: Iterable[Any]) -> None:
    value, known = _value(config, name), list(choices)
    if value not in known:
        allowed = ", ".join(map(str, known))
        raise InputError(f"{name} is {value!r}, but one of {allowed} was expected; mend it with {_flag(name)}=VALUE.")


def _flag(name: str) -> str:
    return f"--{name}" if "." not in name else f"--config.{name}"

"""Checks of config fields: each room checks those that it owns, with these sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from etvae_tf.errors import InputError

__all__ = ["choose", "require", "value_of", "whole"]


def require(config: Any, names: Iterable[str], holds: Callable[[Any], bool], expected: str) -> None:
    """Checks fields of one kind.

    Args:
        config: a whole run's config.
        names: of the fields, such as data.image_size.
        holds: says whether a value is right.
        expected: what a right value is, for the sentence.

    Raises:
        InputError: names the first field that is wrong, what came and what was expected.
    """
    for name in names:
        value = value_of(config, name)
        if not holds(value):
            raise InputError(f"{name} is {value}, but {expected} was expected; mend it with {_flag(name)}=VALUE.")


def choose(config: Any, name: str, choices: Iterable[Any]) -> None:
    """Checks a field that has a few possible values.

    Args:
        config: a whole run's config.
        name: of the field.
        choices: all possible values.

    Raises:
        InputError: names the field, what came and the possible values.
    """
    value, known = value_of(config, name), list(choices)
    if value not in known:
        allowed = ", ".join(map(str, known))
        raise InputError(f"{name} is {value!r}, but one of {allowed} was expected; mend it with {_flag(name)}=VALUE.")


def whole(least: int) -> tuple[Callable[[Any], bool], str]:
    """The last two arguments of `require` for whole numbers from `least` on."""
    return lambda value: value >= least and value == int(value), f"a whole number >= {least}"


def value_of(config: Any, name: str) -> Any:
    """The value of a field, by its full name."""
    for part in name.split("."):
        config = config[part]
    return config


def _flag(name: str) -> str:
    return f"--{name}" if "." not in name else f"--config.{name}"
